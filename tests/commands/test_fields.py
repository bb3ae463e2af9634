"""Reading the fields of a command."""

from datetime import timedelta

import pytest

from penstock.commands.fields import MAX_SECONDS, MOST_ERRORS, Fields
from penstock.errors import BadJob, FieldError
from penstock.serialization import JSON

TEN = timedelta(seconds=10)


def test_what_is_there_is_read_and_what_is_missing_has_its_default() -> None:
    fields = Fields({"a": "x", "b": 2, "c": True, "d": {"k": 1}, "e": ["v"], "f": None})

    assert fields.text("a") == "x"
    assert fields.seconds("b", TEN) == timedelta(seconds=2)
    assert fields.flag("c") is True
    assert fields.object("d") == {"k": 1}
    assert fields.texts("e") == ["v"]
    assert fields.has("f")
    assert fields.value("f") is None
    assert fields.text("m1", "y") == "y"
    assert fields.seconds("m2", TEN) == TEN
    assert fields.flag("m3") is False
    assert fields.object("m4") == {}
    assert fields.texts("m5") == []
    fields.done()


WRONG: dict[str, list[JSON]] = {
    "text": [None, 1, True, [], {}],
    "seconds": [None, "1", True, [], {}, 0, -1, MAX_SECONDS + 1, 1e300],
    "flag": [None, 1, 0, "true", []],
    "object": [None, 1, "x", [], True],
    "texts": [None, 1, "x", {}, [1], ["a", None]],
}


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in WRONG.items() for value in values]
)
def test_a_wrong_value_is_named_and_read_as_the_default(kind: str, value: JSON) -> None:
    fields = Fields({"x": value})
    if kind == "seconds":
        assert fields.seconds("x", TEN) == TEN
    else:
        assert not getattr(fields, kind)("x")

    with pytest.raises(BadJob) as refused:
        fields.done()

    assert [error.field for error in refused.value.errors] == ["x"]


def test_every_wrong_and_unknown_field_is_named_at_once() -> None:
    fields = Fields({"timeuot": 1, "text": 5, "zzz": 0})
    fields.text("text")
    fields.seconds("timeout", TEN)
    fields.take(BadJob([FieldError("url", "is wrong")]))

    with pytest.raises(BadJob) as refused:
        fields.done()

    assert refused.value.errors == (
        FieldError("text", "write text, not a number"),
        FieldError("url", "is wrong"),
        FieldError("timeuot", "unknown; did you mean timeout?"),
        FieldError("zzz", "unknown; known: text, timeout"),
    )


def test_of_very_many_wrong_fields_only_some_are_named() -> None:
    fields = Fields({**{f"text{n}": 5 for n in range(2 * MOST_ERRORS)}, "url": "x"})
    for n in range(MOST_ERRORS - 1):
        fields.text(f"text{n}")

    with pytest.raises(BadJob) as refused:
        fields.done()

    assert len(refused.value.errors) == MOST_ERRORS
    assert refused.value.errors[-1].detail.startswith("unknown")


def test_an_endless_name_is_cut() -> None:
    with pytest.raises(BadJob) as refused:
        Fields({"x" * 100_000: 1}).done()

    assert len(str(refused.value)) < 300
