"""http commands, against a real server."""

import asyncio
from datetime import timedelta

import pytest

from penstock.commands.http import HttpCommand
from penstock.errors import BadJob, Bury, Cancel, JobFailed
from penstock.policy import MAX_RESULT
from penstock.serialization import JSON, JSONObject, encode
from tests.commands.jobs import UUID, context, http_command
from tests.commands.targets import Target, saying

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_a_success_is_told_with_what_the_target_said(
    http: HttpCommand, target: Target
) -> None:
    target.reply(200, b"hello", Content_Type="text/plain")

    result = await http.run(context({"url": f"{target.url}/delay/10"}))

    assert isinstance(result, dict)
    assert sorted(result) == ["body", "headers", "status", "truncated"]
    assert (result["status"], result["body"], result["truncated"]) == (200, "hello", False)
    assert result["headers"]["content-type"] == "text/plain"


async def test_the_example_of_the_queue_server_is_sent_as_meant(
    http: HttpCommand, target: Target
) -> None:
    params: JSONObject = {
        "url": f"{target.url}/delay/10",
        "method": "GET",
        "timeout": 20,
        "params": {"username": "michael"},
    }

    http.check(params)
    await http.run(context(params))

    [seen] = target.seen
    assert (seen.method, seen.path, seen.body) == ("GET", "/delay/10?username=michael", b"")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_arrives(method: str, http: HttpCommand, target: Target) -> None:
    await http.run(context({"url": target.url, "method": method.lower()}))

    assert target.seen[0].method == method


@pytest.mark.parametrize(
    ("params", "content_type", "body"),
    [
        ({"params": {"a": 1}}, "application/x-www-form-urlencoded", b"a=1"),
        ({"json": {"a": 1}}, "application/json", b'{"a":1}'),
        ({"body": "ä"}, "text/plain; charset=utf-8", "ä".encode()),
        ({"body": "<a/>", "headers": {"Content-Type": "text/xml"}}, "text/xml", b"<a/>"),
    ],
)
async def test_a_body_arrives_with_its_type(
    params: JSONObject, content_type: str, body: bytes, http: HttpCommand, target: Target
) -> None:
    await http.run(context({"url": target.url, "method": "POST", **params}))

    [seen] = target.seen
    assert (seen.headers["content-type"], seen.body) == (content_type, body)
    assert seen.headers["content-length"] == str(len(body))


async def test_the_target_is_told_which_job_asks(http: HttpCommand, target: Target) -> None:
    params: JSONObject = {"url": target.url, "headers": {"X-Mine": "yes"}}

    await http.run(context(params, id=42, attempt=2, trace=TRACE))

    headers = target.seen[0].headers
    assert headers["user-agent"] == "penstock/1.2.3"
    assert headers["job-id"] == "42"
    assert headers["job-attempt"] == "2"
    assert headers["job-type"] == "http"
    assert headers["idempotency-key"] == f"{UUID}-42"
    assert headers["traceparent"] == TRACE
    assert headers["x-mine"] == "yes"


@pytest.mark.parametrize("trace", [None, "", "nonsense", f"{TRACE}\r\nX: y", TRACE.upper()])
async def test_a_trace_that_is_none_is_not_sent(
    trace: str | None, http: HttpCommand, target: Target
) -> None:
    await http.run(context({"url": target.url}, trace=trace))

    assert "traceparent" not in target.seen[0].headers
    assert "x" not in target.seen[0].headers


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_every_2xx_is_a_success(status: int, http: HttpCommand, target: Target) -> None:
    target.reply(status)

    result = await http.run(context({"url": target.url}))

    assert isinstance(result, dict)
    assert result["status"] == status


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(status: int, http: HttpCommand, target: Target) -> None:
    target.reply(status, b"later")

    with pytest.raises(JobFailed, match=str(status)) as failed:
        await http.run(context({"url": f"{target.url}/?secret=1"}))

    assert type(failed.value) is JobFailed
    assert failed.value.after is None
    assert isinstance(failed.value.result, dict)
    assert failed.value.result["body"] == "later"
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 400, 401, 403, 404, 410, 422])
async def test_other_answers_are_final_and_kept(
    status: int, http: HttpCommand, target: Target
) -> None:
    target.reply(status, b"" if status == 304 else b"no", Location="/other")

    with pytest.raises(Bury, match=str(status)) as buried:
        await http.run(context({"url": target.url}))

    assert isinstance(buried.value.result, dict)
    assert buried.value.result["status"] == status
    assert len(target.seen) == 1


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("30", 30), ("7200", 3600), ("Sun, 22 Nov 2026 12:00:45 GMT", 45)],
)
@pytest.mark.parametrize("status", [429, 503, 500])
async def test_a_target_says_when_to_come_back(
    status: int, asked: str, seconds: int, http: HttpCommand, target: Target
) -> None:
    target.reply(status, Retry_After=asked)

    with pytest.raises(JobFailed) as failed:
        await http.run(context({"url": target.url}))

    assert failed.value.after == timedelta(seconds=seconds)


