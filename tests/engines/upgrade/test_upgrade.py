"""The release before works on the schema of the next one: open while it migrates, opened later, both at once."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Iterator
from itertools import groupby
from pathlib import Path

import pytest

from penstock.conformance.builders import claim_one, claims, job, jobs, push, push_one
from penstock.conformance.harness import Case, needed
from penstock.conformance.suite import every_case
from penstock.engine import Ack
from penstock.errors import StoreMismatch
from penstock.job import QueueKey, State
from tests.engines.upgrade.places import KINDS, Place, place_of
from tests.engines.upgrade.release import next_release

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

GREET = QueueKey("default", "greet")


@pytest.fixture(params=KINDS)
async def place(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """A store of each kind that has a schema."""
    async with place_of(request.param, tmp_path, request) as made:
        yield made


def first_of_each_file() -> Iterator[tuple[str, Case]]:
    """A case for each move and each law."""
    for _, cases in groupby(every_case(), lambda one: one[0].partition("::")[0]):
        yield next(cases)


async def work_through(place: Place) -> None:
    """Every move is made by this release, and leaves what it must."""
    for name, case in first_of_each_file():
        await place.clean()
        if needed(case) <= place.harness.engine.features:
            try:
                await case(place.harness)
            except BaseException as error:
                error.add_note(f"on the next schema: {name}")
                raise
    await place.clean()


async def test_this_release_works_on_while_and_after_the_next_one_migrates(
    place: Place, tmp_path: Path
) -> None:
    engine = place.harness.engine
    await engine.open()
    [claimed, waiting] = await push(engine, job("claimed"), job("waiting"))
    [claim, _] = await claims(engine)
    later, name = next_release(tmp_path / "next", place.url, migration="next")

    migrated = await later.run("migrate")

    assert (migrated.code, migrated.err) == (0, "")
    assert f"main: applied {name}\n" in migrated.out
    assert await engine.ack([Ack(ref=claim.ref)]) == [True]
    assert [each and each.state for each in await engine.get([claimed, waiting])] == [
        State.DONE,
        State.CLAIMED,
    ]
    await work_through(place)
    newly_opened = place.another()
    assert await newly_opened.pending() == []
    await newly_opened.open()
    assert await push_one(newly_opened, job()) > 0
    await newly_opened.close()


async def test_both_releases_work_on_one_store_at_once(place: Place, tmp_path: Path) -> None:
    engine = place.harness.engine
    await engine.open()
    later, _ = next_release(tmp_path / "next", place.url, migration="next")

    theirs, *ours = await asyncio.gather(
        later.push("greet", 20), *(push(engine, *jobs(*"abcde", queue=GREET)) for _ in range(8))
    )
    held = [await claim_one(engine, GREET) for _ in range(10)]
    ran = await later.run("run-jobs", "--app", "greeting:handlers", "--no-metadata")

    ids = list(itertools.chain(theirs, *ours))
    assert len(set(ids)) == 60
    assert len(re.findall(r" good$", ran.out, re.MULTILINE)) == 50, ran
    assert await engine.ack([Ack(ref=claim.ref) for claim in held]) == [True] * 10
    found = await engine.get(ids)
    assert {each and each.state for each in found} == {State.DONE}
    assert (await later.run("migrate", "--check")).code == 0


async def test_a_migration_that_takes_away_keeps_this_release_out(
    place: Place, tmp_path: Path
) -> None:
    await place.harness.engine.open()
    later, name = next_release(tmp_path / "next", place.url, migration="next_needs_NEWEST")
    assert (await later.run("migrate")).code == 0

    with pytest.raises(StoreMismatch, match="install a newer release"):
        await place.another().open()
    with pytest.raises(StoreMismatch, match=f"knows schema {int(name[:4])};"):
        await place.another().pending()


async def test_two_processes_migrate_at_once_and_one_of_them_does_it(
    place: Place, tmp_path: Path
) -> None:
    later, name = next_release(tmp_path / "next", place.url, migration="next")

    both = await asyncio.gather(later.run("migrate"), later.run("migrate"))

    assert [(said.code, said.err) for said in both] == [(0, "")] * 2
    assert sum(said.out.count(f"main: applied {name}\n") for said in both) == 1
    assert len(set(re.findall(r"uuid (\S+),", "".join(said.out for said in both)))) == 1


async def test_a_process_that_is_killed_half_way_is_followed_by_one_that_completes_it(
    place: Place, tmp_path: Path
) -> None:
    engine = place.harness.engine
    await engine.open()
    dying, _ = next_release(tmp_path / "dying", place.url, migration="half")
    async with place.busy(), dying.running("migrate") as process:
        await place.until_half()
        process.kill()
        await process.communicate()

    other = place.another()
    await other.open()
    assert await push(engine, job()) != await push(other, job())
    later, name = next_release(tmp_path / "next", place.url, migration="next")
    migrated = await later.run("migrate")

    assert (migrated.code, migrated.err) == (0, "")
    assert f"main: applied {name}\n" in migrated.out
    await work_through(place)
