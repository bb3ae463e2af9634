"""A partition that does what it is asked and whose answer is lost on the way: nobody else may do it again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from penstock.conformance.builders import OTHER, counts_of, job, key, push_one
from penstock.engine import Engine
from penstock.engines.federated import FederatedEngine, Partition
from penstock.engines.federated.ring import Ring
from penstock.engines.postgresql import PostgresqlEngine
from penstock.engines.sqlite import SqliteEngine
from penstock.errors import EngineUnavailable
from penstock.job import Delivery, NewJob, store_number
from tests.engines.postgresql.harness import around
from tests.engines.sqlite.harness import url_of

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]

HERE, FAR = 0, 1
WEIGHTS = {"here": 1, "far": 1}


class Relay:
    """Carries bytes to a PostgreSQL and back; once `is_deaf`, its first answer is dropped and the line with it."""

    def __init__(self, url: str) -> None:
        self._upstream = urlsplit(url)
        self.is_deaf = False
        self.url = ""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Relay"]:
        """It listens, and its URL is that of the server."""
        listening = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        host, port = listening.sockets[0].getsockname()
        user = self._upstream.netloc.rpartition("@")[0]
        self.url = self._upstream._replace(netloc=f"{user}@{host}:{port}", query="").geturl()
        async with listening:
            yield self

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, there = await self._connected()
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass_on(near, there))
                both.create_task(self._answer(far, back, there))
        finally:
            for writer in (back, there):
                writer.close()

    async def _answer(
        self, far: asyncio.StreamReader, back: asyncio.StreamWriter, there: asyncio.StreamWriter
    ) -> None:
        while some := await far.read(2**16):
            if self.is_deaf:
                break
            back.write(some)
        back.close()
        there.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        sockets = parse_qs(self._upstream.query).get("host")
        if sockets:
            return await asyncio.open_unix_connection(Path(sockets[0]) / ".s.PGSQL.5432")
        return await asyncio.open_connection(self._upstream.hostname, self._upstream.port or 5432)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while some := await reader.read(2**16):
        writer.write(some)
    writer.close()


@dataclass
class Wide:
    """A federation over a file here and a database behind a relay, and a straight way to both."""

    engine: FederatedEngine
    relay: Relay
    stores: dict[int, Engine]

    async def sizes(self) -> tuple[int, int]:
        """How many jobs lie in each."""
        here, far = [await counts_of(self.stores[n]) for n in (HERE, FAR)]
        return here.pushed, far.pushed


@pytest.fixture
async def wide(tmp_path: Path, postgresql_url: str) -> AsyncIterator[Wide]:
    async with (
        around(postgresql_url, "cut", number=FAR) as far,
        Relay(postgresql_url).serve() as relay,
    ):
        await far.clean()
        here = SqliteEngine(url_of(tmp_path / "here.db"), number=HERE)
        behind = PostgresqlEngine(relay.url, number=FAR, schema="cut")
        engine = FederatedEngine(
            [
                Partition(name="here", engine=here, weight=WEIGHTS["here"]),
                Partition(name="far", engine=behind, weight=WEIGHTS["far"]),
            ]
        )
        await engine.open()
        # Afterwards a push is one question and one answer.
        await behind.push([job(queue=OTHER)])
        try:
            yield Wide(engine, relay, {HERE: here, FAR: far.engine})
        finally:
            relay.is_deaf = False
            await engine.close()


def for_the_far_one(new: NewJob) -> NewJob:
    """The job with a key whose home is the database."""
    ring = Ring(WEIGHTS)
    keys = (str(number) for number in range(1000))
    if new.idempotency is not None:
        return replace(
            new, idempotency=key(next(k for k in keys if ring.owner(f"key {k}") == "far"))
        )
    queue = new.queue
    return replace(
        new, dedupe_key=next(k for k in keys if ring.owner(f"dedupe {queue}/{k}") == "far")
    )


async def test_a_push_under_a_key_is_settled_by_asking_again(wide: Wide) -> None:
    new = for_the_far_one(job(idempotency=key()))
    wide.relay.is_deaf = True
    with pytest.raises(EngineUnavailable, match="partition far"):
        await wide.engine.push([new])
    assert await wide.sizes() == (0, 1)

    wide.relay.is_deaf = False
    [again] = await wide.engine.push([new])

    assert (again.replayed, store_number(again.id)) == (True, FAR)
    assert await wide.sizes() == (0, 1)


async def test_a_job_that_may_run_once_is_nowhere_else(wide: Wide) -> None:
    new = for_the_far_one(job(delivery=Delivery.AT_MOST_ONCE))
    wide.relay.is_deaf = True

    with pytest.raises(EngineUnavailable, match="partition far"):
        await wide.engine.push([new])

    assert await wide.sizes() == (0, 1)


async def test_any_other_job_is_stored_again_rather_than_lost(wide: Wide) -> None:
    wide.relay.is_deaf = True

    id = await push_one(wide.engine, for_the_far_one(job()))

    assert store_number(id) == HERE
    assert await wide.sizes() == (1, 1)
