"""`penstock migrate`."""

import sqlite3

from tests.cli.command import Shell


def test_the_store_is_there_afterwards_and_twice_is_fine(penstock: Shell) -> None:
    first = penstock("migrate", "--data", "here")
    second = penstock("migrate", "--data", "here")

    assert first.code == second.code == 0
    assert first.out == second.out
    with sqlite3.connect("here/penstock.db") as database:
        assert database.execute("select count(*) from job").fetchone() == (0,)


def test_a_directory_that_cannot_be_made_is_said(penstock: Shell) -> None:
    with open("file", "w") as file:
        file.write("")

    answer = penstock("migrate", "--data", "file/below")

    assert answer.code in {2, 78}
    assert "file" in answer.err
