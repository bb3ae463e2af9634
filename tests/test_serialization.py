# long: the tables of what JSON may be, and of what is wrong with the rest
"""JSON: what is taken, what is refused and where, and that it comes back unchanged."""

import time
from collections import UserDict
from enum import IntEnum, StrEnum
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import BadJob
from penstock.serialization import (
    JSON,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NESTED,
    check,
    decode,
    digest,
    encode,
    explained,
    is_whole,
    parse,
    said,
    stored,
    unknown,
)

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def refusal(text: bytes) -> str:
    with pytest.raises(BadJob) as caught:
        parse(text)
    return str(caught.value)


@given(VALUES)
def test_what_is_kept_is_given_back_unchanged(value: JSON) -> None:
    text = encode(value)

    check(value, field="value")

    assert repr(decode(text)) == repr(value)
    assert repr(parse(text.encode())) == repr(value)


TAKEN: list[tuple[bytes, JSON]] = [
    (b"null", None),
    (b" [1, 2.5, true] ", [1, 2.5, True]),
    (b"9223372036854775807", 2**63 - 1),
    (b"-9223372036854775808", -(2**63)),
    (b'"\\ud83d\\ude00"', "😀"),
    ('"é\u2028\U0010ffff"'.encode(), "é\u2028\U0010ffff"),
    (b'{"": {"": 1}}', {"": {"": 1}}),
    (b"1e-400", 0.0),
    (b'"' + b"x" * (MAX_BYTES - 2) + b'"', "x" * (MAX_BYTES - 2)),
    (b"[" + b"[]," * (MAX_NESTED - 2) + b"[]]", [[]] * (MAX_NESTED - 1)),
    (b'["' + b'[{\\"' * 200_000 + b'"]', ['[{"' * 200_000]),
]


@pytest.mark.parametrize(("text", "value"), TAKEN, ids=[str(text[:20]) for text, _ in TAKEN])
def test_json_that_keeps_the_rules_is_read(text: bytes, value: JSON) -> None:
    assert parse(text) == value


def test_thirty_two_levels_are_read() -> None:
    assert encode(parse(nested(MAX_DEPTH))).encode() == nested(MAX_DEPTH)


