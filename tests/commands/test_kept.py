"""Results that fit."""

import pytest

from penstock.commands.kept import clean, fit
from penstock.policy import MAX_RESULT
from penstock.serialization import JSONObject, encode


def test_what_fits_is_kept_as_it_is() -> None:
    result: JSONObject = {"body": "short", "truncated": False}

    assert fit(result, "body") is result


@pytest.mark.parametrize("letter", ["x", "ä", "😀", "\x01", '"', "\\", "\n"])
@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_long_text_is_cut_to_the_last_letter_that_fits(letter: str, before: str) -> None:
    text = before + letter * MAX_RESULT

    kept = fit({"status": 200, "body": text, "truncated": False}, "body")

    size = len(encode(kept).encode())
    assert kept["truncated"] is True
    assert text.startswith(str(kept["body"]))
    assert MAX_RESULT - 6 < size <= MAX_RESULT


def test_a_text_that_fits_exactly_is_not_cut() -> None:
    room = MAX_RESULT - len(encode({"body": "", "truncated": False}))
    exact: JSONObject = {"body": "x" * room, "truncated": False}

    assert fit(exact, "body") == exact
    assert fit({"body": "x" * (room + 1), "truncated": False}, "body")["truncated"] is True


def test_nul_is_replaced() -> None:
    assert clean("a\0b") == "a\ufffdb"
