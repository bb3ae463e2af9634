"""Answers: read with bounds, kept, and understood."""

import gzip
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from penstock.commands.answer import MAX_BODY, MAX_TAKEN, Answer, Body
from penstock.policy import MAX_RESULT
from penstock.serialization import JSONObject, check, encode

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def taken(coding: str, *chunks: bytes) -> Body:
    body = Body(coding)
    for chunk in chunks:
        if body.full:
            break
        body.feed(chunk)
    return body


def test_a_body_is_kept() -> None:
    body = taken("", b"one ", b"two")

    assert (body.kept, body.truncated, body.full) == (b"one two", False, False)


def test_only_the_beginning_of_a_long_body_is_kept() -> None:
    body = taken("", b"a" * MAX_RESULT, b"b")

    assert (body.kept, body.truncated, body.full) == (b"a" * MAX_RESULT, True, False)


def test_beyond_its_bound_nothing_more_is_wanted() -> None:
    assert not taken("", b"a" * MAX_BODY).full
    assert taken("", b"a" * MAX_BODY, b"b").full


@pytest.mark.parametrize("coding", ["gzip", "x-gzip"])
def test_gzip_is_undone(coding: str) -> None:
    packed = gzip.compress(b"hello " * 100)

    body = taken(coding, packed[:10], packed[10:])

    assert (body.kept, body.truncated) == (b"hello " * 100, False)


def test_deflate_is_undone() -> None:
    assert taken("deflate", zlib.compress(b"hello")).kept == b"hello"


def test_an_unknown_coding_is_kept_as_it_came() -> None:
    assert taken("br", b"\x0b\x02").kept == b"\x0b\x02"


def test_a_bomb_is_never_unpacked_beyond_the_bound() -> None:
    bomb = gzip.compress(b"\0" * (64 * 1024 * 1024))
    body = Body("gzip")

    body.feed(bomb)

    assert body.full
    assert body.truncated
    assert len(body.kept) == MAX_RESULT


@pytest.mark.parametrize(
    "chunks", [(gzip.compress(b"hello")[:-4],), (b"no gzip",), (gzip.compress(b"a") + b"rest",)]
)
def test_a_broken_packing_counts_as_truncated(chunks: tuple[bytes, ...]) -> None:
    assert taken("gzip", *chunks).truncated


def test_after_the_end_of_a_packing_nothing_more_is_collected() -> None:
    body = taken("gzip", gzip.compress(b"hello"), gzip.compress(b"again"), b"and again")

    assert (body.kept, body.truncated, body.full) == (b"hello", True, True)


def test_a_packing_that_holds_nothing_ends_too() -> None:
    body = Body("gzip")
    body.feed(gzip.compress(b"")[:10])
    nothing = b"\x00\x00\x00\xff\xff" * 10_000  # stored blocks without a byte in them

    chunks = 0
    while not body.full and chunks * len(nothing) <= 2 * MAX_TAKEN:
        body.feed(nothing)
        chunks += 1

    assert (body.kept, body.truncated, body.full) == (b"", True, True)


def test_an_empty_packed_body_is_whole() -> None:
    assert not taken("gzip").truncated


RETRY_AFTER: list[tuple[str, float | None]] = [
    ("0", 0),
    ("120", 120),
    (" 5 ", 5),
    ("3600", 3600),
    ("3601", 3600),
    ("999999999", 3600),
    ("Sun, 22 Nov 2026 12:01:40 GMT", 100),
    ("Sun, 22 Nov 2026 13:01:40 +0100", 100),
    ("Sunday, 22-Nov-26 12:01:40 GMT", 100),
    ("Sun Nov 22 12:01:40 2026", 100),
    ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
    ("Sun, 22 Nov 2099 12:00:00 GMT", 3600),
    ("", None),
    ("soon", None),
    ("-5", None),
    ("1.5", None),
    ("٣", None),
    ("9999999999", None),
    ("Sun, 99 Nov 2026 12:00:00 GMT", None),
    ("Sun, 22 Nov 2026 12:00:00 +99999999999999999999", None),
]


@pytest.mark.parametrize(("asked", "seconds"), RETRY_AFTER)
def test_a_target_may_ask_for_up_to_an_hour(asked: str, seconds: float | None) -> None:
    answer = Answer(status=503, headers={"retry-after": asked})

    expected = None if seconds is None else timedelta(seconds=seconds)
    assert answer.retry_after(NOW) == expected


@pytest.mark.parametrize(
    ("status", "succeeded", "passing"),
    [
        *[(status, True, False) for status in (200, 201, 204, 299)],
        *[(status, False, False) for status in (300, 302, 304, 400, 401, 403, 404, 410, 422, 499)],
        *[(status, False, True) for status in (408, 425, 429, 500, 502, 503, 504, 599)],
    ],
)
def test_the_status_says_whether_to_try_again(status: int, succeeded: bool, passing: bool) -> None:
    answer = Answer(status=status, headers={})

    assert (answer.succeeded, answer.passing) == (succeeded, passing)


@pytest.mark.parametrize(("status", "words"), [(404, "404 Not Found"), (599, "599")])
def test_the_status_is_told_in_the_words_of_the_standard(status: int, words: str) -> None:
    assert Answer(status=status, headers={}).says == words


def test_the_result_has_four_parts() -> None:
    answer = Answer(status=201, headers={"content-type": "text/plain"}, body=b"made")

    assert answer.result() == {
        "status": 201,
        "headers": {"content-type": "text/plain"},
        "body": "made",
        "truncated": False,
    }


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("", "grüße".encode(), "grüße"),
        ("text/plain; charset=iso-8859-1", b"gr\xfc\xdfe", "grüße"),
        ('text/plain; CHARSET="ISO-8859-1"', b"gr\xfc\xdfe", "grüße"),
        ("text/plain; charset=utf-16", "ü".encode("utf-16"), "ü"),
        ("text/plain; charset=utf-8", b"a\xffb", "a\ufffdb"),
        ("text/plain; charset=utf-7", b"+2AA-", "+2AA-"),
        ("text/plain; charset=unicode_escape", b"\\ud800", "\\ud800"),
        ("text/plain; charset=zlib", b"x", "x"),
        ("text/plain; charset=nonsense", b"x", "x"),
        ("text/plain; charset=", b"x", "x"),
        ("", b"a\0b", "a\ufffdb"),
    ],
)
def test_a_body_becomes_text_that_can_be_stored(content_type: str, body: bytes, text: str) -> None:
    answer = Answer(status=200, headers={"content-type": content_type}, body=body)

    assert answer.result()["body"] == text
    check(answer.result(), field="result")


def test_a_letter_cut_in_two_is_left_out() -> None:
    answer = Answer(status=200, headers={}, body="ü".encode()[:1], truncated=True)

    assert answer.result()["body"] == ""


def size(result: JSONObject) -> int:
    return len(encode(result).encode())


@pytest.mark.parametrize("body", [b"x" * MAX_RESULT, b"\x01" * MAX_RESULT, b'"' * 40_000])
def test_a_result_is_never_longer_than_may_be_stored(body: bytes) -> None:
    result = Answer(status=200, headers={}, body=body).result()

    assert result["truncated"] is True
    assert size(result) <= MAX_RESULT


def test_endless_headers_are_dropped_and_that_is_told() -> None:
    headers = {f"x-{n}": "\x01" * 1000 for n in range(100)}

    result = Answer(status=200, headers=headers, body=b"body").result()

    assert result["truncated"] is True
    assert size(result) <= MAX_RESULT
    assert result["body"] == "body"
