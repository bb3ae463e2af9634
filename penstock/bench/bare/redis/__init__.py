"""Redis alone: as few calls as the moves need, a script each, on one connection and the engine's own keys."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.resources import files
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from penstock.bench.timing import since
from penstock.engine import Want
from penstock.engines.redis.arguments import microseconds
from penstock.engines.redis.connection import connect
from penstock.engines.redis.keys import keys, queue_name
from penstock.engines.redis.scripts import composed
from penstock.engines.redis.trouble import translated
from penstock.errors import NotAllowed
from penstock.job import MAX_STORE_NUMBER, NewJob, QueueKey, dump_details
from penstock.settings import StoreSettings

WORKER = "bare"
KEEP = timedelta(days=1)
NUMBERS = range(MAX_STORE_NUMBER, MAX_STORE_NUMBER - 20, -1)  # of stores that nobody else has
SCAN = 1000  # keys looked at in one call

Raw = Sequence[bytes]


class RedisBare:
    """One connection."""

    def __init__(self, client: Redis, number: int, version: str) -> None:
        self.version = f"Redis {version}"
        self._client = client
        self._keys = keys(number)
        self._scripts: dict[str, str] = {}
        self._held: list[bytes] = []

    def room(self) -> None:
        """Nobody knows how much memory the server may take."""
        return

    async def push(self, jobs: Sequence[NewJob]) -> timedelta:
        """The jobs are ready."""
        by_queue: dict[QueueKey, list[str | int]] = {}
        for job in jobs:
            by_queue.setdefault(job.queue, []).extend(_fields(job))
        took = timedelta(0)
        for queue, fields in by_queue.items():
            spent, _ = await self._run("push", [queue_name(queue), *fields])
            took += spent
        return took

    async def claim(self, wants: Sequence[Want]) -> timedelta:
        """What was wanted is held."""
        asked: list[str | int] = [WORKER]
        for want in wants:
            asked += [queue_name(want.queue), want.limit, microseconds(want.ttl)]
        took, claims = await self._run("claim", asked)
        for claim in claims:
            fields = dict(zip(claim[::2], claim[1::2], strict=True))
            self._held += [fields[b"id"], fields[b"fence"]]
        return took

    async def ack(self) -> timedelta:
        """What was held is done."""
        held, self._held = self._held, []
        took, _ = await self._run("ack", [microseconds(KEEP), *held])
        return took

    def open_transaction(self) -> None:
        """Nobody can hold a transaction open."""
        return

    async def close(self) -> None:
        """The connection is gone."""
        await self._client.aclose()

    async def _run(
        self, verb: str, arguments: Sequence[str | bytes | int]
    ) -> tuple[timedelta, Sequence[Raw]]:
        """How long the script took, and what it answered."""
        if verb not in self._scripts:
            text = (files(__package__) / f"{verb}.lua").read_text("utf-8")
            self._scripts[verb] = await self._client.script_load(composed(text))
        # The driver's types know of one kind of answer only.
        call: Any = self._client.evalsha
        began = time.perf_counter_ns()
        answer = await call(self._scripts[verb], len(self._keys), *self._keys, *arguments)
        return since(began), answer or ()


async def open_bare(settings: StoreSettings) -> RedisBare:
    """The store that the engine has made under this number."""
    client = connect(settings.url)
    try:
        info = await client.info("server")
    except RedisError as error:
        await client.aclose()
        raise translated(error, "open") from error
    return RedisBare(client, settings.number, str(info["redis_version"]))


@asynccontextmanager
async def own_store(settings: StoreSettings) -> AsyncIterator[StoreSettings]:
    """A number of our own in the database that the URL names; its keys are deleted at the end."""
    client = connect(settings.url)
    try:
        number = await _reserve(client)
        try:
            yield msgspec.structs.replace(settings, number=number)
        finally:
            await _delete(client, number)
    except RedisError as error:
        raise translated(error, "bench") from error
    finally:
        await client.aclose()


async def _reserve(client: Redis) -> int:
    """A number that nobody else takes from now on."""
    for number in NUMBERS:
        known = await client.exists(keys(number)[0])
        if not known and await client.set(_mark(number), "1", nx=True):
            return number
    raise NotAllowed(
        f"the stores {NUMBERS[-1]} to {NUMBERS[0]} are all in use in this database, perhaps by benches that were "
        f"killed; delete the keys {_mark(NUMBERS[0]).rpartition(':')[0]}:* and so on, or name another database"
    )


async def _delete(client: Redis, number: int) -> None:
    family = _mark(number).rpartition(":")[0]
    # The mark goes last: until then the number is ours.
    batch: list[bytes] = []
    async for key in client.scan_iter(match=f"{family}:*", count=SCAN):
        batch.append(key)
        if len(batch) == SCAN:
            await client.unlink(*batch)
            batch = []
    await client.unlink(*batch, _mark(number))


def _mark(number: int) -> str:
    return f"{{penstock:{number}}}:bench"


def _fields(job: NewJob) -> Sequence[str | int]:
    return (
        job.params,
        dump_details(job.details),
        job.priority,
        job.max_attempts,
        job.delivery.value,
    )
