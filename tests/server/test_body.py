"""The body of a request: its size, its media type, and the object in it."""

import json

import pytest

from penstock.serialization import JSON, MAX_BYTES
from penstock.server.body import kind_of
from tests.server.driver import Client

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
ADD, PUSH = "/jobs/add", "/v1/jobs"
COMMAND = b'{"command":{"type":"mail"}}'
PARTS = b'--b\r\nContent-Disposition: form-data; name="command[type]"\r\n\r\nmail\r\n--b--\r\n'


@pytest.mark.parametrize(
    ("path", "content_type", "body", "status"),
    [
        (PUSH, "application/json", COMMAND, 202),
        (PUSH, "Application/JSON", COMMAND, 202),
        (PUSH, "application/json;charset=utf-8", COMMAND, 202),
        (PUSH, 'application/json; charset="UTF-8"', COMMAND, 202),
        (PUSH, "application/json; q=1", COMMAND, 202),
        (PUSH, None, COMMAND, 202),
        (PUSH, "application/json; charset=latin-1", COMMAND, 415),
        (PUSH, "application/json; charset=utf-16", COMMAND, 415),
        (PUSH, "application/xml", COMMAND, 415),
        (PUSH, "text/plain", COMMAND, 415),
        (PUSH, "text/json", COMMAND, 415),
        (PUSH, "", COMMAND, 415),
        (PUSH, "*/*", COMMAND, 415),
        (PUSH, FORM, b"command[type]=mail", 415),
        (PUSH, MULTIPART, PARTS, 415),
        (ADD, "application/json", COMMAND, 200),
        (ADD, None, COMMAND, 200),
        (ADD, FORM, b"command[type]=mail", 200),
        (ADD, f"{FORM}; charset=UTF-8", b"command[type]=mail", 200),
        (ADD, MULTIPART, PARTS, 200),
        (ADD, 'multipart/form-data; boundary="b"', PARTS, 200),
        (ADD, "multipart/form-data", PARTS, 400),
        (ADD, "multipart/form-data; boundary=other", PARTS, 400),
        (ADD, "multipart/mixed; boundary=b", PARTS, 415),
        (ADD, "text/plain", COMMAND, 415),
    ],
)
async def test_a_body_is_taken_by_its_type(
    path: str, content_type: str | None, body: bytes, status: int, client: Client
) -> None:
    headers = [] if content_type is None else [("Content-Type", content_type)]

    answer = await client.ask("POST", path, body, headers=headers)

    assert answer.status == status, answer.body


@pytest.mark.parametrize("path", [ADD, PUSH])
async def test_json_that_is_called_a_form_is_told_what_to_send(path: str, client: Client) -> None:
    answer = await client.ask("POST", path, b" " + COMMAND, headers=[("Content-Type", FORM)])

    assert (answer.status, answer.code) == (415, "unsupported_media_type")
    assert "-H 'Content-Type: application/json'" in str(answer.object()["detail"])


@pytest.mark.parametrize("path", [ADD, PUSH])
@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity", ""])
async def test_an_encoded_body_is_refused(path: str, encoding: str, client: Client) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Encoding", encoding)]

    answer = await client.ask("POST", path, COMMAND, headers=headers)

    assert (answer.status, answer.code) == (415, "unsupported_media_type")


def job_of(size: int) -> bytes:
    """A push of exactly so many bytes."""
    empty = json.dumps({"command": {"type": "mail", "params": {"a": ""}}}).encode()
    return empty.replace(b'""', b'"' + b"x" * (size - len(empty)) + b'"')


@pytest.mark.parametrize("path", [ADD, PUSH])
async def test_a_body_of_exactly_the_limit_is_taken(path: str, client: Client) -> None:
    body = job_of(MAX_BYTES)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]

    answer = await client.ask("POST", path, body, headers=headers)

    assert len(body) == MAX_BYTES
    assert answer.status < 300, answer.body


@pytest.mark.parametrize("path", [ADD, PUSH, "/v1/jobs/batch"])
async def test_a_body_above_the_limit_is_refused_as_soon_as_it_says_so(
    path: str, client: Client
) -> None:
    # Nothing of the body comes: the answer must not wait for it.
    for length in (str(MAX_BYTES + 1), "9" * 5000):
        headers = [("Content-Type", "application/json"), ("Content-Length", length)]
        answer = await client.ask("POST", path, [], headers=headers)

        assert (answer.status, answer.code) == (413, "too_large")


@pytest.mark.parametrize("kind", ["application/json", FORM, MULTIPART])
async def test_a_body_above_the_limit_is_refused_though_it_does_not_say_so(
    kind: str, client: Client
) -> None:
    pieces = [b"[" * 65536] * 17

    answer = await client.ask("POST", ADD, pieces, headers=[("Content-Type", kind)])

    assert (answer.status, answer.code) == (413, "too_large")


async def test_a_body_may_come_in_pieces(client: Client) -> None:
    pieces = [bytes([byte]) for byte in COMMAND]

    answer = await client.ask("POST", PUSH, pieces)

    assert answer.status == 202


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "is empty; send a JSON object"),
        (b"[]", "is a list; send a JSON object"),
        (b"null", "is null; send a JSON object"),
        (b'"a"', "is text; send a JSON object"),
        (b"true", "is a boolean; send a JSON object"),
        (b"1.5", "is a number; send a JSON object"),
    ],
)
async def test_a_body_that_is_no_object_is_told_what_it_is(
    body: bytes, detail: str, client: Client
) -> None:
    answer = await client.ask("POST", PUSH, body)

    assert (answer.status, answer.code) == (400, "unreadable")
    assert answer.object()["errors"] == [{"field": "body", "detail": detail}]


async def test_the_place_in_an_unreadable_body_is_named(client: Client) -> None:
    answer = await client.ask("POST", PUSH, b'{"type": "mail", "params": {"a": ["\\ud800"]}}')

    assert (answer.status, answer.fields) == (400, ["params.a[0]"])


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (False, "a boolean"),
        (0, "a number"),
        (0.5, "a number"),
        ("", "text"),
        ([], "a list"),
        ({}, "an object"),
    ],
)
def test_values_are_called_as_json_calls_them(value: JSON, name: str) -> None:
    assert kind_of(value) == name
