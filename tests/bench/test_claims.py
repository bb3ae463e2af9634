"""Claims of two populations are measured in turns, in stores of their own where there are two."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from penstock.bench.claims import TURN, compared
from penstock.bench.ground import Ground, Site, new_job
from tests.bench.tiny import TINY, ground_on, memory_settings, sqlite_settings


async def sites_of(ground: Ground) -> tuple[list[Site], list[int]]:
    """Where more was done, and how many waited there after the claims of both populations."""
    seen: list[Site] = []
    job = new_job(ground.queue)

    @asynccontextmanager
    async def more(site: Site) -> AsyncIterator[None]:
        seen.append(site)
        await ground.fill(site, [job] * 50, 50)
        yield

    async with compared(ground, [job], more) as found:
        counts = await found.site.store.engine.counts()
        assert found.alone.ours.samples == found.beside.ours.samples == TURN
        return seen, [each.ready for each in counts.values()]


async def test_where_there_is_one_store_more_comes_after_few(tmp_path: Path) -> None:
    seen, ready = await sites_of(ground_on(memory_settings()))

    assert len(seen) == 1
    assert ready == [TINY.small + 50]


async def test_where_there_are_two_more_comes_to_the_second(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    ground = replace(ground_on(sqlite_settings(first)), other=sqlite_settings(second))

    seen, ready = await sites_of(ground)

    assert len(seen) == 1
    assert ready == [TINY.small + 50]
    async with ground.open() as site:
        [counts] = (await site.store.engine.counts()).values()
    assert counts.ready == TINY.small
    assert counts.done > 0
