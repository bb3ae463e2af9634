"""Limits are shared: no more is given than asked for, and no partition is left out for ever."""

from collections import Counter

import pytest

from penstock.conformance.builders import (
    HOUR,
    MANY,
    NOTHING,
    OTHER,
    QUEUE,
    RIVAL,
    SECOND,
    TTL,
    WORKER,
    claim,
    claims,
    job,
    names,
    push,
    root,
    want,
)
from penstock.engine import Ack, Promoted
from penstock.job import JobId, Order, store_number
from tests.engines.federated.wide import Wide


async def spread(wide: Wide, each: int, *, delay: bool = False) -> None:
    """So many jobs in each partition."""
    for name, store in wide.stores.items():
        after = SECOND if delay else NOTHING
        await store.push([job(f"{name}{number}", delay=after) for number in range(each)])


async def test_partitions_are_claimed_from_in_fair_turns(wide: Wide) -> None:
    await spread(wide, 50)

    given = [names(await claims(wide.engine, want(limit=5)))[0][:4] for _ in range(20)]

    assert Counter(given) == {"east": 10, "west": 10}


async def test_what_one_partition_lacks_another_gives(wide: Wide) -> None:
    await wide.stores["west"].push([job(str(number)) for number in range(3)])
    await wide.stores["east"].push([job("one")])

    assert len(await claims(wide.engine, want(limit=4))) == 4


async def test_no_more_is_given_than_each_want_asks_for(wide: Wide) -> None:
    await spread(wide, 10)
    await push(wide.engine, *(job(queue=OTHER, dedupe_key=str(n)) for n in range(20)))

    given = await claims(wide.engine, want(limit=13), want(OTHER, limit=15))

    assert [one.job.queue for one in given] == [QUEUE] * 13 + [OTHER] * 15


async def test_two_wants_of_one_queue_keep_their_own_limits(wide: Wide) -> None:
    for store in wide.stores.values():
        await store.push([job("high", priority=900), *[job("low", priority=100)] * 9])

    given = await claims(wide.engine, want(limit=5, floor=500), want(limit=3))

    assert names(given) == ["high", "high", "low", "low", "low"]


@pytest.mark.parametrize("order", [Order.PRIORITY, Order.FIFO])
async def test_claims_of_several_partitions_come_in_the_order_of_the_queue(
    wide: Wide, order: Order
) -> None:
    for number in range(10):
        wide.clock.tick(SECOND)
        name = ["east", "west"][number % 2]
        await wide.stores[name].push([job(str(number), priority=10 * number)])

    given = names(await claims(wide.engine, want(order=order)))

    expected = [str(number) for number in range(10)]
    assert given == (expected if order is Order.FIFO else expected[::-1])


async def test_what_no_want_asks_for_is_left_alone(wide: Wide) -> None:
    await spread(wide, 3)

    assert list(await claims(wide.engine, want(OTHER), want(limit=0))) == []
    assert list((await wide.engine.claim([], WORKER)).claims) == []


async def test_superseded_jobs_of_all_partitions_are_counted(wide: Wide) -> None:
    for store in wide.stores.values():
        await store.push([job("old", root=root(1))] * 3)
    await push(wide.engine, job("new", root=root(2)))

    claimed = await claim(wide.engine)

    assert (names(claimed.claims), claimed.superseded) == (["new"], 6)


async def test_no_more_is_promoted_than_asked_for(wide: Wide) -> None:
    await spread(wide, 5, delay=True)
    wide.clock.tick(HOUR)

    assert await wide.engine.promote(7) == Promoted(7, NOTHING)
    assert await wide.engine.promote(7) == Promoted(3, None)


async def test_the_next_due_job_of_any_partition_is_told(wide: Wide) -> None:
    await wide.stores["east"].push([job(delay=HOUR)])
    await wide.stores["west"].push([job(delay=SECOND)])

    for _ in range(2):
        assert await wide.engine.promote(7) == Promoted(0, SECOND)


async def test_no_more_is_reclaimed_than_asked_for(wide: Wide) -> None:
    for store in wide.stores.values():
        await store.push([job(), job(max_attempts=1)] * 5)
    await claims(wide.engine, worker=RIVAL)
    wide.clock.tick(HOUR)

    taken = 0
    for _ in range(3):
        reclaimed = await wide.engine.reclaim(7, ttl=TTL, worker=WORKER)
        assert reclaimed.readied + len(reclaimed.last) == min(7, 20 - taken)
        taken += reclaimed.readied + len(reclaimed.last)
    assert taken == 20


async def test_no_more_is_purged_than_asked_for(wide: Wide) -> None:
    await spread(wide, 5)
    given = await claims(wide.engine, want(limit=MANY))
    await wide.engine.ack([Ack(ref=one.ref, keep=SECOND) for one in given])
    wide.clock.tick(HOUR)

    assert [await wide.engine.purge(7) for _ in range(3)] == [7, 3, 0]


async def test_a_claim_ends_where_it_was_given(wide: Wide) -> None:
    await spread(wide, 5)
    given = await claims(wide.engine)
    wide.lines["east"].asked.clear()
    wide.lines["west"].asked.clear()

    held = await wide.engine.ack([Ack(ref=one.ref) for one in given])

    assert list(held) == [True] * 10
    homes: set[int] = {store_number(JobId(one.job.id)) for one in given}
    assert homes == {0, 1}
    assert [line.times("ack") for line in wide.lines.values()] == [1, 1]
