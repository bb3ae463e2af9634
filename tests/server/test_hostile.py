"""Whatever is sent, the answer is an honest 2xx or a 4xx that names the field; never a 5xx, never a stored half."""
# long: one table of what is sent

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from penstock.serialization import JSON, MAX_BYTES
from tests.server.driver import Answer, Client

FORM = "application/x-www-form-urlencoded"
TARGET = "http://93.184.215.14/"
AT_ONCE = 2.0  # seconds; the slowest takes a tenth, on two cores that others use too


@dataclass(frozen=True)
class Sent:
    """A request, and its answer."""

    body: bytes
    status: int
    field: str | None = None
    path: str = "/v1/jobs"
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


def job(**fields: JSON) -> bytes:
    """A push of a mail job with these fields."""
    return json.dumps({"type": "mail", **fields}).encode()


def raw(text: str) -> bytes:
    """A push of a mail job whose params are this text."""
    return f'{{"type":"mail","params":{text}}}'.encode("utf-8", "surrogatepass")


def legacy(**fields: JSON) -> bytes:
    """A push in the Queue Server's shape."""
    return json.dumps({"command": {"type": "mail"}, **fields}).encode()


def command(**fields: JSON) -> bytes:
    """A push of an http command in the Queue Server's shape."""
    return json.dumps({"command": {"type": "http", "url": TARGET, **fields}}).encode()


def nested(depth: int) -> str:
    """Lists in lists."""
    return "[" * depth + "]" * depth


UNREADABLE = [
    Sent(b"", 400, "body"),
    Sent(b" ", 400, "body"),
    Sent(b"{", 400, "body"),
    Sent(b"}", 400, "body"),
    Sent(b"nul", 400, "body"),
    Sent(b'{"type":"mail"', 400, "body"),
    Sent(b'{"type":"mail"}x', 400, "body"),
    Sent(b'{"type":"mail"}{"type":"mail"}', 400, "body"),
    Sent(b'{"type":"mail",}', 400, "body"),
    Sent(b"{'type':'mail'}", 400, "body"),
    Sent(b"{type:1}", 400, "body"),
    Sent(b'{"type":"mail"} // x', 400, "body"),
    Sent(b"[]", 400, "body"),
    Sent(b"[" + job() + b"]", 400, "body"),
    Sent(b"null", 400, "body"),
    Sent(b"true", 400, "body"),
    Sent(b"0", 400, "body"),
    Sent(b'"mail"', 400, "body"),
    Sent(b"type=mail", 400, "body"),
    Sent(b"<job/>", 400, "body"),
    Sent(b"\xff\xfe{\x00}\x00", 400, "body"),
    Sent(job().decode().encode("utf-16"), 400, "body"),
    Sent(job().decode().encode("utf-32"), 400, "body"),
    Sent(b"\xef\xbb\xbf" + job(), 400, "body"),
    Sent(b'{"type":"\xe9"}', 400, "body"),
    Sent(b'{"type":"\xc0\xaf"}', 400, "body"),
    Sent(b"\x00", 400, "body"),
    Sent(b"\x1f\x8b\x08" + b"\x00" * 50, 400, "body"),
    Sent(raw('"' + "\ud800" + '"'), 400, "body"),
    Sent(b'{"type":"mail","type":"mail"}', 400, "body"),
    Sent(b'{"type":"mail","\\u0074ype":"exec"}', 400, "body"),
    Sent(raw('{"a":1,"a":1}'), 400, "body"),
    Sent(raw('{"a":NaN}'), 400, "body"),
    Sent(raw('{"a":Infinity}'), 400, "body"),
    Sent(raw('{"a":-Infinity}'), 400, "body"),
    Sent(raw('{"a":1e400}'), 400, "body"),
    Sent(raw('{"a":-1e400}'), 400, "body"),
    Sent(raw('{"a":9223372036854775808}'), 400, "body"),
    Sent(raw('{"a":-9223372036854775809}'), 400, "body"),
    Sent(raw('{"a":' + "9" * 5000 + "}"), 400, "body"),
    Sent(raw('{"a":' + "-" * 5000 + "}"), 400, "body"),
    Sent(raw('{"a":01}'), 400, "body"),
    Sent(raw('{"a":+1}'), 400, "body"),
    Sent(raw('{"a":1_0}'), 400, "body"),
    Sent(raw('{"a":0x10}'), 400, "body"),
    Sent(raw('{"a":"tab\there"}'), 400, "body"),
    Sent(raw('{"a":"\\x41"}'), 400, "body"),
    Sent(raw('{"a":"\\ud800"}'), 400, "params.a"),
    Sent(raw('{"a":["x","\\udc00\\ud800"]}'), 400, "params.a[1]"),
    Sent(raw('{"\\ud800":1}'), 400, "params"),
    Sent(raw('{"a":"\\u0000"}'), 400, "params.a"),
    Sent(raw('{"a\\u0000":1}'), 400, "params"),
    Sent(raw('{"a":' + nested(31) + "}"), 400),
    Sent(raw(nested(100_000)), 400, "body"),
    Sent(b"[" * MAX_BYTES, 400, "body"),
    Sent(b'{"a":' * 100_000, 400, "body"),
    Sent(b"{" + b",".join(b'"%d":1' % n for n in range(90_000)) + b',"1":1}', 400, "body"),
    Sent(b"[" * (MAX_BYTES + 1), 413),
    Sent(b" " * (MAX_BYTES + 1), 413),
]

