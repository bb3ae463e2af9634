"""The text that names a claim outside: opaque, and of no use in another installation."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from struct import Struct

from penstock.errors import EngineUnavailable, UnknownJob
from penstock.group import QueueGroup, Store
from penstock.job import ClaimRef, JobId

_MARK = 8  # bytes
_CLAIM = Struct(">QQ")  # id and fence
_TOKEN = Struct(f">{_CLAIM.size}s{_MARK}s")
_TEXT = re.compile(r"[A-Za-z0-9_-]{32}")
_MAX_FENCE = 2**63 - 1


def write(ref: ClaimRef, store: Store) -> str:
    """The text that names this claim of a job of the store."""
    claim = _CLAIM.pack(ref.id, ref.fence)
    return urlsafe_b64encode(_TOKEN.pack(claim, _mark(claim, store))).decode()


def read(text: str, group: QueueGroup) -> tuple[Store, ClaimRef] | None:
    """The claim that the text names, and its store; None where no store of ours has written it."""
    if _TEXT.fullmatch(text) is None:
        return None
    claim, mark = _TOKEN.unpack(urlsafe_b64decode(text))
    id, fence = _CLAIM.unpack(claim)
    try:
        store = group.store_of(JobId(id))
    except UnknownJob:
        return None
    if mark != _mark(claim, store) or fence > _MAX_FENCE:
        return None
    return store, ClaimRef(JobId(id), fence)


def _mark(claim: bytes, store: Store) -> bytes:
    """Tells this store from all others, and a whole text from a damaged one; no secret."""
    uuid = store.engine.identity.uuid.encode()
    if not uuid:
        raise EngineUnavailable(f"store {store.name} was not reached yet")
    return blake2b(claim, key=uuid[:64], digest_size=_MARK).digest()