async def test_a_silent_target_is_left_at_the_deadline(http: HttpCommand, target: Target) -> None:
    target.silent = True

    with pytest.raises(JobFailed, match=r"within 0\.2 s") as failed:
        await http.run(context({"url": target.url, "timeout": 0.2}))

    assert type(failed.value) is JobFailed


async def test_without_a_timeout_of_its_own_the_command_has_the_jobs(
    http: HttpCommand, target: Target
) -> None:
    target.silent = True

    with pytest.raises(JobFailed, match=r"within 0\.2 s"):
        await http.run(context({"url": target.url}, timeout=timedelta(seconds=0.2)))
    with pytest.raises(JobFailed, match=r"within 0\.1 s"):
        await http.run(context({"url": target.url, "timeout": 0.1}, timeout=timedelta(seconds=60)))


async def test_the_deadline_counts_the_body_too(http: HttpCommand) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning"
    async with saying(head, then_hang=True) as port:
        with pytest.raises(JobFailed, match=r"within 0\.2 s"):
            await http.run(context({"url": f"http://127.0.0.1:{port}/", "timeout": 0.2}))


async def test_the_deadline_counts_all_redirects_together(
    http: HttpCommand, target: Target
) -> None:
    target.reply(302, Location="/next")
    slow = context({"url": target.url, "timeout": 0.3, "follow_redirects": True})

    running = asyncio.ensure_future(http.run(slow))
    await target.arrived.wait()
    target.silent = True

    with pytest.raises(JobFailed, match=r"within 0\.3 s"):
        await running


async def test_a_cancelled_job_stops_waiting(http: HttpCommand, target: Target) -> None:
    target.silent = True
    job = context({"url": target.url, "timeout": 60})
    running = asyncio.ensure_future(http.run(job))
    await target.arrived.wait()

    job.cancelled.set()

    with pytest.raises(Cancel):
        await running


async def test_a_stopping_runner_stops_it(http: HttpCommand, target: Target) -> None:
    target.silent = True
    running = asyncio.ensure_future(http.run(context({"url": target.url, "timeout": 60})))
    await target.arrived.wait()

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running


async def test_redirects_are_followed_only_when_the_command_says_so(
    http: HttpCommand, target: Target
) -> None:
    target.reply(302, Location="/b")
    params: JSONObject = {
        "url": f"{target.url}/a",
        "method": "POST",
        "json": {},
        "follow_redirects": True,
    }

    await http.run(context(params))

    assert [(seen.method, seen.path) for seen in target.seen] == [("POST", "/a"), ("GET", "/b")]
    assert target.seen[1].body == b""
    assert "content-type" not in target.seen[1].headers
    assert target.seen[1].headers["job-id"] == "7"


@pytest.mark.parametrize(
    ("params", "fields"),
    [
        ({}, ["url"]),
        ({"url": "http://a.test/", "timout": 5}, ["timout"]),
        ({"url": "nothing", "method": 5, "timeout": "x"}, ["method", "timeout", "url"]),
        ({"url": "http://a.test/", "headers": {"Host": "b.test"}}, ["headers.Host"]),
    ],
)
def test_wrong_fields_are_refused_at_the_push(params: JSONObject, fields: list[str]) -> None:
    with pytest.raises(BadJob) as refused:
        http_command().check(params)

    assert sorted(error.field for error in refused.value.errors) == fields


@pytest.mark.parametrize(
    ("asked", "seconds"), [({}, 12), ({"timeout": 20}, 22), ({"timeout": "wrong"}, 12)]
)
def test_the_job_has_a_little_longer_than_the_command(asked: JSONObject, seconds: int) -> None:
    params: dict[str, JSON] = {"url": "http://a.test/", **asked}

    assert http_command().timeout(params) == timedelta(seconds=seconds)


async def test_a_huge_answer_is_kept_as_far_as_it_may_be(http: HttpCommand, target: Target) -> None:
    target.reply(200, b"x" * 2_000_000)

    result = await http.run(context({"url": target.url}))

    assert isinstance(result, dict)
    assert result["truncated"] is True
    assert MAX_RESULT - 10 < len(encode(result).encode()) <= MAX_RESULT