WRONG = [
    Sent(b"{}", 422, "type"),
    Sent(job(type=None), 422, "type"),
    Sent(job(type=""), 422, "type"),
    Sent(job(type=7), 422, "type"),
    Sent(job(type=["mail"]), 422, "type"),
    Sent(job(type={"mail": 1}), 422, "type"),
    Sent(job(type="nope"), 422, "type"),
    Sent(job(type="MAIL"), 422, "type"),
    Sent(job(type=" mail"), 422, "type"),
    Sent(job(type="mail\n"), 422, "type"),
    Sent(job(type="../mail"), 422, "type"),
    Sent(job(type="mail'; drop table job; --"), 422, "type"),
    Sent(job(type="a}{b"), 422, "type"),
    Sent(job(type="x" * 101), 422, "type"),
    Sent(job(type="x" * 100_000), 422, "type"),
    Sent(job(type="máil"), 422, "type"),
    Sent(job(type="callback"), 422, "type"),
    Sent(legacy(command={"type": "callback"}), 422, "command.type", "/jobs/add"),
    Sent(legacy(callback_done={"type": "callback"}), 422, "callback_done.type", "/jobs/add"),
    Sent(job(callbacks={"done": {"type": "callback"}}), 422, "callbacks.done.type"),
    Sent(job(domain=""), 422, "domain"),
    Sent(job(domain="a b"), 422, "domain"),
    Sent(job(domain="a\u2028b"), 422, "domain"),
    Sent(job(domain=1), 422, "domain"),
    Sent(job(context="x" * 256), 422, "context"),
    Sent(job(context={"a": "b"}), 422, "context"),
    Sent(job(params=[]), 422, "params"),
    Sent(job(params="{}"), 422, "params"),
    Sent(job(params=1), 422, "params"),
    Sent(job(priority="high"), 422, "priority"),
    Sent(job(priority="5"), 422, "priority"),
    Sent(job(priority=True), 422, "priority"),
    Sent(job(priority=5.0), 422, "priority"),
    Sent(job(priority=5.5), 422, "priority"),
    Sent(job(priority=-1), 422, "priority"),
    Sent(job(priority=1001), 422, "priority"),
    Sent(job(priority=2**63 - 1), 422, "priority"),
    Sent(job(priority=[]), 422, "priority"),
    Sent(job(delay=-1), 422, "delay"),
    Sent(job(delay="5"), 422, "delay"),
    Sent(job(delay=True), 422, "delay"),
    Sent(job(delay=1e300), 422, "delay"),
    Sent(job(delay=2**62), 422, "delay"),
    Sent(job(run_at="tomorrow"), 422, "run_at"),
    Sent(job(run_at=1767225600), 422, "run_at"),
    Sent(job(run_at="2026-12-01T00:00:00"), 422, "run_at"),
    Sent(job(run_at="2026-12-01"), 422, "run_at"),
    Sent(job(run_at="2026-13-01T00:00:00Z"), 422, "run_at"),
    Sent(job(run_at="2026-12-01T00:00:60Z"), 422, "run_at"),
    Sent(job(run_at="2026-12-01T00:00:00+99:00"), 422, "run_at"),
    Sent(job(run_at="0001-01-01T00:00:00+01:00"), 422, "run_at"),
    Sent(job(run_at="9999-12-31T23:59:59-01:00"), 422, "run_at"),
    Sent(job(run_at="٢٠٢٦-12-01T00:00:00Z"), 422, "run_at"),
    Sent(job(delay=1, run_at="2026-12-01T00:00:00Z"), 422, "run_at"),
    Sent(job(dedupe="to"), 422, "dedupe"),
    Sent(job(dedupe=1), 422, "dedupe"),
    Sent(job(dedupe={}), 422, "dedupe"),
    Sent(job(dedupe=[]), 422, "dedupe"),
    Sent(job(dedupe=["missing"]), 422, "dedupe"),
    Sent(job(dedupe=["a", 1]), 422, "dedupe[1]"),
    Sent(job(root="abc"), 422, "root"),
    Sent(job(root={}), 422, "root.signature"),
    Sent(job(root={"signature": "a"}), 422, "root.timestamp"),
    Sent(job(root={"signature": 1, "timestamp": "2026-12-01T00:00:00Z"}), 422, "root.signature"),
    Sent(job(root={"signature": "", "timestamp": "2026-12-01T00:00:00Z"}), 422, "root.signature"),
    Sent(job(root={"signature": "a", "timestamp": "now"}), 422, "root.timestamp"),
    Sent(job(root={"signature": "a", "timestmp": "now"}), 422, "root.timestmp"),
    Sent(job(max_attempts=0), 422, "max_attempts"),
    Sent(job(max_attempts=1001), 422, "max_attempts"),
    Sent(job(max_attempts="3"), 422, "max_attempts"),
    Sent(job(timeout=0), 422, "timeout"),
    Sent(job(timeout=-5), 422, "timeout"),
    Sent(job(timeout=1e18), 422, "timeout"),
    Sent(job(timeout="60"), 422, "timeout"),
    Sent(job(callbacks=[]), 422, "callbacks"),
    Sent(job(callbacks={"dead": {}}), 422, "callbacks.dead"),
    Sent(job(callbacks={"done": []}), 422, "callbacks.done"),
    Sent(job(callbacks={"done": {}}), 422, "callbacks.done.type"),
    Sent(job(callbacks={"done": {"type": "nope"}}), 422, "callbacks.done.type"),
    Sent(job(callbacks={"failed": {"type": "http"}}), 422, "callbacks.failed.url"),
    Sent(job(callback_done={"type": "http", "url": 1}), 422, "callback_done.url"),
    Sent(job(command={"type": "mail"}), 422, "type"),
    Sent(job(id=7), 422, "id"),
    Sent(job(state="done"), 422, "state"),
    Sent(job(fence=7), 422, "fence"),
    Sent(job(prioritty=7), 422, "prioritty"),
    Sent(job(**{"": 1}), 422),
    Sent(job(**{"x" * 100_000: 1}), 422),
    Sent(job(__proto__={"a": 1}), 422, "__proto__"),
    Sent(b"{" + b",".join(b'"typ%d":1' % n for n in range(80_000)) + b"}", 422, "typ0"),
    Sent(legacy(priority="high"), 422, "priority", "/jobs/add"),
    Sent(legacy(context=7), 422, "context", "/jobs/add"),
    Sent(legacy(callback_done=[]), 422, "callback_done", "/jobs/add"),
    Sent(legacy(callback_done="http://x"), 422, "callback_done", "/jobs/add"),
    Sent(legacy(callback_error={}), 422, "callback_error", "/jobs/add"),
    Sent(legacy(command="ls"), 422, "command", "/jobs/add"),
    Sent(legacy(command=[]), 422, "command", "/jobs/add"),
    Sent(legacy(command={}), 422, "command.type", "/jobs/add"),
    Sent(legacy(command={"type": ["http"]}), 422, "command.type", "/jobs/add"),
    Sent(legacy(command=None), 400, "command", "/jobs/add"),
    Sent(command(url="http://__JOBID__.example/"), 422, "command.url", "/jobs/add"),
    Sent(command(url="http://8.8.8.8\\@127.0.0.1/"), 422, "command.url", "/jobs/add"),
    Sent(command(url="file:///etc/passwd"), 422, "command.url", "/jobs/add"),
    Sent(command(url=None), 422, "command.url", "/jobs/add"),
    Sent(command(timeout="long"), 422, "command.timeout", "/jobs/add"),
    Sent(command(params=[1]), 422, "command.params", "/jobs/add"),
    Sent(command(mehtod="GET"), 422, "command.mehtod", "/jobs/add"),
    Sent(command(url="http://127.0.0.1/"), 403, "command.url", "/jobs/add"),
    Sent(command(url="http://[::ffff:127.0.0.1]/"), 403, "command.url", "/jobs/add"),
    Sent(command(url="http://169.254.169.254/"), 403, "command.url", "/jobs/add"),
    Sent(b'{"command":{"type":"exec","cmd":"/bin/sh -c id"}}', 403, None, "/jobs/add"),
]

