"""Statements: values are written by the driver, parts are repeated for each row, comments left out."""

import re

import pytest

from penstock.engines.mariadb.statements import Step, Values, call, call_each, migrations, steps


def written(step: Step, values: Values, *rows: Values) -> str:
    return step.write(values, rows, lambda value: f"<{value}>")


def test_a_value_stands_where_its_name_stood() -> None:
    text = written(steps()["forget.presence"], {"worker": "w", "beside": 0})

    assert text == "delete from presence\nwhere worker = <w>\n"


def test_a_part_is_repeated_for_each_row() -> None:
    rows = [{"domain": n, "type": n + 1} for n in (1, 3)]

    text = written(steps()["push.new_queues"], {}, *rows)

    assert "values\n(<1>, <2>)\n,\n(<3>, <4>)\non duplicate key" in text


def test_rows_may_be_joined_by_other_words() -> None:
    row = {"id": 1, "queue": 2, "rank": 3, "most": 4}

    text = written(steps()["ahead.fifo"], {}, row, row)

    assert text.count("\nunion all\n") == 1
    assert text.startswith("select <1>")


def test_a_percent_sign_of_the_statement_stays() -> None:
    assert "connection_id() % 64" in written(steps()["transaction.wake"], {})


def test_a_step_that_answers_is_known_as_such() -> None:
    answering = {name for name, step in steps().items() if step.answers}

    assert {"get", "claim.superseded", "ahead.priority", "ready"} <= answering
    assert not {"push.job", "transaction.commit", "claim.commit", "leave.store"} & answering


@pytest.mark.parametrize("name", sorted(steps()))
def test_a_statement_is_whole(name: str) -> None:
    step = steps()[name]
    values = dict.fromkeys(step.head.names + step.tail.names, 0)
    row = dict.fromkeys(step.each.names, 0) if step.each else {}

    text = written(step, values, row)

    assert text.strip()
    assert "--" not in text
    assert re.search(r":[a-z]", text) is None
    assert text.count("(") == text.count(")")


def test_a_call_of_an_unknown_step_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        call("claim.nothing")
    with pytest.raises(KeyError):
        call_each("claim.nothing", [])


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [number for number, _, _ in migrations()]

    assert numbers == list(range(1, len(numbers) + 1))
    assert all(statements for _, _, statements in migrations())


def test_a_migration_may_run_again_where_it_stopped() -> None:
    [(_, _, first), *_] = migrations()

    assert all(statement.startswith("create table if not exists ") for statement in first)
