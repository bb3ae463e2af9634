"""Whatever a remote worker sends, the answer is an honest 2xx or a 4xx that names the field; nothing is moved."""

import json
import time
from dataclasses import dataclass

import pytest

from penstock.serialization import JSON, MAX_BYTES
from tests.server.conftest import Place
from tests.server.driver import Client

AT_ONCE = 2.0  # seconds; the slowest takes a tenth, on two cores that others use too
ENDS = ("ack", "retry", "bury", "release", "renew")
ERROR: dict[str, JSON] = {"error": "x"}


@dataclass(frozen=True)
class Sent:
    """A request, and its answer."""

    path: str
    body: bytes
    status: int
    field: str | None = None
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()


def wish(status: int = 422, field: str | None = None, **fields: JSON) -> Sent:
    """A claim of remote jobs with these fields."""
    body = {"types": ["nothing"], **fields}
    return Sent("/v1/claims", json.dumps(body).encode(), status, field)


def end(verb: str, status: int, field: str | None, value: JSON) -> Sent:
    """An end of claims."""
    return Sent(f"/v1/claims/{verb}", json.dumps(value).encode(), status, field)


def progress(status: int, field: str | None, **fields: JSON) -> Sent:
    """The progress of the claimed job."""
    body = json.dumps({"percent": 5, **fields}).encode()
    return Sent("/v1/jobs/1/progress", body, status, field, "PUT")


def raw(path: str, body: bytes, status: int, field: str | None = "body") -> Sent:
    """These bytes."""
    return Sent(path, body, status, field)


EVERYWHERE = [
    sent
    for path in ("/v1/claims", *(f"/v1/claims/{verb}" for verb in ENDS))
    for sent in (
        raw(path, b"", 400),
        raw(path, b"[]", 400),
        raw(path, b'"claim"', 400),
        raw(path, b'{"claim":"a","claim":"b"}', 400),
        raw(path, b'{"claim":"\\u0000"}', 400, "claim"),
        raw(path, b'{"claim":"\\ud800"}', 400, "claim"),
        raw(path, b'{"claims":' + b"[" * 100_000, 400),
        raw(path, b" " * (MAX_BYTES + 1), 413, None),
        raw(path, b"{}", 422, None),
        Sent(path, b'{"claim":"a"}', 403, None, headers=(("Origin", "http://evil.example"),)),
        Sent(path, b'{"claim":"a"}', 403, None, headers=(("Sec-Fetch-Site", "cross-site"),)),
        Sent(path, b"claim=a", 415, None, headers=(("Content-Type", "text/plain"),)),
    )
]

WISHES = [
    wish(422, "types", types=None),
    wish(422, "types", types="mail"),
    wish(422, "types", types={}),
    wish(422, "types", types=[]),
    wish(422, "types", types=["t"] * 101),
    wish(422, "types", types=["t"] * 100_000),
    wish(422, "types[0]", types=[""]),
    wish(422, "types[0]", types=[None]),
    wish(422, "types[1]", types=["mail", 7]),
    wish(422, "types[1]", types=["mail", "x" * 101]),
    wish(422, "types[0]", types=["x" * 500_000]),
    wish(422, "types[0]", types=["*"]),
    wish(422, "types[0]", types=["'; drop table job; --"]),
    wish(422, "types[0]", types=["callback"]),
    wish(422, "domains", domains="acme"),
    wish(422, "domains", domains=[]),
    wish(422, "domains[0]", domains=["a b"]),
    wish(422, "domains", domains=["d"] * 101),
    wish(422, "limit", limit=0),
    wish(422, "limit", limit=-1),
    wish(422, "limit", limit=1001),
    wish(422, "limit", limit=2**62),
    wish(422, "limit", limit=1.5),
    wish(422, "limit", limit=True),
    wish(422, "limit", limit="1"),
    wish(422, "ttl", ttl=0),
    wish(422, "ttl", ttl=0.999),
    wish(422, "ttl", ttl=3600.1),
    wish(422, "ttl", ttl=1e300),
    wish(422, "ttl", ttl="30"),
    wish(422, "ttl", ttl=[30]),
    wish(422, "wait", wait=-1),
    wish(422, "wait", wait=60.1),
    wish(422, "wait", wait="20"),
    wish(422, "wait", wait=True),
    wish(422, "worker", worker=""),
    wish(422, "worker", worker="x" * 256),
    wish(422, "worker", worker=7),
    wish(422, "wiat", wiat=1),
    raw("/v1/claims", b'{"types":["a"],"wait":1e400}', 400),
    raw("/v1/claims", b'{"types":["a"],"wait":NaN}', 400),
]