ELSEWHERE = [
    Sent(b"{}", 422, "jobs", "/v1/jobs/batch"),
    Sent(b'{"jobs":{}}', 422, "jobs", "/v1/jobs/batch"),
    Sent(b'{"jobs":[],"atomc":true}', 422, "atomc", "/v1/jobs/batch"),
    Sent(b'{"jobs":[],"atomic":"yes"}', 422, "atomic", "/v1/jobs/batch"),
    Sent(b'{"jobs":[],"atomic":null}', 422, "atomic", "/v1/jobs/batch"),
    Sent(b'{"jobs":[null]}', 422, "jobs[0]", "/v1/jobs/batch"),
    Sent(b'{"jobs":[{"type":"mail"},[]]}', 422, "jobs[1]", "/v1/jobs/batch"),
    Sent(b'{"jobs":[{"type":"mail","root":{}}]}', 422, "jobs[0].root.signature", "/v1/jobs/batch"),
    Sent(b'{"jobs":[{"command":{}}]}', 422, "jobs[0].command.type", "/v1/jobs/batch"),
    Sent(b'{"jobs":[' + b"1," * 10_000 + b"1]}", 422, "jobs", "/v1/jobs/batch"),
    Sent(b'{"jobs":[' + b'{"typo":1},' * 9_999 + b"1]}", 422, "jobs[0].typo", "/v1/jobs/batch"),
    Sent(b"command[type]=mail&command[type]=mail", 400, "command[type]", "/jobs/add", FORM),
    Sent(b"command=mail", 422, "command", "/jobs/add", FORM),
    Sent(b"command[]=mail", 422, "command", "/jobs/add", FORM),
    Sent(b"command[type]=mail&priority=9;drop", 422, "priority", "/jobs/add", FORM),
    Sent(b"command[type]=mail&x=%00", 400, "x", "/jobs/add", FORM),
    Sent(b"command[type]=%ff", 400, "body", "/jobs/add", FORM),
    Sent(b"command" + b"[a]" * 40_000 + b"=1", 400, "body", "/jobs/add", FORM),
    Sent(b"a=1&" * 200_000, 400, "body", "/jobs/add", FORM),
    Sent(b"[" * 1_000_000, 415, None, "/jobs/add", FORM),
    Sent(b"a" * MAX_BYTES, 400, "command", "/jobs/add", FORM),
    Sent(b"--b" * 300_000, 400, "command", "/jobs/add", "multipart/form-data; boundary=b"),
    Sent(b"--b--", 400, "body", "/jobs/add", "multipart/form-data; boundary*=punycode''x"),
    Sent(b"--b--", 400, "body", "/jobs/add", f"multipart/form-data; boundary*{'9' * 5000}=b"),
    Sent(b"--b--", 400, "body", "/jobs/add", "multipart/form-data" + "; a=" * 15_000),
    Sent(job(), 415, None, type="application/json; charset=" + "x" * 5000),
    Sent(job(), 415, None, type="text/plain"),
    Sent(job(), 415, None, type="application/json, text/plain"),
    Sent(job(), 415, None, type="\xff"),
    Sent(job(), 422, "Idempotency-Key", headers=(("Idempotency-Key", ""),)),
    Sent(job(), 422, "Idempotency-Key", headers=(("Idempotency-Key", "x" * 60_000),)),
    Sent(job(), 403, None, headers=(("Origin", "http://evil.example"),)),
    Sent(job(), 403, None, headers=(("Origin", "null"),)),
    Sent(job(), 403, None, headers=(("Sec-Fetch-Site", "cross-site"),)),
]

