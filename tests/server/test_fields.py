"""What may be sent, and how a wrong field is named."""

from datetime import UTC, datetime

import pytest

from penstock.errors import BadJob
from penstock.serialization import JSON
from penstock.server.fields import BatchFields, JobFields, LegacyFields, taken


def test_fields_that_are_left_out_or_null_are_none() -> None:
    fields = taken({"type": "mail", "priority": None, "root": None}, JobFields)

    assert (fields.type, fields.priority, fields.root, fields.delay) == ("mail", None, None, None)


def test_a_whole_number_of_seconds_is_a_number_too() -> None:
    assert taken({"delay": 3}, JobFields).delay == 3.0


def test_a_time_is_read_with_its_offset() -> None:
    fields = taken({"run_at": "2026-12-01T02:00:00.5+02:00"}, JobFields)

    assert fields.run_at == datetime(2026, 12, 1, 0, 0, 0, 500_000, tzinfo=UTC)


def test_a_batch_is_atomic_unless_it_says_otherwise() -> None:
    assert taken({"jobs": []}, BatchFields).atomic is True
    assert taken({"jobs": [], "atomic": False}, BatchFields).atomic is False


@pytest.mark.parametrize(
    ("value", "field", "detail"),
    [
        ({"priority": "9"}, "priority", "expected `int | null`, got `str`"),
        ({"priority": True}, "priority", "expected `int | null`, got `bool`"),
        ({"priority": 1.5}, "priority", "expected `int | null`, got `float`"),
        ({"params": []}, "params", "expected `object | null`, got `array`"),
        ({"dedupe": ["a", 1]}, "dedupe[1]", "expected `str`, got `int`"),
        ({"root": {"signature": "a"}}, "root.timestamp", "is missing"),
        ({"root": {"timestmp": 1}}, "root.timestmp", "is unknown; did you mean timestamp?"),
        ({"callbacks": {"dead": {}}}, "callbacks.dead", "is unknown; known: done, failed"),
        ({"callbacks": {"done": 1}}, "callbacks.done", "expected `object | null`, got `int`"),
        ({"prority": 1}, "prority", "is unknown; did you mean priority?"),
        ({"run_at": "tomorrow"}, "run_at", "invalid RFC3339 encoded datetime"),
        ([], "", "expected `object`, got `array`"),
    ],
)
def test_a_wrong_field_is_named(value: JSON, field: str, detail: str) -> None:
    with pytest.raises(BadJob) as caught:
        taken(value, JobFields)

    [error] = caught.value.errors
    assert (error.field, error.detail) == (field, detail)


def test_an_unknown_field_that_resembles_none_is_told_all() -> None:
    with pytest.raises(BadJob) as caught:
        taken({"command": {}, "xyz": 1}, LegacyFields)

    [error] = caught.value.errors
    assert error.detail == "is unknown; known: callback_done, command, context, priority"


@pytest.mark.parametrize(
    "name", ["` - at `$.type`", "a\nb", "", "`", "$", "x" * 100_000, "ä", " - at `$`"]
)
def test_a_name_made_to_confuse_is_named_all_the_same(name: str) -> None:
    with pytest.raises(BadJob) as caught:
        taken({name: 1}, JobFields)

    assert len(caught.value.errors) == 1
