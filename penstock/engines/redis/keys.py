"""The names of all keys; the only place where they are made.

A store lies under one hash tag, so that every script works on one slot. The scripts are given all
of `keys` (their `parts/keys.lua` names them in this order) and append what tells the members of a
family apart: an id, a queue, a state and a queue.
"""

from functools import lru_cache
from urllib.parse import quote, unquote

from penstock.job import JobId, QueueKey

_KEYS = (
    "store",  # hash: uuid, number, schema, last_id, wakes, told_at
    "queues",  # set: names of all queues ever used
    "paused",  # set: names of queues
    "due",  # sorted set: scheduled ids by run_at
    "held",  # sorted set: claimed ids by the end of their claim
    "kept",  # sorted set: ended ids by the end of their keep
    "job:",  # + id, hash: the job
    "jobs:",  # + state:queue, sorted set: ids in order, see parts/order.lua
    "dedupe:",  # + queue, hash: key → id of the job that waits with it
    "root:",  # + queue/signature, expires: the newest timestamp
    "idempotency:",  # + domain/item/key, expires, hash: fingerprint, id, deduplicated
    "tally:",  # + queue, hash: pushed, deleted
    "open:",  # + type, sorted set: names of queues with ready jobs by the highest priority, see parts/open_queues.lua
    "workers",  # sorted set: workers by the end of their presence
    "presences",  # hash: worker → the presence as it was announced
    "wake",  # no key but a channel: the number of wakes
)


def keys(number: int) -> tuple[str, ...]:
    """The keys and the beginnings of the key families of the store with this number."""
    return tuple(f"{{penstock:{number}}}:{key}" for key in _KEYS)


def channel(number: int) -> str:
    """Where the store with this number tells that a job may be ready."""
    return keys(number)[-1]


@lru_cache(maxsize=4096)
def queue_name(queue: QueueKey) -> str:
    """The queue within a key: domain and type, each without a slash of its own."""
    return f"{name_part(queue.domain)}/{name_part(queue.type)}"


@lru_cache(maxsize=4096)
def queue_of(name: bytes) -> QueueKey:
    """The queue that `queue_name` named."""
    domain, type = name.decode().split("/")
    return QueueKey(unquote(domain), unquote(type))


def name_part(text: str) -> str:
    """A domain or a type as it stands in the name of a queue."""
    return quote(text, safe=":")


def push_name(domain: str, key: str, item: int) -> str:
    """The caller's key for one job, within a key; no two of them are the same."""
    return f"{name_part(domain)}/{item}/{key}"


def id_text(id: JobId) -> str:
    """An id as it is stored: of 16 digits, so that as text, too, the lowest comes first."""
    return f"{id:016d}"
