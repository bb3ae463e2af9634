"""A full disk refuses what has no room, keeps the rest, and needs nobody when there is room again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from penstock.conformance.builders import (
    OTHER,
    assert_conserved,
    claimed_job,
    claims,
    counts_of,
    job,
    push_one,
    read,
)
from penstock.engine import Ack
from penstock.engines.sqlite import SqliteEngine
from penstock.errors import EngineUnavailable
from penstock.job import FollowUp, On, State
from tests.engines.sqlite.children import child, lines_of
from tests.engines.sqlite.harness import SqliteHarness, writing

BIG = job(params='{"text": "%s"}' % ("x" * 300_000))


@contextmanager
def no_room(engine: SqliteEngine) -> Iterator[None]:
    """The file may not grow inside, as on a full disk."""
    inner = writing(engine)._sqlite
    [pages] = inner.execute("pragma page_count").fetchone()
    inner.execute(f"pragma max_page_count = {pages + 4}")
    yield
    inner.execute("pragma max_page_count = 1073741823")


async def test_a_full_disk_refuses_pushes_and_recovers_alone(harness: SqliteHarness) -> None:
    engine = harness.engine
    before = await push_one(engine, job("before"))

    with no_room(engine):
        with pytest.raises(EngineUnavailable, match="disk is full"):
            await engine.push([job("small"), BIG])
        assert await counts_of(engine) == await counts_of(await harness.second())
        assert (await counts_of(engine)).pushed == 1

    assert await push_one(engine, job("after")) > before
    assert len(await claims(engine)) == 2
    assert harness.ask("pragma integrity_check") == [("ok",)]
    await assert_conserved(engine)


async def test_what_has_room_is_done_beside_what_has_none(harness: SqliteHarness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    with no_room(engine):
        answers = await asyncio.gather(
            engine.push([BIG]),
            engine.ack([Ack(ref=held.ref)]),
            engine.pause([OTHER]),
            return_exceptions=True,
        )

    assert isinstance(answers[0], EngineUnavailable)
    assert list(answers[1:]) == [[True], None]
    assert (await read(engine, held.job.id)).state is State.DONE
    await assert_conserved(engine)


@pytest.mark.slow
async def test_on_a_disk_that_is_really_full_acks_go_on_longer_than_pushes(tmp_path: Path) -> None:
    async with child("fill", tmp_path, within_a_tiny_disk_at=tmp_path) as filling:
        said = await lines_of(filling)
    if said == ["no disk"]:
        pytest.skip("this machine lets nobody mount a tmpfs in a namespace of his own")

    assert said == [
        "push EngineUnavailable, ack [True]",
        "nothing left EngineUnavailable, 1 done",
        "room again [2]",
        "integrity ok",
    ]


async def test_an_end_without_room_for_its_follow_ups_has_not_happened(
    harness: SqliteHarness,
) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    with no_room(engine), pytest.raises(EngineUnavailable):
        await engine.ack([Ack(ref=held.ref, follow_ups=[FollowUp(on=On.DONE, job=BIG)])])

    assert await engine.ack([Ack(ref=held.ref)]) == [True]
    await assert_conserved(engine)
