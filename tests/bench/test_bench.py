"""A run measures what is wanted, where it may."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from penstock.bench import MEASURES, Bench, Given, Place, temporary
from penstock.bench.bench import BYTES_PER_JOB
from penstock.bench.ground import push, spec
from penstock.errors import NotAllowed
from penstock.job import QueueKey
from tests.bench.tiny import TINY, ground_on, memory_settings, sqlite_settings


@pytest.fixture(params=["temporary", "given", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    match request.param:
        case "temporary":
            return temporary(tmp_path)
        case "given":
            return Given(sqlite_settings(tmp_path), "the given store")
    return Given(memory_settings(), "memory")


@pytest.mark.slow
async def test_every_measure_runs_in_every_place(place: Place) -> None:
    begun: list[str] = []

    report = await Bench(place=place, sizes=TINY).run(
        lambda measure, text: None if text else begun.append(measure)
    )

    assert begun == list(MEASURES)
    names = [figure.name for figure in report.figures]
    assert len(set(names)) == len(names) > len(MEASURES)
    assert report.sizes == TINY
    assert report.place == place.shown


async def test_only_what_is_wanted_is_measured_in_the_usual_order(tmp_path: Path) -> None:
    bench = Bench(place=temporary(tmp_path), sizes=TINY, only=("push-tasks", "push-single"))

    report = await bench.run()

    assert [figure.name for figure in report.figures] == ["push-single", "push-tasks"]


async def test_nothing_of_a_temporary_place_is_left(tmp_path: Path) -> None:
    await Bench(place=temporary(tmp_path), sizes=TINY, only=["push-single"]).run()

    assert left_in(tmp_path) == []


async def test_a_store_that_has_ever_had_a_job_is_refused(tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path)
    async with ground_on(settings).open() as site:
        [pushed] = await push(site.penstock, [spec(QueueKey("default", "bench"))])
        await site.store.engine.delete([pushed.id])
    bench = Bench(place=Given(settings, "the given store"), sizes=TINY)

    with pytest.raises(
        NotAllowed, match=r"the given store is in use: 1 job.*name one that is empty"
    ):
        await bench.run()

    async with ground_on(settings).open() as site:
        counts = await site.store.engine.counts()
    assert [each.pushed for each in counts.values()] == [1]


@pytest.mark.parametrize("only", [["claim-1-queue"], ["claim-many-queues", "push-single"]])
async def test_a_disk_without_room_is_refused_before_anything_is_stored(
    only: Sequence[str], tmp_path: Path
) -> None:
    huge = TINY.with_large(10**15)
    settings = sqlite_settings(tmp_path)

    with pytest.raises(NotAllowed, match=r"take a smaller --jobs"):
        await Bench(place=Given(settings, "the given store"), sizes=huge, only=only).run()

    async with ground_on(settings).open() as site:
        assert await site.store.engine.counts() == {}


async def test_what_needs_little_room_may_be_measured_on_the_same_disk(tmp_path: Path) -> None:
    huge = TINY.with_large(10**15)

    report = await Bench(place=temporary(tmp_path), sizes=huge, only=["push-single"]).run()

    assert [figure.name for figure in report.figures] == ["push-single"]


async def test_a_stored_job_takes_less_than_is_reckoned_with(tmp_path: Path) -> None:
    ground = ground_on(sqlite_settings(tmp_path))
    count = 10_000
    async with ground.open() as site:
        await push(site.penstock, [spec(ground.queue)] * count)
        on_disk = sum(bytes_of(path) for path in left_in(tmp_path))

    assert on_disk < count * BYTES_PER_JOB


def left_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


def bytes_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