HONEST = [
    Sent(job(), 202),
    Sent(b"\r\n\t " + job() + b" \n", 202),
    Sent(job(params={}), 202),
    Sent(job(params=None, priority=None, dedupe=None, root=None, callbacks=None), 202),
    Sent(job(params={"clef": "𝄞 🚰 \u2028 \u202e e\u0301", "q": "'\"; -- \\ %s {a}"}), 202),
    Sent(raw('{"a":"\\ud834\\udd1e"}'), 202),
    Sent(raw('{"a":9223372036854775807,"b":-9223372036854775807}'), 202),
    Sent(raw('{"a":1.7976931348623157e308,"b":-0.0,"c":5e-324}'), 202),
    Sent(raw('{"":1,"a.b":2,"a[0]":3,"__proto__":4,"constructor":5}'), 202),
    Sent(raw('{"a":' + nested(30) + "}"), 202),
    Sent(raw('{"a":"' + "x" * 70_000 + '"}'), 202),
    Sent(raw('{"a":[' + "1," * 100_000 + "1]}"), 202),
    Sent(raw('{"command":{"type":"exec"},"__JOBID__":"__JOBID__"}'), 202),
    Sent(job(priority=0), 202),
    Sent(job(priority=1000), 202),
    Sent(job(delay=0), 202),
    Sent(job(delay=0.001), 202),
    Sent(job(run_at="2026-12-01T00:00:00Z"), 202),
    Sent(job(run_at="2026-12-01t00:00:00.123456789+14:00"), 202),
    Sent(job(run_at="0001-01-01T00:00:00Z"), 202),
    Sent(job(run_at="9999-12-31T23:59:59Z"), 202),
    Sent(job(domain="a:b.c-d_E9", context="x" * 255, max_attempts=1000, timeout=0.001), 202),
    Sent(job(dedupe=True, params={"a": [{}]}), 202),
    Sent(job(dedupe=["a"], params={"a": None}), 202),
    Sent(job(root={"signature": "é" * 255, "timestamp": "2026-12-01T00:00:00-12:00"}), 202),
    Sent(job(), 202, headers=(("Idempotency-Key", "x" * 255),)),
    Sent(job(), 202, headers=(("Idempotency-Key", "é'; --"),)),
    Sent(job(), 202, headers=(("traceparent", "nonsense"),)),
    Sent(job(), 202, headers=(("X-Forwarded-For", "10.0.0.1"),)),
    Sent(job(), 202, headers=(("Authorization", "Bearer nope"),)),
    Sent(legacy(), 200, None, "/jobs/add"),
    Sent(legacy(priority=None, context=None, callback_done=None), 200, None, "/jobs/add"),
    Sent(command(url=TARGET + "?a=__JOBID__"), 200, None, "/jobs/add"),
    Sent(b"command[type]=mail&command[a][b][]=%F0%9F%9A%B0", 200, None, "/jobs/add", FORM),
    Sent(b'{"jobs":[]}', 202, None, "/v1/jobs/batch"),
    Sent(b'{"jobs":[' + job() + b"]}", 202, None, "/v1/jobs/batch"),
    Sent(b'{"jobs":[1,' + job() + b'],"atomic":false}', 202, None, "/v1/jobs/batch"),
]


