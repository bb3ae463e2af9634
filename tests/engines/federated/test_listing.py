"""One list over partitions: newest push first, page by page, whatever the ids and whoever went meanwhile."""

import random

import pytest

from penstock.conformance.builders import OTHER, SECOND, job, names, push_one
from penstock.engine import JobFilter
from penstock.errors import EngineUnavailable
from penstock.job import Job, JobId, first_id
from tests.engines.federated.line import Cut
from tests.engines.federated.wide import Wide

MANY = 60


async def filled(wide: Wide) -> list[str]:
    """The names of many jobs in both partitions, a second apart, newest first."""
    chance = random.Random(7)
    for number in range(MANY):
        wide.clock.tick(SECOND)
        name = chance.choice(["east", "west"])
        queue = OTHER if number % 3 == 0 else job().queue
        await wide.stores[name].push([job(str(number), queue=queue)])
    return [str(number) for number in reversed(range(MANY))]


async def pages(wide: Wide, size: int, which: JobFilter | None = None) -> list[list[Job]]:
    found: list[list[Job]] = []
    after: JobId | None = None
    while page := await wide.engine.list(which or JobFilter(), limit=size, after=after):
        found.append([*page])
        after = page[-1].id
    return found


async def test_the_newest_of_all_partitions_comes_first(wide: Wide) -> None:
    expected = await filled(wide)

    assert names(await wide.engine.list(JobFilter(), limit=MANY)) == expected


@pytest.mark.parametrize("size", [1, 7, MANY])
async def test_pages_join_without_a_gap_or_a_repetition(wide: Wide, size: int) -> None:
    expected = await filled(wide)

    assert [name for page in await pages(wide, size) for name in names(page)] == expected


@pytest.mark.parametrize("size", [1, 7])
async def test_another_process_goes_on_where_this_one_ended(wide: Wide, size: int) -> None:
    expected = await filled(wide)
    found: list[str] = []
    after: JobId | None = None

    while True:
        another = wide.another()
        await another.open()
        page = await another.list(JobFilter(), limit=size, after=after)
        if not page:
            break
        found += names(page)
        after = page[-1].id

    assert found == expected


async def test_a_filter_holds_in_every_partition(wide: Wide) -> None:
    expected = [name for name in await filled(wide) if int(name) % 3 == 0]

    found = await pages(wide, 4, JobFilter(type=OTHER.type))

    assert [name for page in found for name in names(page)] == expected


async def test_jobs_pushed_meanwhile_are_left_out(wide: Wide) -> None:
    expected = await filled(wide)
    page = await wide.engine.list(JobFilter(), limit=5)

    wide.clock.tick(SECOND)
    for store in wide.stores.values():
        await store.push([job("new")])
    rest = await wide.engine.list(JobFilter(), limit=MANY, after=page[-1].id)

    assert names([*page, *rest]) == expected


async def test_a_list_goes_on_after_a_job_that_is_gone(wide: Wide) -> None:
    expected = await filled(wide)
    page = await wide.engine.list(JobFilter(), limit=5)

    await wide.engine.delete([one.id for one in page])
    rest = await wide.engine.list(JobFilter(), limit=MANY, after=page[-1].id)

    assert names([*page, *rest]) == expected


async def test_after_an_id_that_nobody_knows_only_lower_ones_are_listed(wide: Wide) -> None:
    id = await push_one(wide.engine, wide.job_for("west"))
    await push_one(wide.engine, wide.job_for("east", "e"))

    assert list(await wide.engine.list(JobFilter(), limit=9, after=JobId(0))) == []
    assert names(await wide.engine.list(JobFilter(), limit=9, after=first_id(1))) == ["e"]
    assert len(await wide.engine.list(JobFilter(), limit=9, after=JobId(id + 1))) == 2
    assert len(await wide.engine.list(JobFilter(), limit=9, after=first_id(7))) == 2


async def test_of_jobs_pushed_at_once_none_is_left_out(wide: Wide) -> None:
    for store in wide.stores.values():
        await store.push([job(str(number)) for number in range(MANY)])

    found = [one.id for page in await pages(wide, 7) for one in page]

    assert len(found) == len(set(found)) == 2 * MANY


async def test_a_partition_that_holds_nothing_ends_no_list(wide: Wide) -> None:
    for number in range(5):
        wide.clock.tick(SECOND)
        await wide.stores["west"].push([job(str(number))])

    assert [names(page) for page in await pages(wide, 2)] == [["4", "3"], ["2", "1"], ["0"]]


async def test_a_list_goes_on_without_a_partition_that_went_away(wide: Wide) -> None:
    await filled(wide)
    page = await wide.engine.list(JobFilter(), limit=5)
    wide.lines["west"].cut = Cut.ON_THE_WAY

    rest = await wide.engine.list(JobFilter(), limit=MANY, after=page[-1].id)

    east = await wide.stores["east"].list(JobFilter(), limit=MANY)
    assert list(rest) == [one for one in east if one.pushed_at < page[-1].pushed_at]


async def test_a_process_that_does_not_know_the_job_asks_its_partition(wide: Wide) -> None:
    await filled(wide)
    [west] = await wide.stores["west"].list(JobFilter(), limit=1)
    another = wide.another()
    await another.open()
    wide.lines["west"].cut = Cut.ON_THE_WAY

    with pytest.raises(EngineUnavailable, match="partition west"):
        await another.list(JobFilter(), limit=5, after=west.id)


async def test_where_a_list_goes_on_is_found_in_few_looks(wide: Wide) -> None:
    for number in range(20):
        wide.clock.tick(SECOND)
        for store in wide.stores.values():
            await store.push([job(f"{number}-{n}") for n in range(100)])
    page = await wide.engine.list(JobFilter(), limit=900)
    for line in wide.lines.values():
        line.asked.clear()

    await wide.engine.list(JobFilter(), limit=10, after=page[-1].id)

    assert max(line.times("list") for line in wide.lines.values()) <= 16
