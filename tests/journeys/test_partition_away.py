"""A federation of whole processes, one partition of which is a PostgreSQL that is really stopped and started."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from penstock.job import JobId, store_number
from penstock.serialization import JSON
from tests.journeys.processes import (
    SOON,
    Target,
    configured,
    get,
    number,
    post,
    server,
    started,
    target,
)
from tests.servers import running
from tests.servers.postgresql import PrivateServer, private

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(180)]

EAST, WEST = 1, 2
STORES = """
[stores.east]
url = "sqlite:///east.db"
number = {east}
[stores.west]
url = "{west}"
number = {west_number}
[stores.wide]
partitions = {{ east = 50, west = 50 }}
[queues.default]
store = "wide"
"""
STAYS_OUT = re.compile("(store west stays out .*)")
TAKEN_IN = re.compile("(store west is back)")
MANY = 12  # one in 4,000 of so many lies in one partition alone


@dataclass(frozen=True)
class Place:
    """A configuration, its PostgreSQL, and the target of its jobs."""

    config: Path
    database: PrivateServer
    to: Target
    paths: Iterator[int] = field(default_factory=count)

    def configure(self, *, west_number: int = WEST) -> None:
        """The file says so."""
        stores = STORES.format(east=EAST, west=self.database.url, west_number=west_number)
        text = configured(self.config.parent, ttl=2).read_text()
        main = '[stores.main]\nurl = "sqlite:///penstock.db"\n'
        assert main in text
        self.config.write_text(text.replace(main, stores))

    async def execute(self, statement: str) -> None:
        """It has happened in the database."""
        connection = await asyncpg.connect(self.database.url)
        await connection.execute(statement)
        await connection.close()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """The database is stopped meanwhile."""
        await asyncio.to_thread(self.database.stop, "immediate")
        try:
            yield
        finally:
            await asyncio.to_thread(self.database.start)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    with running(private) as database:
        async with target() as to:
            made = Place(tmp_path / "penstock.toml", database, to)
            made.configure()
            yield made


async def push_many(place: Place, url: str) -> list[JobId]:
    """So many jobs, each with a key of its own; their ids."""
    ids: list[JobId] = []
    for _ in range(MANY):
        params = {"url": f"{place.to.url}/{next(place.paths)}"}
        body: JSON = {"type": "http", "params": params, "dedupe": True}
        status, answer = await post(f"{url}/v1/jobs", body)
        assert status == 202, answer
        ids.append(JobId(number(answer, "id")))
    return ids


def parts(ids: list[JobId]) -> set[int]:
    return {store_number(id) for id in ids}


async def states(url: str, ids: list[JobId]) -> set[JSON]:
    """What became of the jobs, once they have ended or it took too long."""
    return {(await get(f"{url}/v1/jobs/{id}?wait=15"))["state"] for id in ids}


async def said(place: Place, *words: str) -> tuple[int, str]:
    """Exit code and output of a verb of the command line."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "penstock.cli", *words, "--config", str(place.config)),
        stdout=PIPE,
        stderr=PIPE,
        cwd=place.config.parent,
    )
    async with asyncio.timeout(SOON):
        output, complaint = await process.communicate()
    return await process.wait(), (output or complaint).decode()


async def listed(url: str) -> set[JSON]:
    """The ids of all jobs that are listed."""
    jobs = (await get(f"{url}/v1/jobs"))["jobs"]
    assert isinstance(jobs, list)
    return {number(job, "id") for job in jobs}


async def test_a_process_starts_without_a_partition_and_takes_it_in_when_it_is_there(
    place: Place,
) -> None:
    async with AsyncExitStack() as left:
        async with place.away():
            process, url = await left.enter_async_context(server(place.config))
            first = await push_many(place, url)
            assert await states(url, first) == {"done"}
            assert parts(first) == {EAST}
            assert "store west" in str(await get(f"{url}/readyz"))

        await process.says(TAKEN_IN)
        later: list[JobId] = []
        async with asyncio.timeout(SOON):
            while parts(later) != {EAST, WEST}:
                later += await push_many(place, url)
        assert await states(url, later) == {"done"}


async def test_everything_is_told_and_done_without_a_partition_but_its_own_jobs(
    place: Place,
) -> None:
    async with server(place.config, "--no-runner") as (_, url):
        ids = await push_many(place, url)
        here = [id for id in ids if store_number(id) == EAST]
        there = [id for id in ids if store_number(id) == WEST]
        assert here
        assert there

        async with place.away():
            assert await listed(url) == set(here)
            queues = str((await get(f"{url}/v1/queues"))["queues"])
            assert "'store': 'wide'" in queues
            assert f"'ready': {len(here)}" in queues
            assert (await get(f"{url}/v1/jobs/{here[0]}/explain"))["reasons"]
            assert (await get(f"{url}/v1/jobs/{there[0]}"))["status"] == 503
            assert await said(place, "show-jobs") == (0, f"{len(here)}\n")
            code, lines = await said(place, "run-jobs")
            assert (code, lines.count(" good")) == (0, len(here)), lines
            assert await states(url, here) == {"done"}

        code, lines = await said(place, "run-jobs")
        assert (code, lines.count(" good")) == (0, len(there)), lines
        assert await states(url, ids) == {"done"}


async def test_a_partition_that_can_be_reached_and_is_wrong_refuses_the_start(place: Place) -> None:
    await use_both(place)
    place.configure(west_number=WEST + 1)

    async with started(place.config, "serve", "--port", "0") as process:
        assert await process.ends() != 0

    assert "number 2" in "".join(process.said)


async def test_a_partition_with_a_newer_schema_stays_out_until_it_is_mended(place: Place) -> None:
    await use_both(place)
    await place.execute(
        "insert into penstock.migration (number, name) values (9999, '9999_later_needs_9999.sql')"
    )

    async with AsyncExitStack() as left:
        async with place.away():
            process, url = await left.enter_async_context(server(place.config))

        assert "9999" in await process.says(STAYS_OUT)
        ids = await push_many(place, url)
        assert parts(ids) == {EAST}
        assert await states(url, ids) == {"done"}
        await place.execute("delete from penstock.migration where number = 9999")
        await process.says(TAKEN_IN)


async def use_both(place: Place) -> None:
    """Both partitions know their numbers."""
    async with server(place.config, "--no-runner") as (_, url):
        assert parts(await push_many(place, url)) == {EAST, WEST}
