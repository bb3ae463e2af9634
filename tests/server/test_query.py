"""What may stand behind the `?` of a path."""

import time

import pytest
from starlette.requests import Request

from penstock.errors import BadJob
from penstock.server.query import MOST_ERRORS, query

KNOWN = ("type", "limit")


def request(text: str) -> Request:
    return Request({"type": "http", "query_string": text.encode(), "headers": []})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("&&", {}),
        ("type=mail&limit=5", {"type": "mail", "limit": "5"}),
        ("type", {"type": ""}),
        ("type=", {"type": ""}),
        ("type=a%2Fb+c%26", {"type": "a/b c&"}),
        ("t%79pe=a=b", {"type": "a=b"}),
    ],
)
def test_parameters_are_known_by_their_names(text: str, found: dict[str, str]) -> None:
    assert query(request(text), KNOWN) == found


@pytest.mark.parametrize(
    ("text", "field", "detail"),
    [
        ("typ=mail", "typ", "is unknown; did you mean type?"),
        ("x=1", "x", "is unknown; known: limit, type"),
        ("=1", "", "is unknown; known: limit, type"),
        ("type=a&type=a", "type", "stands there more than once; send it once"),
        ("type=a&t%79pe=b", "type", "stands there more than once; send it once"),
        ("x=1&x=2", "x", "is unknown; known: limit, type"),
    ],
)
def test_a_parameter_that_is_unknown_or_repeated_is_named(
    text: str, field: str, detail: str
) -> None:
    with pytest.raises(BadJob) as caught:
        query(request(text), KNOWN)

    [error] = caught.value.errors
    assert (error.field, error.detail) == (field, detail)


def test_a_path_without_parameters_says_so() -> None:
    with pytest.raises(BadJob, match="domain: is unknown; this path takes no parameters"):
        query(request("domain=a"))


def test_very_many_parameters_are_refused_at_once() -> None:
    names = "&".join(f"typ{number}" for number in range(8000))
    began = time.monotonic()

    with pytest.raises(BadJob) as caught:
        query(request(names), KNOWN)

    assert len(caught.value.errors) == MOST_ERRORS
    assert time.monotonic() - began < 2
