"""Ground is a store opened by the application, filled with jobs of one domain."""

from collections.abc import Sequence

from penstock.bench.ground import FILL, Ground, new_job, push, spec
from penstock.job import QueueKey


async def test_filling_stores_every_job_and_says_how_far_it_is(ground: Ground) -> None:
    said: list[str] = []
    total = FILL + 1
    telling = Ground(settings=ground.settings, domain="here", sizes=ground.sizes, say=said.append)

    async with telling.open() as site:
        await telling.fill(site, [new_job(telling.queue)] * total, total)
        counts = await site.store.engine.counts()

    assert {queue: each.ready for queue, each in counts.items()} == {telling.queue: total}
    assert said == [f"filling, {FILL:,} of {total:,}", f"filling, {total:,} of {total:,}"]


async def test_only_an_engine_with_a_twin_has_a_bare_store(memory: Ground, sqlite: Ground) -> None:
    async with memory.open() as without, sqlite.open() as with_twin:
        assert without.bare is None
        assert with_twin.bare is not None
        assert (without.is_shared, with_twin.is_shared) == (False, True)


async def test_a_job_as_it_is_pushed_is_the_job_as_it_is_stored(memory: Ground) -> None:
    queue = QueueKey("here", "bench")

    async with memory.open() as site:
        assert site.penstock.group.prepare(spec(queue)) == new_job(queue)


async def test_nothing_of_the_store_is_open_afterwards(sqlite: Ground) -> None:
    async with sqlite.open() as first:
        [pushed] = await push(first.penstock, [spec(sqlite.queue)])

    async with sqlite.open() as second:
        found: Sequence[object] = await second.store.engine.get([pushed.id])
        assert found != [None]