REFUSED = [
    (b"", "body: not JSON"),
    (b"{", "body: not JSON"),
    (b"{'a': 1}", "body: not JSON"),
    (b"[1,]", "body: not JSON"),
    (b"1 2", "body: not JSON"),
    (b"01", "body: not JSON"),
    (b'"\x01"', "body: not JSON"),
    (b"\xef\xbb\xbf{}", "body: not JSON"),
    (b'"\xff"', "body: not UTF-8"),
    (b'"\xed\xa0\x80"', "body: not UTF-8"),
    ('{"a": 1}'.encode("utf-16"), "body: not UTF-8"),
    ('{"a": 1}'.encode("utf-16-le"), "body: not JSON"),
    ('{"a": 1}'.encode("utf-32-be"), "body: not JSON"),
    (b"NaN", "body: NaN is no JSON"),
    (b'{"a": -Infinity}', "body: -Infinity is no JSON"),
    (b"1e400", "body: number 1e400 is too large"),
    (b"-1e400", "body: number -1e400 is too large"),
    (b"1" * 5000 + b".0", "body: number 11111111111111111111 is too large"),
    (b"1" * 5000, "body: integer 11111111111111111111 is beyond 64 bits"),
    (b"9223372036854775808", "body: integer 9223372036854775808 is beyond 64 bits"),
    (b"-9223372036854775809", "body: integer -9223372036854775809 is beyond 64 bits"),
    (b'{"a": 1, "b": 2, "a": 1}', "body: key 'a' stands twice"),
    (b'{"x": {"\\u0061": 1, "a": 2}}', "body: key 'a' stands twice"),
    (b'{"\\ud800": 1, "\\ud800": 2}', r"body: key '\ud800' stands twice"),
    (b'{"a": "\\ud800"}', "body.a: holds half of a surrogate pair"),
    (b'{"a": {"\\udfff": 1}}', "body.a: holds half of a surrogate pair"),
    (b'["x", {"a": "\\u0000"}]', "body[1].a: holds a NUL"),
    (b'{"\\u0000": 1}', "body: holds a NUL"),
    (nested(MAX_DEPTH + 1), "nested deeper than 32"),
    (b"[" + b"[]," * MAX_NESTED + b"1]", "more than 100000 lists and objects"),
    (b"[" + b"{}," * MAX_NESTED + b"1]", "more than 100000 lists and objects"),
    (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested deeper than 32"),
    (b"[" * 100_000, "body: nested deeper than 32"),
    (b'{"a":' * 100_000, "body: nested deeper than 32"),
    (b" " * (MAX_BYTES + 1), f"body: {MAX_BYTES + 1} bytes; at most {MAX_BYTES}"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED, ids=[str(text[:20]) for text, _ in REFUSED])
def test_what_breaks_a_rule_is_refused_where_it_stands(text: bytes, words: str) -> None:
    assert words in refusal(text)


BOMBS = {
    "a key that is repeated among very many": b"{"
    + b",".join(b'"%d":1' % n for n in range(95_000))
    + b',"94999":1}',
    "a long key above very many values": b'{"'
    + b"k" * 500_000
    + b'":['
    + b"1," * 250_000
    + b'"\\ud800"]}',
    "long keys at every level": b"".join(b'{"' + b"k" * 30_000 + b'":' for _ in range(33))
    + b"1"
    + b"}" * 33,
    "brackets": b"[" * MAX_BYTES,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_costs_little_and_its_refusal_is_short(bomb: bytes) -> None:
    began = time.process_time()

    words = refusal(bomb)

    assert time.process_time() - began < 1
    assert len(words) < 5000


def test_the_field_may_be_named_otherwise() -> None:
    with pytest.raises(BadJob) as caught:
        parse(b'{"a": [NaN]}', field="--params")

    assert caught.value.errors[0].field == "--params"


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    BIG = 3


class OwnText(str):
    pass


class OwnNumber(float):
    pass


class OwnInteger(int):
    pass


STANDINGS: list[tuple[object, str]] = [
    (OwnText("x"), '"x"'),
    (OwnNumber(1.5), "1.5"),
    (OwnInteger(3), "3"),
    (Colour.RED, '"red"'),
    (Size.BIG, "3"),
    ((1, (2,)), "[1,[2]]"),
    (MappingProxyType({"a": MappingProxyType({})}), '{"a":{}}'),
    (UserDict({OwnText("a"): 1}), '{"a":1}'),
]


@pytest.mark.parametrize(("value", "text"), STANDINGS)
def test_python_values_that_stand_for_json_are_kept_as_it(value: object, text: str) -> None:
    check(value, field="params")

    assert encode(value) == text


cycle: list[object] = []
cycle.append(cycle)

WRONG: list[tuple[object, str, str]] = [
    ({"a": [0, float("nan")]}, "params.a[1]", "not a finite number"),
    ({"a": float("-inf")}, "params.a", "not a finite number"),
    ([2**63], "params[0]", "beyond 64 bits"),
    ([10**5000], "params[0]", "beyond 64 bits"),
    ({"a": {1, 2}}, "params.a", "a set is no JSON"),
    ({"a": b"x"}, "params.a", "a bytes is no JSON"),
    (object(), "params", "a object is no JSON"),
    ({"a": {1: 2}}, "params.a", "key 1 is no string"),
    ({"a": {("k" * 5000,): 2}}, "params.a", "is no string"),
    ({"a": "\ud800"}, "params.a", "surrogate"),
    ({"a\0": 1}, "params", "NUL"),
    ({"[0]": "\0"}, "params.[0]", "NUL"),
    (cycle, f"params{'[0]' * MAX_DEPTH}", "nested deeper than 32"),
    ({"k" * 5000: {"b": "\0"}}, f"params.{'k' * 100}.b", "NUL"),
]


@pytest.mark.parametrize(("value", "field", "words"), WRONG)
def test_what_is_no_json_is_refused_where_it_stands(value: object, field: str, words: str) -> None:
    with pytest.raises(BadJob) as caught:
        check(value, field="params")

    [error] = caught.value.errors
    assert error.field == field
    assert words in error.detail
    assert len(error.detail) < 300


UNREADABLE = ["", "{", "[1", "NaN", "1e400", '"\\ud800"', "\ud800", "{'a': 1}", "[" * 100_000]


@pytest.mark.parametrize("text", UNREADABLE, ids=[ascii(text[:10]) for text in UNREADABLE])
def test_text_that_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_the_order_of_keys_does_not_change_the_digest(value: dict[str, JSON]) -> None:
    turned: dict[str, JSON] = dict(reversed(value.items()))

    assert digest({"x": value}) == digest({"x": turned})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, "1"),
        (1, True),
        (None, "null"),
        ([], {}),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"a": 1, "b": None}),
        ({"a": {"b": 1}}, {"a": {}, "b": 1}),
        ("e\u0301", "é"),
        ("", None),
    ],
)
def test_different_values_have_different_digests(one: JSON, other: JSON) -> None:
    assert digest(one) != digest(other)


