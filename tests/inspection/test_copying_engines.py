"""Jobs are copied between stores of different engines, also while others push and claim."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from penstock.conformance.builders import (
    HOUR,
    QUEUE,
    TTL,
    assert_conserved,
    everything,
    job,
    names,
    push,
    root,
    want,
)
from penstock.engine import Ack, Engine, JobFilter
from penstock.engines.memory import MemoryEngine
from penstock.engines.sqlite import SqliteEngine
from penstock.group import QueueGroup
from penstock.job import Job, State
from tests.engines.mariadb.harness import around as around_mariadb
from tests.engines.postgresql.harness import around as around_postgresql
from tests.engines.redis.harness import RedisHarness
from tests.engines.sqlite.harness import url_of
from tests.inspection.two import all_moved, copied, group_of, opened
from tests.servers.mariadb import Server as MariadbServer
from tests.servers.redis import Server as RedisServer
from tests.servers.redis import redis_server

__all__ = ["redis_server"]

pytest_plugins = ["tests.servers.fixtures"]

NUMBERS = {"mariadb": 0, "redis": 0, "postgresql": 3, "memory": 4, "sqlite": 5}
MANY = 250
SERVERS = [pytest.mark.server, pytest.mark.xdist_group("copying")]


@asynccontextmanager
async def store(request: pytest.FixtureRequest, kind: str, number: int) -> AsyncIterator[Engine]:
    """An empty store of this kind."""
    match kind:
        case "memory":
            yield MemoryEngine(number=number)
        case "sqlite":
            directory: Path = request.getfixturevalue("tmp_path")
            yield SqliteEngine(url_of(directory / f"{number}.db"), number=number)
        case "postgresql":
            url: str = request.getfixturevalue("postgresql_url")
            async with around_postgresql(url, "penstock_copying", number=number) as postgresql:
                await postgresql.clean()
                yield postgresql.engine
        case "mariadb":
            mariadb_server: MariadbServer = request.getfixturevalue("mariadb_server")
            async with around_mariadb(mariadb_server) as mariadb:
                yield mariadb.engine
        case "redis":
            server: RedisServer = request.getfixturevalue("redis_server")
            async with RedisHarness(server.url, server) as redis:
                yield redis.engine


@asynccontextmanager
async def stores(request: pytest.FixtureRequest, a: str, b: str) -> AsyncIterator[QueueGroup]:
    """The places `a` and `b` of these kinds, open; what is federated is over two files."""
    kinds = {"a": a, "b": b}
    wide = [name for name, kind in kinds.items() if kind == "federated"]
    numbered = {name: (kind, NUMBERS[kind]) for name, kind in kinds.items() if name not in wide}
    if wide:
        numbered |= {"east": ("sqlite", 1), "west": ("sqlite", 2)}
    async with AsyncExitStack() as stack:
        engines = {
            name: await stack.enter_async_context(store(request, kind, number))
            for name, (kind, number) in numbered.items()
        }
        for engine in engines.values():
            await engine.open()
            stack.push_async_callback(engine.close)
        group = await opened(group_of(engines, federations=dict.fromkeys(wide, ("east", "west"))))
        yield group


@pytest.fixture(
    params=[
        "memory-sqlite",
        "sqlite-federated",
        "federated-sqlite",
        pytest.param("sqlite-postgresql", marks=SERVERS),
        pytest.param("postgresql-redis", marks=SERVERS),
        pytest.param("mariadb-sqlite", marks=SERVERS),
        pytest.param("redis-mariadb", marks=SERVERS),
    ]
)
async def group(request: pytest.FixtureRequest) -> AsyncIterator[QueueGroup]:
    a, b = request.param.split("-")
    async with stores(request, a, b) as made:
        yield made


async def waiting(engine: Engine) -> list[Job]:
    """The jobs of the queue that wait."""
    return [
        one
        for state in (State.SCHEDULED, State.READY)
        for one in await everything(engine, JobFilter(type="mail", state=state))
    ]


def describe(one: Job) -> tuple[object, ...]:
    """What is to be the same in every store."""
    return (
        one.queue, one.state, one.params, one.details, one.priority, one.run_at, one.dedupe_key, one.root,
        one.max_attempts, one.delivery,
    )  # fmt: skip


async def test_a_moved_queue_is_the_same_in_every_store(group: QueueGroup) -> None:
    a, b = (group.places[name].engine for name in "ab")
    await push(a, *(job(f"ready {n}", priority=n) for n in range(MANY)))
    await push(a, *(job(f"scheduled {n}", delay=HOUR * n) for n in range(1, 20)))
    await push(a, *(job(f"keyed {n}", dedupe_key=f"key {n}", root=root(1)) for n in range(20)))
    before = {describe(one) for one in await waiting(a)}

    copies = await all_moved(group)
    again = await all_moved(group)

    assert len(before) == MANY + 39
    assert {describe(one) for one in await waiting(b)} == before
    assert await waiting(a) == []
    assert copies == Counter(copied=MANY + 39, removed=MANY + 39)
    assert again == Counter()
    [twin] = await b.push([job("later", dedupe_key="key 7")])
    assert twin.deduplicated
    for engine in (a, b):
        await assert_conserved(engine)


async def pushes(engine: Engine, count: int, *, priority: int) -> None:
    """So many jobs are pushed, a few at a time."""
    for first in range(0, count, 5):
        await push(engine, *(job(f"late {first + n}", priority=priority) for n in range(5)))


async def runs(engine: Engine, ran: list[str], over: asyncio.Event, *, floor: int = 0) -> None:
    """Whatever is ready is claimed and done, until all is over."""
    while not over.is_set():
        given = (await engine.claim([want(QUEUE, limit=3, ttl=TTL, floor=floor)], "runner")).claims
        ran += names(given)
        await engine.ack([Ack(ref=one.ref) for one in given])
        await asyncio.sleep(0)


BESIDE = pytest.mark.parametrize(
    ("a", "b"),
    [
        ("sqlite", "memory"),
        ("sqlite", "federated"),
        pytest.param("redis", "mariadb", marks=SERVERS),
    ],
)


@BESIDE
@pytest.mark.slow
async def test_what_waits_all_along_is_copied_while_others_push_and_claim(
    request: pytest.FixtureRequest, a: str, b: str
) -> None:
    async with stores(request, a, b) as group:
        source, target = (group.places[name].engine for name in "ab")
        await push(source, *(job(f"low {n}", priority=1) for n in range(MANY)))
        over = asyncio.Event()
        ran: list[str] = []

        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            pushing = tasks.create_task(pushes(source, MANY, priority=900))
            tasks.create_task(runs(source, ran, over, floor=500))
            while not pushing.done():
                await copied(group, batch=10)
            over.set()

        there = Counter(names(await everything(target, JobFilter(type="mail"))))
        assert {f"low {n}" for n in range(MANY)} <= there.keys()
        assert set(there.values()) == {1}
        assert ran


@BESIDE
@pytest.mark.slow
async def test_a_queue_is_moved_under_load_and_each_job_runs_once(
    request: pytest.FixtureRequest, a: str, b: str
) -> None:
    async with stores(request, a, b) as group:
        source, target = (group.places[name].engine for name in "ab")
        await push(source, *(job(f"early {n}") for n in range(MANY)))
        over = asyncio.Event()
        here: list[str] = []
        there: list[str] = []

        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            pushing = tasks.create_task(pushes(source, MANY, priority=500))
            tasks.create_task(runs(source, here, over))
            tasks.create_task(runs(target, there, over))
            while not pushing.done():
                await all_moved(group)
            while len(here) + len(there) < 2 * MANY:
                await all_moved(group)
            over.set()

        every = {f"{kind} {n}" for kind in ("early", "late") for n in range(MANY)}
        assert Counter(here + there) == Counter(every)
        assert there
