"""The SQL files: named steps, every one of which SQLite takes and the engine uses."""

import re
from pathlib import Path

import pytest

import penstock.engines.sqlite
from penstock.engines.sqlite import schema
from penstock.engines.sqlite.connection import open_to_write
from penstock.engines.sqlite.statements import split, statements
from tests.engines.failures.acts import ACTS

HERE = Path(penstock.engines.sqlite.__file__).parent
READING = {"get", "list", "ahead", "counts", "oldest", "ready", "wait", "paused", "workers", "open"}
# Steps whose names are put together: `claim.{order}`, `ahead.{order}` and `list.{state}`.
COMPOSED = {
    "claim.priority", "claim.fifo", "claim.random",
    "ahead.priority", "ahead.fifo", "ahead.random",
    "list.scheduled", "list.ready", "list.claimed",
}  # fmt: skip


def test_a_script_is_split_into_its_statements() -> None:
    script = "-- why\ncreate table a (b);\n\ninsert into a\nvalues (';');\n"

    assert [one.strip() for one in split(script)] == [
        "-- why\ncreate table a (b);",
        "insert into a\nvalues (';');",
    ]


def test_sqlite_takes_every_statement(tmp_path: Path) -> None:
    connection = open_to_write(tmp_path / "new.db")
    schema.migrate(connection)

    for text in statements().values():
        values = dict.fromkeys(re.findall(r":(\w+)", text))
        connection._sqlite.execute(f"explain {text}", values)

    connection.close()


def test_every_statement_is_used() -> None:
    code = "\n".join(path.read_text() for path in HERE.rglob("*.py"))

    unused = [name for name in statements() if f'"{name}"' not in code]

    assert set(unused) == COMPOSED


@pytest.mark.parametrize("name", statements())
def test_no_statement_is_empty(name: str) -> None:
    text = re.sub(r"--.*", "", statements()[name])

    assert text.strip()
    assert text == text.lower()


def test_every_end_of_a_claim_names_its_fence() -> None:
    ending = [text for text in statements().values() if "delete from claimed" in text]

    assert len(ending) == 6
    assert all(re.search(r"where \(id, fence\) in", text) for text in ending)


def test_every_writing_verb_is_tried_by_a_kill() -> None:
    verbs = {path.stem for path in (HERE / "sql").glob("*.sql")}

    assert set(ACTS) == verbs - READING
