"""Statements: named parameters are numbered in order, shared parts put in, comments left out."""

from pathlib import Path

import pytest

import penstock.engines.postgresql
from penstock.engines.postgresql.statements import load, migrations, opens, verbs

SQL = Path(penstock.engines.postgresql.__file__).parent / "sql"


def test_parameters_are_numbered_by_their_first_place() -> None:
    statement = load("announce")

    assert statement.parameters == ("worker", "slots", "types", "ttl")
    assert "values ($1::text, $2::integer, $3::text[], clock_timestamp() + $4::interval)" in (
        statement.text
    )
    values = {"ttl": 4, "types": 3, "slots": 2, "worker": 1, "beside": 0}
    assert statement.arguments(values) == [1, 2, 3, 4]


def test_a_parameter_that_stands_twice_has_one_number() -> None:
    statement = load("list")

    assert len(set(statement.parameters)) == len(statement.parameters)
    assert statement.text.count(f"${statement.parameters.index('state') + 1}::text") > 1


@pytest.mark.parametrize("file", sorted(SQL.glob("*.sql")), ids=lambda file: file.stem)
def test_a_statement_is_whole(file: Path) -> None:
    statement = load(file.stem)

    assert "--" not in statement.text
    assert statement.text.count("(") == statement.text.count(")")
    assert file.read_text().startswith("-- ")


def test_parts_are_shared() -> None:
    assert "insert into waiting as twin" in load("push").text
    assert "insert into waiting as twin" in load("ack").text


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [migration.number for migration in migrations()]

    assert numbers == list(range(1, len(numbers) + 1))


def test_what_opens_a_store_is_no_verb() -> None:
    files = {file.stem for file in SQL.glob("*.sql")}

    assert set(verbs()) == {name for name in files if not opens(name)}
    assert opens("open_lock")
    assert "claim" in verbs()