WRONG = [
    *[end(verb, 422, "claims", {"claims": None}) for verb in ENDS],
    *[end(verb, 422, "claims", {"claims": {"claim": "a"}}) for verb in ENDS],
    *[end(verb, 422, "claims", {"claims": [{"claim": "a"}] * 1001}) for verb in ENDS],
    *[end(verb, 422, "claims[0]", {"claims": ["a"]}) for verb in ENDS],
    *[end(verb, 422, "claims[0].claim", {"claims": [{"claim": 7, **ERROR}]}) for verb in ENDS[1:3]],
    *[end(verb, 422, "claim", {"claim": ["a"], **ERROR}) for verb in ENDS[1:3]],
    *[end(verb, 422, "error", {"claim": "a", "error": 7}) for verb in ENDS[1:3]],
    *[end(verb, 422, "error", {"claim": "a", "error": "x" * 8193}) for verb in ENDS[1:3]],
    *[end(verb, 422, "after", {"claim": "a", **ERROR, "after": -0.1}) for verb in ENDS[1:3]],
    *[end(verb, 422, "after", {"claim": "a", **ERROR, "after": True}) for verb in ENDS[1:3]],
    *[end(verb, 422, "after", {"claim": "a", **ERROR, "after": 1e300}) for verb in ENDS[1:3]],
    end("ack", 422, "error", {"claim": "a", "error": "x"}),
    end("release", 422, "error", {"claim": "a", "error": "x"}),
    end("release", 422, "after", {"claim": "a", "after": "1"}),
    end("ack", 422, "after", {"claim": "a", "after": 1}),
    end("renew", 422, "ttl", {"claim": "a", "ttl": 0}),
    end("renew", 422, "ttl", {"claim": "a", "ttl": 3601}),
    end("renew", 422, "ttl", {"claims": [{"claim": "a"}], "ttl": "30"}),
    end(
        "retry", 422, "claims[1].error", {"claims": [{"claim": "a", "error": "x"}, {"claim": "b"}]}
    ),
    end("ack", 422, "result", {"claims": [{"claim": "a"}], "result": 1}),
    progress(422, "percent", percent=None),
    progress(422, "percent", percent="5"),
    progress(422, "percent", percent=True),
    progress(422, "percent", percent=-1),
    progress(422, "percent", percent=101),
    progress(422, "percent", percent=1e308),
    progress(422, "message", message="x" * 1001),
    progress(422, "message", message=["x"]),
    progress(422, "claim", claim=7),
    progress(422, "done", done=True),
    progress(409, None, claim=""),
    progress(409, None, claim="A" * 32),
    progress(409, None, claim="x" * 100_000),
]

CLAIMS: list[JSON] = [
    *["", "a", "A" * 32, "=" * 32, "../../etc/passwd", "'; drop table job; --", "é", "𝄞" * 32],
    *["x" * 100_000, "-" * 32, "_" * 32, "AAAAAAAAAAEAAAAAAAAAAQAAAAAAAAAA", "1", "null"],
]


@pytest.fixture
async def client(place: Place) -> Client:
    """A client of a server with one claimed job."""
    await place.client.post("/v1/jobs", {"type": "remote"})
    await place.client.post("/v1/claims", {"types": ["remote"], "ttl": 3600})
    return place.client


def shown(sent: Sent) -> str:
    """A short name of the case."""
    return f"{sent.path} {sent.body[:40]!a}"


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len(EVERYWHERE) + len(WISHES) + len(WRONG) >= 120


@pytest.mark.parametrize("sent", [*EVERYWHERE, *WISHES, *WRONG], ids=shown)
async def test_what_is_wrong_is_refused_by_name_and_at_once(sent: Sent, client: Client) -> None:
    before = await client.get("/v1/jobs/1")
    begun = time.monotonic()
    headers = sent.headers or (("Content-Type", "application/json"),)
    answer = await client.ask(sent.method, sent.path, sent.body, headers=headers)
    lasted = time.monotonic() - begun

    assert answer.status == sent.status, answer.body[:500]
    assert answer.code
    if sent.field is not None:
        assert answer.fields[0] == sent.field
    assert len(answer.body) < 200_000
    assert lasted < AT_ONCE
    assert (await client.get("/v1/jobs/1")).body == before.body


@pytest.mark.parametrize("verb", ENDS)
async def test_texts_that_name_no_claim_are_false_each_in_its_place(
    verb: str, client: Client
) -> None:
    said = ERROR if verb in {"retry", "bury"} else {}
    before = await client.get("/v1/jobs/1")

    answer = await client.post(
        f"/v1/claims/{verb}", {"claims": [{"claim": text, **said} for text in CLAIMS]}
    )

    assert answer.status == 200, answer.body[:500]
    assert answer.object()["held"] == [False] * len(CLAIMS)
    assert (await client.get("/v1/jobs/1")).body == before.body


async def test_the_most_that_may_be_sent_is_answered_at_once(client: Client) -> None:
    body: JSON = {"claims": [{"claim": f"{n:032}", "result": [n] * 100} for n in range(1000)]}

    begun = time.monotonic()
    answer = await client.post("/v1/claims/ack", body)

    assert answer.object()["held"] == [False] * 1000
    assert time.monotonic() - begun < AT_ONCE
