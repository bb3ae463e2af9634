"""Nothing that is done often reads more because more is stored."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from penstock.conformance.builders import (
    HOUR,
    OTHER,
    QUEUE,
    WORKER,
    job,
    push,
    root,
    want,
)
from penstock.engine import Ack, Engine, JobFilter
from penstock.engines.sqlite import schema
from penstock.engines.sqlite.connection import Connection, open_to_write
from penstock.engines.sqlite.statements import statements
from penstock.job import JobId, Order, QueueKey, State
from tests.engines.failures.acts import ACTS, Act
from tests.engines.sqlite.harness import SqliteHarness, prepared_file

NO_PLAN = ("open.", "transaction.")

# Tables that grow with the jobs, and the other names under which statements read them.
LARGE = (
    "job", "twin", "ready", "mine", "first", "beyond", "short", "newest", "scheduled", "claimed", "finished",
    "last_error", "dedupe", "root", "idempotency", "queue",
)  # fmt: skip
READ_WHOLE = {
    "counts.all": "queue",
    "list.queues": "queue",
    "forget.claims": "claimed",  # as many as run at the same time, and workers seldom die
}
SORTED = {
    "ahead.fifo",
    "claim.fifo",
    "claim.random",
    "list.ready",
    "list.scheduled",
    "list.finished",
    "oldest",
    "ready",
}

PICKED = {
    "claim.priority": "SEARCH ready USING PRIMARY KEY (queue=? AND rank<?)",
    "claim.take": "SEARCH ready USING PRIMARY KEY (queue=? AND rank=? AND id=?)",
    "claim.fifo": "SEARCH first USING PRIMARY KEY (queue=? AND rank=?)",
    "claim.random": "SEARCH beyond USING PRIMARY KEY (queue=? AND rank=? AND id>?)",
    "ahead.priority": "SEARCH first USING PRIMARY KEY (queue=? AND (rank,id)<(?,?))",
    "ahead.fifo": "SEARCH first USING PRIMARY KEY (queue=? AND rank=? AND id<?)",
    "waiting.leave_ready": "SEARCH ready USING PRIMARY KEY (queue=? AND rank=? AND id=?)",
    "waiting.leave_scheduled": "SEARCH scheduled USING PRIMARY KEY (queue=? AND id=?)",
    "waiting.leave_key": "SEARCH dedupe USING PRIMARY KEY (key=?)",
    "push.replay": "SEARCH idempotency USING PRIMARY KEY (key=? AND domain=? AND item=?)",
    "push.twin": "SEARCH dedupe USING PRIMARY KEY (key=? AND queue=?)",
    "claim.superseded": "SEARCH root USING PRIMARY KEY (signature=? AND queue=?)",
    "ready": "SEARCH queue USING INDEX queue_with_ready (type=?)",
    "promote.take": "SEARCH scheduled USING COVERING INDEX scheduled_by_time (run_at<?)",
    "promote.next": "SEARCH scheduled USING COVERING INDEX scheduled_by_time",
    "reclaim.expired": "SEARCH claimed USING INDEX claimed_by_time (until<?)",
    "purge.take": "SEARCH finished USING COVERING INDEX finished_by_time (keep_until<?)",
    "purge.roots": "SEARCH root USING COVERING INDEX root_by_time (until<?)",
    "purge.keys": "SEARCH idempotency USING COVERING INDEX idempotency_by_time (until<?)",
    "list.finished": "SEARCH newest USING COVERING INDEX finished_by_state (queue=? AND state=? AND rowid<?)",
    "ack": "SEARCH claimed USING INTEGER PRIMARY KEY (rowid=?)",
    "renew": "SEARCH claimed USING INTEGER PRIMARY KEY (rowid=?)",
}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    made = open_to_write(tmp_path / "new.db")
    schema.migrate(made)
    yield made
    made.close()


def plan(connection: Connection, name: str) -> list[str]:
    """How SQLite means to run the statement."""
    text = statements()[name]
    values = dict.fromkeys(re.findall(r":(\w+)", text))
    rows = connection._sqlite.execute(f"explain query plan {text}", values)
    return [str(row[3]) for row in rows]


def whole_tables(connection: Connection, name: str) -> list[str]:
    """The lines of the plan that read or sort a whole table that grows."""
    return [
        line
        for line in plan(connection, name)
        if any(re.match(rf"SCAN {table}(?! USING INDEX queue_paused)\b", line) for table in LARGE)
        or ("TEMP B-TREE" in line and name not in SORTED)
    ]


@pytest.mark.parametrize("name", [name for name in statements() if not name.startswith(NO_PLAN)])
def test_no_statement_reads_a_table_that_grows_as_a_whole(
    name: str, connection: Connection
) -> None:
    allowed = [f"SCAN {READ_WHOLE[name]}"] if name in READ_WHOLE else []

    assert whole_tables(connection, name) == allowed


@pytest.mark.parametrize("name", PICKED)
def test_what_picks_jobs_uses_its_index(name: str, connection: Connection) -> None:
    assert PICKED[name] in plan(connection, name)


@pytest.mark.parametrize(
    "name", [name for name, line in PICKED.items() if re.search(r"INDEX \w+_\w+", line)]
)
def test_without_its_index_the_test_above_would_fail(name: str, connection: Connection) -> None:
    [index] = re.findall(r"INDEX (\w+)", PICKED[name])

    connection.run_text(f"drop index {index}")

    assert PICKED[name] not in plan(connection, name)


async def ahead_of_the_last(engine: Engine, order: Order) -> None:
    """How many come before the newest of the ready jobs: more than are counted."""
    ready = JobFilter(domain=QUEUE.domain, type=QUEUE.type, state=State.READY)
    [last] = await engine.list(ready, limit=1)
    assert await engine.ahead([last.id], order, most=10) == [10]


BY_CHANCE = "claim by chance"
READS: dict[str, Act] = {
    "claim by fifo": lambda engine: engine.claim([want(limit=10, order=Order.FIFO)], WORKER),
    BY_CHANCE: lambda engine: engine.claim([want(limit=10, order=Order.RANDOM)], WORKER),
    "ready": lambda engine: engine.ready([QUEUE.type, OTHER.type], limit=10),
    "get": lambda engine: engine.get([JobId(id) for id in range(1, 12)]),
    "oldest": lambda engine: engine.oldest([QUEUE, OTHER]),
    "ahead": lambda engine: ahead_of_the_last(engine, Order.PRIORITY),
    "ahead by fifo": lambda engine: ahead_of_the_last(engine, Order.FIFO),
    "ahead by chance": lambda engine: ahead_of_the_last(engine, Order.RANDOM),
    "counts": lambda engine: engine.counts([QUEUE, OTHER]),
    "paused": lambda engine: engine.paused(),
    "list": lambda engine: engine.list(JobFilter(), limit=10),
    "list the ready": lambda engine: engine.list(
        JobFilter(type=QUEUE.type, state=State.READY), limit=10
    ),
    "list the dead": lambda engine: engine.list(
        JobFilter(type=QUEUE.type, state=State.DEAD), limit=10
    ),
}


LOOKS_THROUGH_CLAIMS = {"forget"}  # see READ_WHOLE


async def crowd(harness: SqliteHarness, size: int) -> None:
    """So many more jobs: ready ones with keys and roots, and scheduled, claimed, ended ones, here and elsewhere."""
    engine = harness.engine
    await engine.open()
    for n in range(size):
        elsewhere = QueueKey("default", f"type {n % 50}") if size > 100 else OTHER
        await push(
            engine,
            job(dedupe_key=f"key {n}", priority=400, root=root(5, f"family {n}")),
            job(delay=HOUR, priority=900, dedupe_key=f"later {n}"),
            job(queue=elsewhere, priority=400),
        )
    ids = await push(engine, *[job(priority=300)] * 2 * size)
    held = await engine.claim_ids(ids, ttl=24 * HOUR, worker="another")
    await engine.ack([Ack(ref=claim.ref, keep=24 * HOUR) for claim in held[:size]])
    await engine.close()


@asynccontextmanager
async def counted(harness: SqliteHarness) -> AsyncIterator[list[int]]:
    """The engine is open inside, and the list grows by one for every so many instructions of SQLite's machine."""
    steps: list[int] = []
    await harness.engine.open()
    store = harness.engine._store
    assert store is not None
    for inner in (store.writer._connection, store.reader._connection):
        inner._sqlite.set_progress_handler(lambda: steps.append(1), 10)
    yield steps
    await harness.close()


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Two closed stores that differ in nothing but how much is in them."""

    async def make(size: int) -> Path:
        directory = tmp_path_factory.mktemp("crowded")
        await prepared_file(directory)
        harness = SqliteHarness(directory)
        await crowd(harness, size)
        return harness.path

    return {size: asyncio.run(make(size)) for size in (40, 2000)}


def made(place: Path) -> Path:
    """The directory, which is there now."""
    place.mkdir()
    return place


async def cost_of(act: Act, store: Path, place: Path) -> int:
    """What the act costs in a copy of the store, in tens of the instructions of SQLite's machine."""
    harness = SqliteHarness(place)
    shutil.copy(store, harness.path)
    async with counted(harness) as steps:
        before = len(steps)
        await act(harness.engine)
        return len(steps) - before


@pytest.mark.slow
@pytest.mark.parametrize("what", sorted({*ACTS, *READS} - LOOKS_THROUGH_CLAIMS))
async def test_nothing_costs_much_more_in_a_store_that_is_fifty_times_as_large(
    what: str, crowded: dict[int, Path], tmp_path: Path
) -> None:
    act = {**ACTS, **READS}[what]
    # Where it begins is chance there, so the dearest of many tries is compared with the dearest of many.
    tries = 20 if what == BY_CHANCE else 1
    few, many = [
        max([await cost_of(act, path, made(tmp_path / f"{size}-{n}")) for n in range(tries)])
        for size, path in crowded.items()
    ]

    assert few > 0
    assert many <= 2 * few + 20
