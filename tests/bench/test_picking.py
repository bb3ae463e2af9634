"""Pick-up is measured from the push to the start of the handler."""

from datetime import timedelta

import pytest

from penstock.bench.figures import Time
from penstock.bench.ground import Ground
from penstock.bench.picking import pick_up
from penstock.errors import BenchFailed
from tests.bench.tiny import TINY


async def test_each_pushed_job_is_a_sample(ground: Ground) -> None:
    figures = await pick_up(ground)

    for figure in figures:
        assert isinstance(figure, Time)
        assert figure.ours.samples == TINY.pickups
        assert timedelta(0) < figure.ours.least <= figure.ours.p99 <= figure.ours.most


async def test_a_store_for_one_process_has_no_other_connection(memory: Ground) -> None:
    figures = await pick_up(memory)

    assert [figure.name for figure in figures] == ["pick-up-same"]


async def test_a_shared_store_is_pushed_to_through_another_connection(sqlite: Ground) -> None:
    figures = await pick_up(sqlite)

    assert [figure.name for figure in figures] == ["pick-up-same", "pick-up-other"]


async def test_a_job_that_nobody_starts_ends_the_measure(sqlite: Ground) -> None:
    async with sqlite.open() as beside:
        await beside.store.engine.pause([sqlite.queue])

    with pytest.raises(BenchFailed, match="not started within"):
        await pick_up(sqlite, patience=timedelta(milliseconds=200))
