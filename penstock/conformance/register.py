"""Register: a root is known also where no job that carries it was pushed."""

import asyncio

from penstock.conformance.builders import (
    DAY,
    HOSTILE_TEXTS,
    OTHER,
    QUEUE,
    both,
    claim,
    claims,
    counts_of,
    everything,
    job,
    names,
    push,
    root,
    untouched,
)
from penstock.conformance.harness import Harness, needs
from penstock.engine import Feature, Registration
from penstock.job import Counts, QueueKey, Root

OLD = job("old", root=root(1))


def known(*roots: Root, queue: QueueKey = QUEUE) -> list[Registration]:
    """Roots to register for this queue."""
    return [Registration(queue=queue, root=one) for one in roots]


async def test_a_registered_root_supersedes_the_older_family(harness: Harness) -> None:
    await push(harness.engine, OLD, job("same", root=root(2)), job("none"))

    await harness.engine.register(known(root(2)))

    claimed = await claim(harness.engine)
    assert (sorted(names(claimed.claims)), claimed.superseded) == (["none", "same"], 1)


async def test_a_root_is_registered_before_the_queue_was_ever_used(harness: Harness) -> None:
    await harness.engine.register(known(root(2)))

    await push(harness.engine, OLD)
    claimed = await claim(harness.engine)

    assert (list(claimed.claims), claimed.superseded) == ([], 1)


async def test_registering_stores_and_counts_no_job(harness: Harness) -> None:
    await harness.engine.register(known(root(1), root(2), root(1, "another")))

    assert await everything(harness.engine) == []
    assert await counts_of(harness.engine) == Counts()


async def test_registering_nothing_changes_nothing(harness: Harness) -> None:
    await push(harness.engine, OLD)

    await harness.engine.register([])

    assert names(await claims(harness.engine)) == ["old"]


async def test_an_older_root_does_not_take_the_place_of_a_registered_one(harness: Harness) -> None:
    await harness.engine.register(known(root(3)))

    await harness.engine.register(known(root(2)))

    await push(harness.engine, job("middle", root=root(2)), job("newest", root=root(3)))
    assert names(await claims(harness.engine)) == ["newest"]


async def test_of_many_in_one_call_the_newest_counts(harness: Harness) -> None:
    await harness.engine.register(known(root(2), root(3), root(1)))

    await push(harness.engine, job("middle", root=root(2)), job("newest", root=root(3)))
    assert names(await claims(harness.engine)) == ["newest"]


async def test_a_root_is_registered_for_one_queue_and_signature(harness: Harness) -> None:
    tenant = QueueKey("tenant", QUEUE.type)
    await push(harness.engine, job("other family", root=root(1, "another")))
    await push(harness.engine, job("other type", queue=OTHER, root=root(1)))
    await push(harness.engine, job("other domain", queue=tenant, root=root(1)))

    async with untouched(harness.engine):
        await harness.engine.register(known(root(2)))

    assert names(await claims(harness.engine)) == ["other family"]
    for queue in (OTHER, tenant):
        assert (await counts_of(harness.engine, queue)).ready == 1


async def test_a_signature_may_hold_any_text(harness: Harness) -> None:
    await harness.engine.register(known(*(root(2, text) for text in HOSTILE_TEXTS)))

    await push(harness.engine, *(job(text, root=root(1, text)) for text in HOSTILE_TEXTS))

    assert list(await claims(harness.engine)) == []


async def test_a_registered_root_is_forgotten_after_28_days(harness: Harness) -> None:
    await harness.engine.register(known(root(2)))

    await harness.age(29 * DAY)

    await push(harness.engine, OLD)
    assert names(await claims(harness.engine)) == ["old"]


async def test_a_push_and_a_registration_know_of_each_other(harness: Harness) -> None:
    await push(harness.engine, job("newest", root=root(3)))

    await harness.engine.register(known(root(2)))

    await push(harness.engine, job("middle", root=root(2)))
    assert names(await claims(harness.engine)) == ["newest"]


async def test_many_at_once_leave_the_newest(harness: Harness) -> None:
    engines = await both(harness)

    await asyncio.gather(
        *(engines[n % 2].register(known(root(n), root(n, "another"))) for n in range(20))
    )

    await push(harness.engine, job("last but one", root=root(18)), job("last", root=root(19)))
    assert names(await claims(harness.engine)) == ["last"]


@needs(Feature.DURABLE)
async def test_a_registered_root_outlives_a_crash(harness: Harness) -> None:
    await harness.engine.register(known(root(2)))

    await harness.crash()

    await push(harness.engine, OLD)
    assert list(await claims(harness.engine)) == []
