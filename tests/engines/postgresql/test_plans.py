"""Statements read about as many rows as they move, however many stand around them, and whatever the statistics say.

A table of a queue is empty when the server looks at it and huge a minute later, and a plan that was made for the one
is in use for the other. So each statement is tried as it was planned before the store was filled and as it is planned
afterwards, with each kind of statistics: none, those of an empty, a small and a full store, and plainly wrong ones.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass

import pytest
import pytest_asyncio

from penstock.conformance.builders import (
    HOUR,
    MANY,
    MINUTE,
    NOTHING,
    OTHER,
    QUEUE,
    TTL,
    claims,
    job,
    key,
    push,
    root,
    want,
)
from penstock.engine import WHOLE_BATCH, Ack, Bury, Registration
from penstock.engines.postgresql import PostgresqlEngine, arguments
from penstock.engines.postgresql.connection import Transaction
from penstock.job import ClaimRef, JobId, NewJob, Order, QueueKey, State
from tests.engines.postgresql.harness import PostgresqlHarness, around, sql

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("postgresql"),
    pytest.mark.asyncio(loop_scope="module"),
]

STANDING = 4_000  # jobs of each kind
MOVED = 10
ENOUGH = 30 * MOVED  # rows that a statement may read, a few for each job and table

Parameters = Mapping[str, object]


class Undone(Exception):
    """Takes back what a test has moved."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A full store, the engine that planned every statement before it was filled, and one that has planned none."""

    harness: PostgresqlHarness
    early: PostgresqlEngine
    late: PostgresqlEngine


STATISTICS = ["none", "empty", "small", "full", "wrong_1", "wrong_2", "wrong_3"]


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=STATISTICS)
async def store(postgresql_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Filled]:
    """A schema of its own for each kind of statistics, so that nothing is known of its tables."""
    statistics: str = request.param
    async with around(postgresql_url, f"plans_{statistics}") as harness:
        await harness.engine.open()
        await harness.session.execute(sql("still"))
        await before_it_is_full(harness, statistics)
        early = await harness.second()
        for verb, parameters in VERBS:
            await read_by(harness, early, verb, parameters)
        await harness.session.execute(sql("clean"))
        await fill(harness, STANDING)
        await now_it_is_full(harness, statistics)
        yield Filled(harness, early, await harness.second())


async def before_it_is_full(harness: PostgresqlHarness, statistics: str) -> None:
    """The server knows what it may know of an empty store."""
    if statistics == "small":
        await fill(harness, 100)
    if statistics in ("small", "empty"):
        await harness.session.execute("analyze")


async def now_it_is_full(harness: PostgresqlHarness, statistics: str) -> None:
    """The server knows what it may know of a full store."""
    if statistics == "full":
        await harness.session.execute("analyze")
    if statistics.startswith("wrong"):
        await harness.session.execute(sql("lie"), harness.schema, statistics)


async def fill(harness: PostgresqlHarness, standing: int) -> None:
    """What the verbs name, among so many of each kind."""
    engine = harness.engine
    assert await push(engine, *(waiting(n) for n in range(3 * MOVED))) == [*HELD, *WAITING, *DEAD]
    await engine.claim_ids([*HELD, *DEAD], ttl=HOUR, worker="w")
    await engine.bury([Bury(ref=ClaimRef(id, 1), error="boom") for id in DEAD])
    for start in range(0, standing, WHOLE_BATCH):
        numbers = range(MANY + start, MANY + min(start + WHOLE_BATCH, standing))
        await push(engine, *(waiting(number) for number in numbers))
        await push(engine, *(job(delay=number * MINUTE, priority=900) for number in numbers))
        await push(engine, *(job(queue=OTHER) for _ in numbers))
        held = await claims(engine, want(OTHER, ttl=(MANY + start) * HOUR))
        await engine.ack([Ack(ref=one.ref, keep=(MANY + start) * HOUR) for one in held[::2]])
    await engine.pause([QueueKey(f"tenant {number}", "mail") for number in range(standing)])
    # Some of each kind are due now.
    await harness.age((MANY + MOVED) * HOUR)


def waiting(number: int) -> NewJob:
    return job(
        priority=number % 1000,
        dedupe_key=f"key {number}",
        root=root(number, f"family {number}"),
        idempotency=key(f"push {number}"),
    )


def ids(number: int) -> list[JobId]:
    return [JobId(id) for id in range(number * MOVED + 1, (number + 1) * MOVED + 1)]


def wanted(order: Order) -> Parameters:
    wants = [want(limit=MOVED, order=order)]
    return {"worker": "w", "whole_batch": WHOLE_BATCH, "since": 0, **arguments.of_wants(wants)}


