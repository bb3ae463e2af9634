"""Statements read about as many rows as they move, however many stand around them.

They are planned while the store holds little: in a burst, such a plan is in use while a million jobs come in.
"""

from collections.abc import AsyncIterator, Mapping

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
from penstock.engines.postgresql import arguments
from penstock.engines.postgresql.connection import Transaction
from penstock.job import ClaimRef, JobId, NewJob, Order, QueueKey
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


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["empty", "small"])
async def store(
    postgresql_url: str, request: pytest.FixtureRequest
) -> AsyncIterator[PostgresqlHarness]:
    """Every statement was planned on an empty or a small store, in the one session there is; then it was filled."""
    async with around(postgresql_url) as harness:
        await harness.clean()
        if request.param == "small":
            await fill(harness, 100)
            await harness.session.execute("analyze")
            await harness.reopen()
        for verb, parameters in VERBS:
            await read_by(harness, verb, parameters)
        await harness.clean()
        await fill(harness, STANDING)
        yield harness


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
    return {"worker": "w", "whole_batch": WHOLE_BATCH, **arguments.of_wants(wants)}


HELD, WAITING, DEAD = ids(0), ids(1), ids(2)
ENDS = {
    **arguments.of_claims(ClaimRef(id, 1) for id in HELD),
    **arguments.of_ends([Ack(ref=ClaimRef(id, 1)) for id in HELD]),
    "errors": [""] * MOVED,
    "afters": [NOTHING] * MOVED,
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
    ("ready", {"types": ["mail"], "domains": None, "limit": MOVED}),
    *(("ahead", {"ids": WAITING, "ordering": order, "most": MOVED}) for order in Order),
    ("oldest", arguments.of_queues([QUEUE, OTHER])),
]


async def read_by(harness: PostgresqlHarness, verb: str, parameters: Parameters) -> int:
    """How many rows the statement read; what it moved is taken back."""
    counts: list[int] = []

    async def work(transaction: Transaction) -> None:
        for step in (None, verb, None):
            if step is not None:
                await transaction.fetch(step, **parameters)
                continue
            [row] = await transaction._session.fetch(sql("rows_read"))
            counts.append(row[0])
        raise Undone

    with pytest.raises(Undone):
        await harness.engine._database.together(work)
    before, after = counts
    return after - before


@pytest.mark.parametrize(
    ("verb", "parameters"),
    [pytest.param(*each, id=f"{each[0]}-{place}") for place, each in enumerate(VERBS)],
)
async def test_a_statement_reads_what_it_moves(
    verb: str, parameters: Parameters, store: PostgresqlHarness
) -> None:
    assert 0 < await read_by(store, verb, parameters) <= ENOUGH
