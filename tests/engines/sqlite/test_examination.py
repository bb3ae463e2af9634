"""What is said of a file before anybody works on it."""

from datetime import timedelta
from pathlib import Path

import pytest

from penstock.clock import ManualClock
from penstock.conformance.builders import job, push_one
from penstock.engines.sqlite import SqliteEngine
from penstock.engines.sqlite.examination import LITTLE, TOO_LITTLE, rights, room
from penstock.examination import About, Level
from tests.engines.sqlite.harness import SqliteHarness, is_empty, url_of

PATIENCE = timedelta(seconds=5)


async def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    [found] = (await SqliteEngine(url_of(tmp_path / "no/a.db")).examine(PATIENCE)).findings

    assert (found.level, found.about) == (Level.WRONG, About.PLACE)
    assert "is no directory" in found.text
    assert is_empty(tmp_path)


async def test_a_clock_that_was_set_back_is_told(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)
    clock = ManualClock()
    late = await harness.opened(harness.make(clock=clock))
    clock.tick(timedelta(hours=1))
    await push_one(late, job())
    await late.close()

    assert (await harness.make(clock=clock).examine(PATIENCE)).ahead == timedelta(0)
    assert (await harness.make(clock=ManualClock()).examine(PATIENCE)).ahead == timedelta(hours=1)
    await harness.close()


@pytest.mark.parametrize(
    ("free", "level"),
    [
        (LITTLE, Level.OK),
        (LITTLE - 1, Level.ADVICE),
        (TOO_LITTLE, Level.ADVICE),
        (TOO_LITTLE - 1, Level.WRONG),
    ],
)
def test_the_room_on_the_disk(free: int, level: Level) -> None:
    [found] = room(free)

    assert found.level is level


def test_what_this_user_may_not_write_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch(mode=0o600)

    found = list(rights(tmp_path / "a.db", lambda path, mode: False))

    assert [one.level for one in found] == [Level.WRONG, Level.WRONG]
    assert str(tmp_path / "a.db") in found[1].text
    assert list(rights(tmp_path / "a.db")) == []


def test_a_file_that_everybody_may_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    (tmp_path / "a.db").chmod(0o644)

    [found] = rights(tmp_path / "a.db")

    assert found.level is Level.ADVICE
    assert found.change == f"chmod o= {tmp_path / 'a.db'}"