@pytest.mark.parametrize(
    ("text", "whole"),
    [("", True), ("plain", True), ("grün 🌊", True), ("\ud800", False), ("grün \udfff", False)],
)
def test_half_of_a_surrogate_pair_is_no_whole_text(text: str, whole: bool) -> None:
    assert is_whole(text) is whole


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """Two fields and one below."""

    name: str
    counts: dict[int, int] = {}
    below: "Strict | None" = None


@pytest.mark.parametrize(
    ("value", "field", "detail"),
    [
        ({}, "name", "is missing"),
        ({"name": 1}, "name", "expected `str`, got `int`"),
        ({"name": "a", "nme": 1}, "nme", "is unknown; did you mean name?"),
        ({"name": "a", "below": {"name": "b", "zzz": 1}}, "below.zzz", "is unknown; leave it out"),
        ({"name": "a", "counts": {"x": 1}}, "counts", "expected `int`, got `str`"),
        ({"name": "a", "counts": {"1": "x"}}, "counts[...]", "expected `int`, got `str`"),
        (3, "", "expected `object`, got `int`"),
    ],
)
def test_a_conversion_that_fails_is_told_in_our_words(value: JSON, field: str, detail: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, Strict, str_keys=True)

    [wrong] = explained(caught.value, lambda path: () if path else ("name", "counts")).errors

    assert (wrong.field, wrong.detail) == (field, detail)


def test_an_error_without_words_is_told_all_the_same() -> None:
    [wrong] = explained(msgspec.ValidationError("")).errors

    assert (wrong.field, wrong.detail) == ("", "is not taken")


def test_an_unknown_name_is_told_with_the_nearest_known_one() -> None:
    assert str(unknown("a.nam", "nam", ["name"])) == "a.nam: is unknown; did you mean name?"


@pytest.mark.parametrize("value", [False, 0, "", [], {}, {"a": [None]}, "x" * 998])
def test_a_result_that_fits_is_stored_as_it_is(value: JSON) -> None:
    assert decode(stored(value, most=1000) or "") == value


def test_no_result_is_stored_as_none() -> None:
    assert stored(None, most=1000) is None


@pytest.mark.parametrize("value", ["x" * 999, "\U0001f600" * 1000, ['"' * 1000]])
def test_a_result_that_is_too_long_is_stored_as_the_beginning_of_its_text(value: JSON) -> None:
    text = stored(value, most=1000) or ""

    told = decode(text)
    assert isinstance(told, dict)
    assert (told["truncated"], told["length"]) == (True, len(encode(value)))
    assert encode(value).startswith(str(told["text"]))
    assert len(text.encode()) <= 1000


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), "\ud800", object])
def test_a_result_that_is_no_json_is_stored_as_its_text_and_the_reason(value: object) -> None:
    told = decode(stored(value, most=1000) or "")

    assert isinstance(told, dict)
    assert (told["truncated"], told["text"]) == (True, ascii(value))
    assert "result" in str(told["reason"])


def test_the_words_of_any_error_can_be_kept() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert said(ValueError("x" * 10_000)) == "x" * 8192
    assert said(ValueError("\ud800")) == "?"
    assert said(Mute()) == "a Mute without words"
