"""The schema: forward only, by whoever comes first; a newer one, another store or another program's file is refused."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from penstock.conformance.builders import job, push_one
from penstock.engines.sqlite import SqliteEngine, schema
from penstock.engines.sqlite.connection import open_to_write
from penstock.engines.sqlite.statements import migrations
from penstock.errors import StoreMismatch
from penstock.job import SEQUENCE_SPAN
from tests.engines.sqlite.harness import SqliteHarness, is_empty, url_of

NEWEST = max(migrations())
NAMES = [name for name, _ in migrations().values()]


LATER = "insert into migration (number, name, applied_at) values ({number}, '{name}.sql', 0)"


def alter(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_migrations_are_numbered_without_gaps() -> None:
    assert list(migrations()) == list(range(1, NEWEST + 1))
    assert all(statements for _, statements in migrations().values())


async def test_open_brings_an_empty_file_to_the_present_schema(harness: SqliteHarness) -> None:
    applied = harness.ask("select number, name from migration order by number")

    assert applied == [(number, name) for number, (name, _) in migrations().items()]


async def test_migrate_says_what_it_did_and_twice_is_fine(tmp_path: Path) -> None:
    engine = SqliteEngine(url_of(tmp_path / "new.db"))

    assert await engine.migrate() == NAMES
    assert await engine.migrate() == []


async def test_pending_tells_and_changes_nothing(tmp_path: Path) -> None:
    engine = SqliteEngine(url_of(tmp_path / "new.db"))

    assert await engine.pending() == NAMES
    assert is_empty(tmp_path)

    await engine.migrate()
    assert await engine.pending() == []


async def test_a_migration_that_fails_leaves_the_schema_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new.db"
    engine = SqliteEngine(url_of(path))
    await engine.migrate()
    broken = {NEWEST + 1: ("broken.sql", ("create table extra (a)", "create table extra (a)"))}
    monkeypatch.setattr(schema, "migrations", lambda: {**migrations(), **broken})

    with pytest.raises(Exception, match="already exists"):
        await engine.migrate()

    monkeypatch.undo()
    assert await engine.pending() == []
    await engine.open()
    await engine.close()


async def test_a_migration_applied_by_a_faster_process_is_not_applied_again(tmp_path: Path) -> None:
    first, second = (open_to_write(tmp_path / "new.db") for _ in range(2))

    before = schema.unapplied(second)
    schema.migrate(first)

    assert [schema.apply(second, number) for number in before] == [False] * NEWEST
    assert schema.unapplied(second) == []
    first.close()
    second.close()


async def test_a_schema_that_needs_a_newer_release_is_refused_and_left_alone(
    harness: SqliteHarness,
) -> None:
    await push_one(harness.engine, job())
    await harness.engine.close()
    alter(harness.path, LATER.format(number=NEWEST + 1, name=f"drop_needs_{NEWEST + 1:04}"))

    with pytest.raises(StoreMismatch) as refused:
        await harness.make().open()

    assert f"schema {NEWEST + 1}" in str(refused.value)
    assert f"up to {NEWEST}" in str(refused.value)
    assert str(harness.path) in str(refused.value)
    with pytest.raises(StoreMismatch):
        await harness.make().migrate()
    with pytest.raises(StoreMismatch):
        await harness.make().pending()


async def test_a_newer_schema_that_says_nothing_else_is_worked_on(harness: SqliteHarness) -> None:
    await harness.engine.close()
    alter(harness.path, LATER.format(number=NEWEST + 1, name="later"))

    assert await harness.make().pending() == []
    assert await harness.make().migrate() == []
    assert await push_one(await harness.second(), job()) == 1


async def test_a_store_that_lacks_one_of_its_migrations_is_refused(harness: SqliteHarness) -> None:
    await harness.engine.close()
    alter(harness.path, "delete from migration", LATER.format(number=NEWEST + 1, name="later"))

    with pytest.raises(StoreMismatch, match=f"lacks the migration {NAMES[0]}"):
        await harness.make().open()


async def test_a_store_remembers_its_number_and_refuses_another(harness: SqliteHarness) -> None:
    await harness.engine.close()

    with pytest.raises(StoreMismatch) as refused:
        await harness.make(number=7).open()

    assert "number 0" in str(refused.value)
    assert "number = 0" in str(refused.value)
    await harness.engine.open()


async def test_ids_start_with_the_number_of_the_store(tmp_path: Path) -> None:
    engine = SqliteEngine(url_of(tmp_path / "seven.db"), number=7)
    await engine.open()

    assert await push_one(engine, job()) == 7 * SEQUENCE_SPAN + 1
    assert await push_one(engine, job()) == 7 * SEQUENCE_SPAN + 2
    assert engine.identity.number == 7
    await engine.close()


async def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "music.db"
    alter(path, "create table song (title text)")

    with pytest.raises(StoreMismatch, match="another program"):
        await SqliteEngine(url_of(path)).open()

    connection = sqlite3.connect(path)
    assert connection.execute("select name from sqlite_master").fetchall() == [("song",)]
    connection.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)

    with pytest.raises(StoreMismatch, match="no SQLite database"):
        await SqliteEngine(url_of(path)).open()

    assert path.read_text().startswith("Dear Sir")


async def test_engines_that_migrate_at_once_all_succeed(tmp_path: Path) -> None:
    url = url_of(tmp_path / "new.db")

    answers = await asyncio.gather(*(SqliteEngine(url).migrate() for _ in range(6)))

    assert sorted(name for applied in answers for name in applied) == NAMES