def shown(sent: Sent) -> str:
    """A short name of the case."""
    return f"{sent.path} {sent.body[:40]!a}"


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len(UNREADABLE) + len(WRONG) + len(ELSEWHERE) >= 120
    assert len(HONEST) >= 30


@pytest.mark.parametrize("sent", [*UNREADABLE, *WRONG, *ELSEWHERE], ids=shown)
async def test_what_is_wrong_is_refused_by_name_and_at_once(sent: Sent, client: Client) -> None:
    begun = time.monotonic()
    answer = await _send(client, sent)
    lasted = time.monotonic() - begun

    assert answer.status == sent.status, answer.body[:500]
    assert answer.code
    if sent.field is not None:
        assert answer.fields[0] == sent.field
    assert len(answer.body) < 200_000
    assert lasted < AT_ONCE
    assert (await client.get("/v1/jobs/1")).status == 404


@pytest.mark.parametrize("sent", HONEST, ids=shown)
async def test_what_is_honest_is_taken_as_it_is(sent: Sent, client: Client) -> None:
    answer = await _send(client, sent)

    assert answer.status == sent.status, answer.body[:500]
    if sent.path == "/v1/jobs":
        params = (await client.get("/v1/jobs/1")).object()["params"]
        assert params == answer.object()["params"] == (_params(sent) or {})


