"""`penstock migrate`."""

import sqlite3
from pathlib import Path

import pytest

from penstock.cli.exits import FAILED, MISCONFIGURED, MISUSED, OK, TRY_AGAIN
from tests.cli.command import Shell

STORES = """
[stores.main]
url = "sqlite:///penstock.db"
[stores.fast]
url = "memory://"
number = 1
accept_volatile = true
[queues.default]
store = "main"
"""
AWAY = """
[stores.away]
url = "postgresql://127.0.0.1:1/penstock"
number = 2
"""
WIDE = """
[stores.wide]
partitions = { main = 1, fast = 1 }
"""


def configure(*sections: str) -> None:
    Path("penstock.toml").write_text("".join(sections))


def test_it_says_what_it_applied_and_twice_is_fine(penstock: Shell) -> None:
    first = penstock("migrate", "--data", "here")
    second = penstock("migrate", "--data", "here")

    assert first.code == second.code == OK
    assert first.lines[0] == "main: applied 0001_first.sql"
    assert "at the present schema" in first.lines[-1]
    assert second.lines == first.lines[-1:]
    with sqlite3.connect("here/penstock.db") as database:
        assert database.execute("select count(*) from job").fetchone() == (0,)


def test_a_check_says_what_is_pending_and_changes_nothing(penstock: Shell) -> None:
    configure(STORES)

    before = penstock("migrate", "--check")
    assert not Path("penstock.db").exists()
    penstock("migrate")
    after = penstock("migrate", "--check")

    assert before.code == FAILED
    assert before.lines == ["main: pending 0001_first.sql", "fast: nothing is pending"]
    assert after.code == OK
    assert after.lines == ["main: nothing is pending", "fast: nothing is pending"]


def test_a_store_that_is_away_does_not_keep_the_others_from_it(penstock: Shell) -> None:
    configure(STORES, AWAY)

    checked = penstock("migrate", "--check")
    answer = penstock("migrate")

    assert checked.code == answer.code == TRY_AGAIN
    assert checked.lines == ["main: pending 0001_first.sql", "fast: nothing is pending"]
    assert answer.lines[0] == "main: applied 0001_first.sql"
    assert checked.err.count("\n") == answer.err.count("\n") == 1
    assert "[stores.away] postgresql cannot do it now" in answer.err


def test_the_partitions_of_a_federation_are_told_and_not_itself(penstock: Shell) -> None:
    configure(STORES, WIDE)

    answer = penstock("migrate", "--check")

    assert answer.lines == ["main: pending 0001_first.sql", "fast: nothing is pending"]


def test_a_store_that_is_not_to_be_migrated_by_others_is_migrated_by_this(penstock: Shell) -> None:
    configure(STORES.replace('.db"', '.db"\nmigrate = false'))

    refused = penstock("show-jobs")
    assert not Path("penstock.db").exists()
    penstock("migrate")
    after = penstock("show-jobs")

    assert refused.code == MISCONFIGURED
    assert refused.err.startswith("penstock: [stores.main] the schema lacks 0001_first.sql")
    assert "run `penstock migrate`" in refused.err
    assert (after.code, after.out) == (OK, "0\n")


def test_a_check_makes_no_directory(penstock: Shell) -> None:
    answer = penstock("migrate", "--check", "--data", "nowhere")

    assert answer.code == MISUSED
    assert "nowhere" in answer.err
    assert not Path("nowhere").exists()


def test_a_directory_that_cannot_be_made_is_said(penstock: Shell) -> None:
    with open("file", "w") as file:
        file.write("")

    answer = penstock("migrate", "--data", "file/below")

    assert answer.code in {MISUSED, MISCONFIGURED}
    assert "file" in answer.err


@pytest.mark.parametrize("words", [(), ("--check",)])
def test_a_store_of_a_newer_release_is_refused(penstock: Shell, words: tuple[str, ...]) -> None:
    penstock("migrate")
    with sqlite3.connect("penstock.db") as database:
        database.execute("insert into migration values (99, '0099_drop_needs_0099.sql', 0)")

    answer = penstock("migrate", *words)

    assert answer.code == MISCONFIGURED
    assert "[stores.main]" in answer.err
    assert "schema 99" in answer.err
