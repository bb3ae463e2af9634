"""Each way of pushing stores what it says, and is measured beside the bare store if there is one."""

import pytest

from penstock.bench import pushing
from penstock.bench.figures import Rate
from penstock.bench.ground import BARE_TYPE, Ground
from penstock.job import QueueKey
from tests.bench.tiny import TINY

WAYS = [
    (pushing.one_by_one, "push-single", TINY.singles),
    (pushing.in_batches, "push-batch", TINY.batches * 100),
    (pushing.from_many_tasks, "push-tasks", TINY.each_task * 64),
]


@pytest.mark.parametrize(("way", "name", "jobs"), WAYS)
async def test_a_way_of_pushing_has_a_rate(
    way: pushing.Way, name: str, jobs: int, ground: Ground
) -> None:
    [figure] = await way(ground)

    assert isinstance(figure, Rate)
    assert figure.name == name
    assert figure.ours.rounds == TINY.rounds
    assert 0 < figure.ours.least <= figure.ours.median <= figure.ours.most
    assert (figure.limit is None) is ground.settings.url.startswith("memory")


@pytest.mark.parametrize(("way", "name", "jobs"), WAYS)
async def test_ours_and_the_bare_store_take_as_many_jobs(
    way: pushing.Way, name: str, jobs: int, sqlite: Ground
) -> None:
    await way(sqlite)

    async with sqlite.open() as site:
        counts = await site.store.engine.counts()
    stored = {queue: each.ready for queue, each in counts.items()}
    expected = jobs * TINY.rounds
    assert stored == {sqlite.queue: expected, QueueKey("here", BARE_TYPE): expected}
