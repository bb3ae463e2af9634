"""One store: what is found, and that nothing is changed."""

from pathlib import Path

import pytest

from penstock.conformance.builders import job, push_one
from penstock.doctor.doctor import TO_EXAMINE
from penstock.doctor.stores import Patient, about_schema
from penstock.engine import Engine
from penstock.engines.memory import MemoryEngine
from penstock.engines.sqlite import SqliteEngine, schema
from penstock.engines.sqlite.statements import migrations
from penstock.examination import About, Finding, Level
from penstock.settings import StoreSettings
from tests.engines.sqlite.harness import SqliteHarness, is_empty, url_of
from tests.engines.sqlite.test_schema import LATER, NEWEST, alter


async def found(engine: Engine, settings: StoreSettings) -> list[Finding]:
    patient = Patient("main", settings, lambda type: True)
    await patient.look(engine, TO_EXAMINE)
    return patient.findings


def levels(findings: list[Finding]) -> dict[About, Level]:
    return {one.about: one.level for one in findings}


@pytest.mark.parametrize(
    ("pending", "migrate", "expected"),
    [
        ([], True, []),
        (["0001_first.sql", "0002_more.sql"], True, [(Level.WRONG, "there is no store yet")]),
        (["0002_more.sql"], True, [(Level.ADVICE, "lacks 0002_more.sql")]),
        (["0002_more.sql"], False, [(Level.WRONG, "lacks 0002_more.sql")]),
    ],
)
def test_what_is_pending(
    pending: list[str], migrate: bool, expected: list[tuple[Level, str]]
) -> None:
    settings = StoreSettings(url="memory://", migrate=migrate)

    told = list(about_schema(pending, settings))

    assert [(one.level, one.text) for one in told] == expected
    assert all("penstock migrate" in one.change for one in told)


async def test_a_file_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    url = url_of(tmp_path / "a.db")

    told = await found(SqliteEngine(url), StoreSettings(url=url))

    assert levels(told)[About.SCHEMA] is Level.WRONG
    assert is_empty(tmp_path)


async def test_a_store_in_order_is_looked_into(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)
    await harness.engine.open()
    await push_one(harness.engine, job())
    settings = StoreSettings(url=url_of(harness.path))

    told = await found(harness.make(), settings)

    assert levels(told) == {
        About.PLACE: Level.OK,
        About.CLOCK: Level.OK,
        About.REACH: Level.OK,
        About.RUNNERS: Level.WRONG,
    }
    await harness.close()


async def test_a_store_that_lacks_a_migration_is_told_and_not_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = SqliteHarness(tmp_path)
    await harness.engine.migrate()
    more = {NEWEST + 1: ("9999_more.sql", ("create table more (a)",))}
    monkeypatch.setattr(schema, "migrations", lambda: {**migrations(), **more})

    told = await found(harness.make(), StoreSettings(url=url_of(harness.path)))

    assert levels(told)[About.SCHEMA] is Level.ADVICE
    assert await harness.make().pending() == ["9999_more.sql"]


async def test_another_number_is_told(tmp_path: Path) -> None:
    engine = SqliteEngine(url_of(tmp_path / "a.db"), number=7)
    await engine.open()
    await engine.close()
    settings = StoreSettings(url=url_of(tmp_path / "a.db"))

    told = await found(SqliteEngine(settings.url), settings)

    assert levels(told)[About.SCHEMA] is Level.WRONG
    assert "[stores.main]" in told[-1].text
    assert "set `number = 7`" in told[-1].change


async def test_a_newer_schema_is_told(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)
    await harness.engine.open()
    await harness.engine.close()
    alter(harness.path, LATER.format(number=99, name="drop_needs_0099"))

    told = await found(harness.make(), StoreSettings(url=url_of(harness.path)))

    assert levels(told)[About.SCHEMA] is Level.WRONG
    assert "schema 99" in told[-1].text


async def test_the_file_of_another_program_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear Sir or Madam, " * 100)

    told = await found(SqliteEngine(url_of(path)), StoreSettings(url=url_of(path)))

    assert told[-1].level is Level.WRONG
    assert "no SQLite database" in told[-1].text
    assert [one.name for one in sorted(path.parent.iterdir())] == ["letter.db"]


@pytest.mark.parametrize(("accepted", "level"), [(True, None), (False, Level.WRONG)])
async def test_a_store_that_loses_jobs_is_told_unless_that_is_accepted(
    accepted: bool, level: Level | None
) -> None:
    settings = StoreSettings(url="memory://", accept_volatile=accepted)

    told = await found(MemoryEngine(), settings)

    assert levels(told).get(About.DURABILITY) is level
    assert levels(told)[About.REACH] is Level.OK


async def test_a_line_that_a_durable_store_does_not_need_is_told(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)
    await harness.engine.open()
    settings = StoreSettings(url=url_of(harness.path), accept_volatile=True)

    told = await found(harness.make(), settings)

    assert levels(told)[About.CONFIGURATION] is Level.ADVICE
    await harness.close()