def listed(state: State) -> Parameters:
    return {**asdict(OTHER), "state": state, "limit": MOVED, "after": None}


HELD, WAITING, DEAD = ids(0), ids(1), ids(2)
ENDS = {
    **arguments.of_claims(ClaimRef(id, 1) for id in HELD),
    **arguments.of_ends([Ack(ref=ClaimRef(id, 1)) for id in HELD]),
    "errors": [""] * MOVED,
    "afters": [NOTHING] * MOVED,
}
RENEWALS = {
    **arguments.of_claims(ClaimRef(id, 1) for id in HELD),
    "ttls": [TTL] * MOVED,
    "percents": [None] * MOVED,
    "messages": [None] * MOVED,
}
VERBS: list[tuple[str, Parameters]] = [
    ("push", arguments.of_jobs([waiting(number) for number in range(MOVED, 2 * MOVED)])),
    (
        "register",
        arguments.of_registrations(
            [Registration(queue=QUEUE, root=root(n, f"new {n}")) for n in range(MOVED)]
        ),
    ),
    *(("claim", wanted(order)) for order in Order),
    ("renew", RENEWALS),
    ("claim_ids", {"ids": WAITING, "ttl": TTL, "worker": "w"}),
    ("ack", ENDS),
    ("bury", ENDS),
    ("cancel", ENDS),
    ("cancel", {**ENDS, "ids": WAITING, "fences": [None] * MOVED}),
    ("retry", ENDS),
    ("release", ENDS),
    ("reclaim", {"limit": MOVED, "ttl": TTL, "worker": "w"}),
    ("promote", {"limit": MOVED}),
    ("purge", {"limit": MOVED}),
    ("requeue", {"ids": DEAD}),
    ("delete", {"ids": WAITING}),
    ("get", {"ids": DEAD}),
    ("ready", {"types": ["mail"], "domains": None, "limit": MOVED, "since": 0}),
    ("claim_horizon", {"enough": -1}),
    *(("ahead", {"ids": WAITING, "ordering": order, "most": MOVED}) for order in Order),
    ("oldest", arguments.of_queues([QUEUE, OTHER])),
    *(("list", listed(state)) for state in (State.READY, State.SCHEDULED, State.DONE)),
]
# Who reads by each index that is there for speed only.
READERS: Mapping[str, tuple[str, Parameters]] = {
    "waiting_by_priority": ("claim", wanted(Order.PRIORITY)),
    "waiting_by_id": ("claim", wanted(Order.FIFO)),
    "waiting_by_time": ("promote", {"limit": MOVED}),
    "waiting_scheduled": ("list", listed(State.SCHEDULED)),
    "claimed_by_time": ("reclaim", {"limit": MOVED, "ttl": TTL, "worker": "w"}),
    "finished_by_time": ("purge", {"limit": MOVED}),
    "finished_by_state": ("list", listed(State.DONE)),
    "root_by_time": ("purge", {"limit": MOVED}),
    "idempotency_by_time": ("purge", {"limit": MOVED}),
}


async def read_by(
    harness: PostgresqlHarness,
    engine: PostgresqlEngine,
    verb: str,
    parameters: Parameters,
    *,
    first: str | None = None,
) -> int:
    """How many rows the statement read; what it moved is taken back, and so is what was done first."""
    counts: list[int] = []

    async def count(transaction: Transaction) -> None:
        counts.append(await transaction._session.fetchval(sql("rows_read"), harness.schema))

    async def work(transaction: Transaction) -> None:
        if first is not None:
            await transaction.run(first)
        await count(transaction)
        await transaction.fetch(verb, **parameters)
        await count(transaction)
        raise Undone

    with pytest.raises(Undone):
        await engine._database.together(work)
    before, after = counts
    return after - before


@pytest.mark.parametrize(
    ("verb", "parameters"),
    [pytest.param(*each, id=f"{each[0]}-{place}") for place, each in enumerate(VERBS)],
)
async def test_a_statement_reads_what_it_moves(
    verb: str, parameters: Parameters, store: Filled
) -> None:
    assert 0 < await read_by(store.harness, store.early, verb, parameters) <= ENOUGH
    assert 0 < await read_by(store.harness, store.late, verb, parameters) <= ENOUGH


async def test_every_index_is_missed_when_it_is_lost(store: Filled) -> None:
    indexes = await store.harness.session.fetch(sql("indexes"), store.harness.schema)
    assert {row["relname"] for row in indexes} == set(READERS)

    for index, (verb, parameters) in READERS.items():
        lost = sql("lose").replace(":index", index)
        read = await read_by(store.harness, store.late, verb, parameters, first=lost)

        assert read > ENOUGH, f"{verb} does not miss {index}"
