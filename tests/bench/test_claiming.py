"""What claims cost is measured in populations of the size that is told."""

from collections.abc import Sequence

from penstock.bench import claiming
from penstock.bench.figures import Figure, Ratio, Time, Total
from penstock.bench.ground import Ground
from penstock.bench.sizes import BATCH
from penstock.job import Counts
from tests.bench.tiny import TINY


async def all_counts(ground: Ground) -> Sequence[Counts]:
    async with ground.open() as site:
        return list((await site.store.engine.counts()).values())


def names(figures: Sequence[Figure]) -> list[str]:
    return [figure.name for figure in figures]


async def test_few_and_many_in_one_queue(ground: Ground) -> None:
    figures = await claiming.in_one_queue(ground)

    assert names(figures) == ["claim-1-queue-few", "claim-1-queue", "claim-1-queue-ratio"]
    few, many, ratio = figures
    assert isinstance(few, Time)
    assert isinstance(many, Time)
    assert isinstance(ratio, Ratio)
    assert (few.limit is None) is ground.settings.url.startswith("memory")
    assert ratio.value == many.ours.median / few.ours.median
    assert (ratio.limit is None) is (few.limit is None)


async def test_as_many_wait_after_the_claims_as_before(sqlite: Ground) -> None:
    await claiming.in_one_queue(sqlite)

    [counts] = await all_counts(sqlite)
    assert (counts.ready, counts.claimed) == (TINY.large, 0)
    assert counts.done == counts.pushed - TINY.large > 0
    assert counts.conserved


async def test_few_and_many_in_many_queues(sqlite: Ground) -> None:
    figures = await claiming.in_many_queues(sqlite)

    assert names(figures)[-1] == "claim-many-queues-ratio"
    counts = await all_counts(sqlite)
    assert len(counts) == TINY.queues
    assert {each.ready for each in counts} == {TINY.large // TINY.queues}
    assert {each.claimed for each in counts} == {0}


async def test_few_beside_many_scheduled(sqlite: Ground) -> None:
    figures = await claiming.beside_scheduled(sqlite)

    assert names(figures) == ["claim-scheduled", "claim-scheduled-ratio"]
    [counts] = await all_counts(sqlite)
    assert (counts.ready, counts.scheduled) == (TINY.small, TINY.scheduled)


async def test_few_beside_many_superseded_and_what_it_takes_to_get_past_those(
    ground: Ground,
) -> None:
    figures = await claiming.beside_superseded(ground)

    assert names(figures) == [
        "claim-superseded",
        "claim-superseded-ratio",
        "step-over",
        "step-over-all",
    ]
    total = figures[-1]
    assert isinstance(total, Total)
    assert total.jobs == TINY.superseded


async def test_superseded_jobs_have_ended_so_and_those_behind_them_are_held(sqlite: Ground) -> None:
    await claiming.beside_superseded(sqlite)

    [counts] = await all_counts(sqlite)
    assert (counts.superseded, counts.claimed, counts.ready) == (TINY.superseded, BATCH, 0)


async def test_few_after_many_were_done(sqlite: Ground) -> None:
    figures = await claiming.after_finished(sqlite)

    assert names(figures) == ["claim-finished", "claim-finished-ratio"]
    [counts] = await all_counts(sqlite)
    assert (counts.ready, counts.claimed) == (TINY.small, 0)
    assert counts.done >= TINY.finished


async def test_few_beside_an_open_transaction(sqlite: Ground) -> None:
    figures = await claiming.beside_transaction(sqlite)

    assert names(figures) == ["claim-held-open", "claim-held-open-ratio"]
    [counts] = await all_counts(sqlite)
    assert counts.done >= TINY.held_open


async def test_where_nobody_can_hold_a_transaction_open_nothing_is_measured(
    memory: Ground,
) -> None:
    assert await claiming.beside_transaction(memory) == []
