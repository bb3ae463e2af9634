"""Order: which of the ready jobs of a queue comes first."""

from penstock.conformance.builders import (
    MANY,
    MINUTE,
    RIVAL,
    SECOND,
    TTL,
    WORKER,
    claim_one,
    claimed_job,
    claims,
    expire,
    job,
    jobs,
    name_of,
    names,
    push,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.engine import Engine, Feature, Release
from penstock.job import Order

PRIORITIES = (9, 1000, 70, 500, 0, 100, 8)


@needs(Feature.ORDER)
async def test_a_higher_priority_comes_first(harness: Harness) -> None:
    await push(harness.engine, *(job(str(p), priority=p) for p in PRIORITIES))

    assert names(await claims(harness.engine)) == ["1000", "500", "100", "70", "9", "8", "0"]


@needs(Feature.ORDER)
async def test_the_highest_priority_comes_first_one_by_one_too(harness: Harness) -> None:
    await push(harness.engine, *(job(str(p), priority=p) for p in PRIORITIES))

    given = [name_of(await claim_one(harness.engine)) for _ in PRIORITIES]

    assert given == ["1000", "500", "100", "70", "9", "8", "0"]


@needs(Feature.ORDER)
async def test_of_equal_priorities_the_lower_id_comes_first(harness: Harness) -> None:
    wished = [str(n) for n in range(120)]
    await push(harness.engine, *jobs(*wished))

    given = [
        name for _ in range(12) for name in names(await claims(harness.engine, want(limit=10)))
    ]

    assert given == wished


@needs(Feature.ORDER)
async def test_fifo_gives_the_lower_id_first_whatever_the_priority(harness: Harness) -> None:
    await push(harness.engine, *(job(str(p), priority=p) for p in PRIORITIES))

    given = await claims(harness.engine, want(order=Order.FIFO))

    assert names(given) == [str(p) for p in PRIORITIES]


@needs(Feature.ORDER)
async def test_fifo_leaves_the_jobs_below_the_floor_where_they_are(harness: Harness) -> None:
    await push(harness.engine, *(job(str(p), priority=p) for p in PRIORITIES))

    above = await claims(harness.engine, want(order=Order.FIFO, floor=100))
    below = await claims(harness.engine, want(order=Order.FIFO))

    assert names(above) == ["1000", "500", "100"]
    assert names(below) == ["9", "70", "0", "8"]


async def test_random_order_gives_every_job_once_and_not_by_id(harness: Harness) -> None:
    first, second = await _drawn(harness.engine), await _drawn(harness.engine)

    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second
    assert list(range(40)) not in (first, second)


async def test_random_order_is_random_within_one_call_too(harness: Harness) -> None:
    await push(harness.engine, *jobs(*(str(n) for n in range(40))))

    given = names(await claims(harness.engine, want(order=Order.RANDOM)))

    assert given != [str(n) for n in range(40)]
    assert sorted(map(int, given)) == list(range(40))


async def test_random_order_keeps_to_the_floor(harness: Harness) -> None:
    await push(harness.engine, *(job(str(p), priority=p) for p in PRIORITIES))

    given = await claims(harness.engine, want(order=Order.RANDOM, floor=100))

    assert set(names(given)) == {"1000", "500", "100"}


@needs(Feature.ORDER)
async def test_a_released_job_is_back_at_its_old_place(harness: Harness) -> None:
    await push(harness.engine, *jobs("a", "b", "c"))
    held = await claim_one(harness.engine)

    await harness.engine.release([Release(ref=held.ref)])

    assert names(await claims(harness.engine)) == ["a", "b", "c"]


@needs(Feature.ORDER)
async def test_a_reclaimed_job_is_back_at_its_old_place(harness: Harness) -> None:
    await claimed_job(harness.engine, job("a"))
    await push(harness.engine, *jobs("b", "c"))

    await expire(harness)
    await harness.engine.reclaim(MANY, ttl=TTL, worker=RIVAL)

    assert names(await claims(harness.engine)) == ["a", "b", "c"]


@needs(Feature.ORDER, Feature.DELAY)
async def test_a_promoted_job_takes_the_place_of_its_priority_and_id(harness: Harness) -> None:
    await push(
        harness.engine,
        job("first", delay=MINUTE),
        job("second"),
        job("urgent", delay=MINUTE, priority=900),
    )

    await harness.age(MINUTE + SECOND)
    await harness.engine.promote(MANY)

    assert names(await claims(harness.engine)) == ["urgent", "first", "second"]


@needs(Feature.ORDER)
async def test_claims_of_several_batches_keep_the_order_of_the_whole_queue(
    harness: Harness,
) -> None:
    await push(harness.engine, *jobs("b", "c"))
    await push(harness.engine, job("a", priority=501), job("d"))

    given = [*await claims(harness.engine, want(limit=3)), *await claims(harness.engine)]

    assert names(given) == ["a", "b", "c", "d"]


@needs(Feature.ORDER)
async def test_the_order_is_the_same_after_reopen(harness: Harness) -> None:
    await push(harness.engine, *(job(str(p), priority=p) for p in PRIORITIES))

    await harness.reopen()

    assert names(await claims(harness.engine)) == ["1000", "500", "100", "70", "9", "8", "0"]


async def _drawn(engine: Engine) -> list[int]:
    """The numbers of forty new jobs in the order in which they are given, one a call."""
    await push(engine, *jobs(*(str(n) for n in range(40))))
    drawn = want(limit=1, order=Order.RANDOM)
    return [
        int(name) for _ in range(40) for name in names(await claims(engine, drawn, worker=WORKER))
    ]