PATHS = [
    *["/jobs/status/0", "/jobs/status/-1", "/jobs/status/1e3", "/jobs/status/1_000"],
    *["/jobs/status/%D9%A1", "/jobs/status/1%00", "/jobs/status/%2e%2e", "/jobs/status/%ff"],
    *["/jobs/status/9007199254740992", f"/jobs/status/{'9' * 5000}", "/jobs/status/1%0a"],
    *["/v1/jobs/0", "/v1/jobs/+1", "/v1/jobs/1abc", "/v1/jobs/%D9%A1", "/v1/jobs/1%20"],
    *["/v1/jobs/9007199254740991", "/v1/jobs/9007199254740992", f"/v1/jobs/{'9' * 5000}"],
    *["/v1/jobs/1%00", "/v1/jobs/%ff", "/v1/jobs/'; drop table job; --", "/v1/jobs/batch"],
    *["/v1/jobs/1/../2", "/v1/%2e%2e/jobs/add", "/%2e%2e/%2e%2e/etc/passwd", "/v1//jobs"],
]


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_that_leads_nowhere_is_a_404(path: str, client: Client) -> None:
    answer = await client.get(path)

    assert answer.status == 404
    if path.startswith("/v1/jobs"):
        assert answer.code in {"unknown_job", "not_found"}
    elif path.startswith("/jobs/status"):
        assert answer.json() == {"status": 404, "data": "Job not found"}


@pytest.mark.parametrize(
    "query", ["wait=", "wait=x", "wait=-1", "wait=1e9", "wait=1&wait=2", "wait=%FF"]
)
async def test_a_wait_that_is_none_is_refused_by_name(query: str, client: Client) -> None:
    await client.post("/v1/jobs", {"type": "mail"})

    answer = await client.get(f"/v1/jobs/1?{query}")

    assert (answer.status, answer.fields) == (422, ["wait"])


async def test_a_misspelt_wait_is_named(client: Client) -> None:
    await client.post("/v1/jobs", {"type": "mail"})

    answer = await client.get("/v1/jobs/1?wiat=30")

    assert (answer.status, answer.fields) == (422, ["wiat"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/jobs/1/cancel"),
        ("POST", "/v1/jobs/1/retry"),
        ("DELETE", "/v1/jobs/1"),
    ],
)
async def test_a_single_job_is_not_moved_where_more_was_asked_for(
    method: str, path: str, client: Client
) -> None:
    await client.post("/v1/jobs", {"type": "mail"})

    in_body = await client.ask(method, path, b'{"dry_run": true}')
    in_query = await client.ask(method, f"{path}?dry_run=true")
    after = (await client.get("/v1/jobs/1")).object()["state"]
    empty = await client.ask(method, path, b"{}")

    assert (in_body.status, in_body.fields) == (422, ["dry_run"])
    assert (in_query.status, in_query.fields) == (422, ["dry_run"])
    assert after == "ready"
    assert empty.status in {200, 409}


async def _send(client: Client, sent: Sent) -> Answer:
    headers = [("Content-Type", sent.type), *sent.headers]
    return await client.ask("POST", sent.path, list(_pieces(sent.body)), headers=headers)


def _pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, max(len(body), 1), 65536):
        yield body[start : start + 65536]


def _params(sent: Sent) -> JSON:
    value: JSON = json.loads(sent.body)["params"] if b'"params"' in sent.body else None
    return value
