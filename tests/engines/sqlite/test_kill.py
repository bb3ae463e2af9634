"""kill -9 beside the commit of every verb: before it nothing has happened, after it everything; and at any moment."""

import asyncio
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from penstock.conformance.builders import assert_conserved, counts_of, deadline, job, push_one
from penstock.job import JobId
from tests.engines.failures.acts import ACTS
from tests.engines.sqlite.children import child, line_of
from tests.engines.sqlite.harness import SqliteHarness, prepared_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SLOW_START = 30
TIMES = {
    "last_now", "applied_at", "pushed_at", "ready_at", "run_at", "claimed_at", "until", "finished_at", "keep_until",
}  # fmt: skip

Picture = dict[str, list[dict[str, object]]]


def picture(path: Path) -> Picture:
    """Every row of every table of a file that nobody has open."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    tables = connection.execute("select name from sqlite_master where type = 'table'")
    found = {
        name: [dict(row) for row in connection.execute(f"select * from {name} order by 1, 2")]  # noqa: S608 - names of our own tables
        for (name,) in tables.fetchall()
    }
    connection.close()
    return found


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store; each case works on a copy."""
    return asyncio.run(prepared_file(tmp_path_factory.mktemp("prepared")))


@pytest.fixture
async def harness(prepared: Path, tmp_path: Path) -> SqliteHarness:
    """On a copy of the prepared store, not open."""
    made = SqliteHarness(tmp_path)
    shutil.copy(prepared, made.path)
    return made


async def killed_at(path: Path, point: str) -> None:
    """Another process was killed at this point."""
    async with child("die_at", path, point) as dying, deadline(SLOW_START):
        assert await dying.wait() == -signal.SIGKILL


@pytest.mark.parametrize("verb", ACTS)
async def test_killed_before_the_commit_nothing_has_happened(
    verb: str, harness: SqliteHarness
) -> None:
    before = picture(harness.path)

    await killed_at(harness.path, f"{verb}.before_commit")

    assert picture(harness.path) == before
    await assert_sound(harness)


@pytest.mark.parametrize("verb", ACTS)
async def test_killed_after_the_commit_everything_has_happened(
    verb: str, harness: SqliteHarness, prepared: Path, tmp_path: Path
) -> None:
    (tmp_path / "unharmed").mkdir()
    unharmed = SqliteHarness(tmp_path / "unharmed")
    shutil.copy(prepared, unharmed.path)
    await unharmed.engine.open()
    await ACTS[verb](unharmed.engine)
    await unharmed.close()

    await killed_at(harness.path, f"{verb}.after_commit")

    after = picture(harness.path)
    assert without_times(after) == without_times(picture(unharmed.path))
    assert after != picture(prepared)
    await assert_sound(harness)


async def test_killed_at_any_moment_every_answered_push_is_there(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)
    answered: set[JobId] = set()
    for lines in (5, 40, 150):
        async with child("push_forever", harness.path) as pushing, deadline(SLOW_START):
            for _ in range(lines):
                answered.add(JobId(int(await line_of(pushing))))
            pushing.kill()
            output, _ = await pushing.communicate()
            complete = output.decode().rpartition("\n")[0]
            answered |= {JobId(int(line)) for line in complete.splitlines()}

    await harness.engine.open()
    stored = await harness.engine.get(sorted(answered))
    assert len(answered) >= 195
    assert None not in stored
    assert (await counts_of(harness.engine)).pushed >= len(answered)
    await harness.close()
    await assert_sound(harness)


def without_times(found: Picture) -> Picture:
    return {
        name: [{key: value for key, value in row.items() if key not in TIMES} for row in rows]
        for name, rows in found.items()
    }


async def assert_sound(harness: SqliteHarness) -> None:
    """The file is whole, the counts are right, and the store goes on."""
    assert harness.ask("pragma integrity_check") == [("ok",)]
    await harness.engine.open()
    await assert_conserved(harness.engine)
    highest = harness.ask("select max(id) from job")
    assert (await push_one(harness.engine, job()),) > highest[0]
    await harness.close()
