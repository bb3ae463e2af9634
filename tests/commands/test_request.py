"""From the params of an http command to the request."""

from datetime import timedelta

import pytest

from penstock.commands.request import Request, parse_event_params, parse_params
from penstock.commands.target import parse_target
from penstock.errors import BadJob
from penstock.serialization import JSON, JSONObject

URL = "http://a.test/x"


def request(**params: JSON) -> Request:
    return parse_params({"url": URL, **params}).request


def test_a_url_is_enough() -> None:
    parsed = parse_params({"url": URL})

    assert parsed.request == Request(method="GET", target=parse_target(URL))
    assert parsed.timeout is None
    assert parsed.follow_redirects is False


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "get", "Delete"])
def test_params_are_the_query_of_methods_without_a_form(method: str) -> None:
    asked = request(method=method, params={"username": "michael", "a": {"b": 1}})

    assert asked.method == method.upper()
    assert asked.target.path == "/x?username=michael&a%5Bb%5D=1"
    assert asked.body is None


def test_params_join_a_query_that_is_there() -> None:
    asked = parse_params({"url": "http://a.test/?q=1", "params": {"r": 2}}).request

    assert asked.target.path == "/?q=1&r=2"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_params_are_the_form_of_methods_with_one(method: str) -> None:
    asked = request(method=method, params={"a": "ö b"})

    assert asked.body == b"a=%C3%B6+b"
    assert asked.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    assert asked.target.path == "/x"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ({"a": [1]}, '{"a":[1]}'),
        ([], "[]"),
        ("ü", '"ü"'),
        (5, "5"),
        (False, "false"),
    ],
)
def test_json_is_sent_as_it_is(value: JSON, text: str) -> None:
    asked = request(method="POST", json=value)

    assert asked.body == text.encode()
    assert asked.headers == {"Content-Type": "application/json"}


def test_a_body_is_text() -> None:
    asked = request(method="PUT", body="grüße")

    assert asked.body == "grüße".encode()
    assert asked.headers == {"Content-Type": "text/plain; charset=utf-8"}


def test_a_delete_may_have_a_query_and_a_body() -> None:
    asked = request(method="DELETE", params={"a": 1}, json={"b": 2})

    assert asked.target.path == "/x?a=1"
    assert asked.body == b'{"b":2}'


def test_the_commands_own_content_type_wins() -> None:
    asked = request(method="POST", json={}, headers={"content-type": "application/ld+json"})

    assert asked.headers == {"content-type": "application/ld+json"}


REFUSED: list[tuple[str, JSONObject]] = [
    ("url", {"url": None}),
    ("url", {"url": 5}),
    ("url", {"url": ""}),
    ("url", {"url": "ftp://a.test/"}),
    ("method", {"method": "TRACE"}),
    ("method", {"method": "CONNECT"}),
    ("method", {"method": "GET / HTTP/1.1\r\nX: y"}),
    ("method", {"method": None}),
    ("timeout", {"timeout": 0}),
    ("timeout", {"timeout": -1}),
    ("timeout", {"timeout": "10"}),
    ("timeout", {"timeout": True}),
    ("timeout", {"timeout": 86401}),
    ("params", {"params": "a=1"}),
    ("params", {"params": [1]}),
    ("follow_redirects", {"follow_redirects": 1}),
    ("body", {"method": "POST", "body": {"a": 1}}),
    ("json", {"method": "POST", "params": {}, "json": {}}),
    ("body", {"method": "POST", "params": {}, "body": ""}),
    ("body", {"method": "POST", "json": {}, "body": ""}),
    ("json", {"json": {}}),
    ("body", {"method": "HEAD", "body": "x"}),
    ("headers", {"headers": []}),
    ("headers.X", {"headers": {"X": 1}}),
    ("headers.X", {"headers": {"X": None}}),
    ("headers.X", {"headers": {"X": "a\r\nHost: evil"}}),
    ("headers.X", {"headers": {"X": "a\nb"}}),
    ("headers.X", {"headers": {"X": "a\0b"}}),
    ("headers.X", {"headers": {"X": "ä"}}),
    ("headers.x", {"headers": {"X": "1", "x": "2"}}),
    ("headers.X Y", {"headers": {"X Y": "1"}}),
    ("headers.X:", {"headers": {"X:": "1"}}),
    ("headers.", {"headers": {"": "1"}}),
    ("headers", {"headers": {f"X-{n}": "1" for n in range(65)}}),
    ("headers", {"headers": {"X": "y" * 9000}}),
    ("metod", {"metod": "GET"}),
    ("type", {"type": "http"}),
]


@pytest.mark.parametrize(("field", "params"), REFUSED)
def test_a_wrong_field_is_refused_by_name(field: str, params: JSONObject) -> None:
    with pytest.raises(BadJob) as refused:
        parse_params({"url": URL, **params})

    assert [error.field for error in refused.value.errors] == [field]


def test_without_a_url_there_is_no_request() -> None:
    with pytest.raises(BadJob) as refused:
        parse_params({})

    assert [error.field for error in refused.value.errors] == ["url"]


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(BadJob) as refused:
        parse_params({"url": "x", "method": "BREW", "timeout": "soon", "metod": 1})

    fields = {error.field: error.detail for error in refused.value.errors}
    assert sorted(fields) == ["method", "metod", "timeout", "url"]
    assert fields["metod"] == "unknown; did you mean method?"


OURS = [
    *("User-Agent", "Job-Id", "Job-Attempt", "Job-Type", "Idempotency-Key", "traceparent"),
    *("Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "Upgrade", "TE"),
]


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("spell", [str.lower, str.upper])
def test_what_we_say_of_a_job_no_command_may_say(name: str, spell: type[str]) -> None:
    with pytest.raises(BadJob, match="set by Penstock"):
        request(headers={spell(name): "1"})


def test_an_event_needs_no_more_than_a_url() -> None:
    parsed = parse_event_params({"url": URL, "method": "post", "timeout": 3, "headers": {"X": "1"}})

    assert parsed.request == Request(method="POST", target=parse_target(URL), headers={"X": "1"})
    assert parsed.timeout == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("field", "params"),
    [
        ("method", {"method": "GET"}),
        ("params", {"params": {}}),
        ("json", {"json": {}}),
        ("body", {"body": "x"}),
        ("follow_redirects", {"follow_redirects": True}),
        ("headers.Webhook-Id", {"headers": {"Webhook-Id": "1"}}),
        ("headers.webhook-signature", {"headers": {"webhook-signature": "v1,x"}}),
        ("headers.webhook-timestamp", {"headers": {"webhook-timestamp": "1"}}),
        ("headers.Content-Type", {"headers": {"Content-Type": "text/plain"}}),
        ("headers.Host", {"headers": {"Host": "evil.test"}}),
        ("url", {"url": "http://u@a.test/"}),
    ],
)
def test_an_event_is_ours_from_end_to_end(field: str, params: JSONObject) -> None:
    with pytest.raises(BadJob) as refused:
        parse_event_params({"url": URL, **params})

    assert [error.field for error in refused.value.errors] == [field]


def test_an_event_needs_a_url() -> None:
    with pytest.raises(BadJob) as refused:
        parse_event_params({})

    assert [error.field for error in refused.value.errors] == ["url"]
