"""What a store lacks, and on what this release does not work."""

import pytest

from penstock.errors import StoreMismatch
from penstock.schema import needs, unapplied

KNOWN = {1: "0001_first.sql", 2: "0002_more.sql", 3: "0003_index.sql"}


def first(count: int) -> dict[int, str]:
    return {number: name for number, name in KNOWN.items() if number <= count}


@pytest.mark.parametrize(
    ("applied", "lacking"), [({}, [1, 2, 3]), (first(1), [2, 3]), (first(2), [3]), (first(3), [])]
)
def test_what_is_lacking_comes_in_order(applied: dict[int, str], lacking: list[int]) -> None:
    assert unapplied("the store", applied, KNOWN) == lacking


@pytest.mark.parametrize(
    "later",
    [
        {4: "0004_column.sql"},
        {4: "0004_column.sql", 5: "0005_drop_needs_0003.sql"},
        {5: "0005_drop_needs_0002.sql"},
    ],
)
def test_a_newer_schema_is_worked_on_where_it_does_not_say_otherwise(later: dict[int, str]) -> None:
    assert unapplied("the store", KNOWN | later, KNOWN) == []


def test_a_newer_schema_that_needs_a_newer_release_is_refused() -> None:
    later = {4: "0004_column.sql", 5: "0005_drop_needs_0004.sql", 6: "0006_table.sql"}

    with pytest.raises(StoreMismatch) as refused:
        unapplied("store x", KNOWN | later, KNOWN)

    assert "store x has schema 6, which needs a release that knows schema 4" in str(refused.value)
    assert "knows schemas up to 3" in str(refused.value)


def test_what_a_known_migration_needs_refuses_nobody_who_knows_it() -> None:
    known = KNOWN | {4: "0004_drop_needs_0003.sql"}

    assert unapplied("the store", known, known) == []


@pytest.mark.parametrize(
    ("applied", "told"),
    [
        ({1: KNOWN[1], 3: KNOWN[3]}, "lacks the migration 0002_more.sql"),
        ({2: KNOWN[2]}, "lacks the migration 0001_first.sql"),
        ({1: KNOWN[1], 2: "0002_other.sql"}, "the migration 0002_other.sql where this Penstock"),
        ({1: KNOWN[1], 4: "0004_column.sql"}, "lacks the migration 0002_more.sql"),
    ],
)
def test_a_store_that_another_version_made_is_refused(applied: dict[int, str], told: str) -> None:
    with pytest.raises(StoreMismatch, match=told):
        unapplied("the store", applied, KNOWN)


@pytest.mark.parametrize(
    ("name", "number"),
    [("0005_drop_needs_0004.sql", 4), ("0005_needs_care.sql", 0), ("0001_first.sql", 0)],
)
def test_the_name_of_a_migration_says_what_it_needs(name: str, number: int) -> None:
    assert needs(name) == number
