"""`penstock push`."""

import json
import sqlite3

import pytest

from tests.cli.command import Shell

LOOPBACK = ("--profile", "development")


def stored() -> list[dict[str, object]]:
    with sqlite3.connect("penstock.db") as database:
        rows = database.execute("select params from job order by id").fetchall()
    return [json.loads(row[0]) for row in rows]


def test_a_push_prints_the_id(penstock: Shell) -> None:
    first = penstock("push", "http", "--param", "url=http://127.0.0.1:9/", *LOOPBACK)
    second = penstock("push", "http", "--param", "url=http://127.0.0.1:9/", *LOOPBACK)

    assert (first.code, first.out, second.out) == (0, "1\n", "2\n")


def test_params_are_json_or_text_and_come_over_the_whole(penstock: Shell) -> None:
    penstock(
        "push",
        "http",
        "--params",
        '{"url": "http://127.0.0.1:9/", "method": "GET"}',
        "--param",
        "timeout=5",
        "--param",
        "method=POST",
        *LOOPBACK,
    )

    assert stored() == [{"url": "http://127.0.0.1:9/", "method": "POST", "timeout": 5}]


def test_many_alike(penstock: Shell) -> None:
    answer = penstock(
        "push", "http", "--param", "url=http://127.0.0.1:9/", "--count", "3", *LOOPBACK
    )

    assert answer.out == "1\n2\n3\n"


def test_many_as_json_are_one_document(penstock: Shell) -> None:
    answer = penstock(
        *("push", "http", "--param", "url=http://127.0.0.1:9/", "--count", "2", "--json", *LOOPBACK)
    )

    assert json.loads(answer.out) == [
        {"id": 1, "deduplicated": False},
        {"id": 2, "deduplicated": False},
    ]


def test_a_duplicate_is_told(penstock: Shell) -> None:
    words = ("push", "http", "--param", "url=http://127.0.0.1:9/", "--dedupe", "--json", *LOOPBACK)

    first, second = penstock(*words), penstock(*words)

    assert json.loads(first.out) == {"id": 1, "deduplicated": False}
    assert json.loads(second.out) == {"id": 1, "deduplicated": True}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("push", "htpp"), "name them with --app"),
        (("push", "htpp"), "htpp"),
        (("push", "http"), "url"),
        (("push", "http", "--params", "{"), "--params"),
        (("push", "http", "--params", "[]"), "--params"),
        (("push", "http", "--param", "url"), "--param"),
        (("push", "http", "--param", "url=http://127.0.0.1:9/", "--priority", "1001"), "priority"),
        (("push", "http", "--param", "url=http://127.0.0.1:9/", "--delay", "nan"), "delay"),
        (("push", "http", "--param", "url=http://127.0.0.1:9/", "--delay", "1e300"), "delay"),
        (("push", "http", "--param", "url=http://127.0.0.1:9/", "--domain", "a b"), "domain"),
    ],
)
def test_a_bad_push_names_the_field_and_stores_nothing(
    penstock: Shell, words: tuple[str, ...], named: str
) -> None:
    answer = penstock(*words, *LOOPBACK)

    assert answer.code == 1
    assert named in answer.err
    assert answer.err.startswith("penstock: ")
    assert answer.err.count("\n") == 1


def test_a_private_target_is_refused_with_the_line_to_add(penstock: Shell) -> None:
    answer = penstock("push", "http", "--param", "url=http://127.0.0.1:9/")

    assert answer.code == 1
    assert "allow_private" in answer.err
