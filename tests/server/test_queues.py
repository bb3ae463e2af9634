"""The paths under `/v1/queues`: look, pause, resume."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from penstock.conformance.builders import put, want
from penstock.job import NewJob, QueueKey, State
from penstock.serialization import JSON
from tests.installation import running
from tests.server.conftest import Pair, Place
from tests.server.driver import Answer, Client

MAIL, SMS = QueueKey("default", "mail"), QueueKey("wiki", "sms")
BACK = QueueKey("default", "callback")
NONE = {state.value: 0 for state in State}
POLICY: JSON = {
    "max_attempts": 3,
    "backoff": {"first": 5.0, "factor": 3.0, "most": 3600.0, "jitter": 0.2},
    "timeout": 3600.0,
    "ttl": 15.0,
    "order": "priority",
    "delivery": "at_least_once",
    "keep_done": 86400.0,
    "keep_dead": 604800.0,
}


def paused(answer: Answer) -> JSON:
    """Whether the queue is paused."""
    assert answer.status == 200, answer.body
    return answer.object()["paused"]


async def test_a_queue_is_shown_with_all_its_states(pair: Pair) -> None:
    for state in State:
        await put(pair.second, state, NewJob(queue=SMS))

    answer = await pair.client.get("/v1/queues/wiki/sms")

    assert answer.json() == {
        "domain": "wiki",
        "type": "sms",
        "store": "disk",
        "engine": "sqlite",
        "paused": False,
        "counts": dict.fromkeys(State, 1),
        "oldest_ready_seconds": 0.0,
        "policy": POLICY,
    }


async def test_a_queue_that_was_never_used_is_shown_with_zeros(pair: Pair) -> None:
    answer = await pair.client.get("/v1/queues/no:where/not.yet")

    told = answer.object()
    assert (answer.status, told["counts"], told["oldest_ready_seconds"]) == (200, NONE, None)
    assert (told["store"], told["engine"], told["paused"]) == ("main", "memory", False)
    assert (await pair.client.get("/v1/queues")).json() == {"queues": []}


async def test_the_time_that_the_first_ready_job_waits_is_told_in_seconds(
    place: Place, client: Client
) -> None:
    await client.post("/v1/jobs", {"type": "mail"})
    place.made.clock.tick(timedelta(seconds=2.5))

    assert (await client.get("/v1/queues/default/mail")).object()["oldest_ready_seconds"] == 2.5


async def test_all_queues_are_listed_by_domain_and_type(pair: Pair) -> None:
    await pair.second.push([NewJob(queue=SMS), NewJob(queue=BACK)])
    await pair.first.push([NewJob(queue=MAIL), NewJob(queue=BACK), NewJob(queue=BACK)])
    await pair.client.ask("POST", "/v1/queues/a/mail/pause")

    told = (await pair.client.get("/v1/queues")).object()["queues"]

    assert isinstance(told, list)
    queues = [queue for queue in told if isinstance(queue, Mapping)]
    assert [(q["domain"], q["type"], q["store"], q["paused"]) for q in queues] == [
        ("a", "mail", "main", True),
        ("default", "callback", "disk", False),
        ("default", "callback", "main", False),
        ("default", "mail", "main", False),
        ("wiki", "sms", "disk", False),
    ]
    one = await pair.client.get("/v1/queues/wiki/sms")
    assert queues[-1] == one.json()


async def test_callbacks_of_all_stores_are_one_queue(pair: Pair) -> None:
    await pair.second.push([NewJob(queue=BACK)])
    await pair.first.push([NewJob(queue=BACK)])

    told = (await pair.client.get("/v1/queues/default/callback")).object()

    assert (told["store"], told["engine"]) == (None, None)
    assert told["counts"] == {**NONE, "ready": 2}
    policy = told["policy"]
    assert isinstance(policy, Mapping)
    assert (policy["max_attempts"], policy["backoff"]) == (
        10,
        {"steps": [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400], "jitter": 0.2},
    )


async def test_a_paused_queue_takes_jobs_and_gives_none_until_it_is_resumed(pair: Pair) -> None:
    pause = await pair.client.ask("POST", "/v1/queues/wiki/sms/pause")
    push = await pair.client.post("/v1/jobs", {"type": "sms", "domain": "wiki"})
    nothing = await pair.second.claim([want(SMS)], "w1")
    resume = await pair.client.ask("POST", "/v1/queues/wiki/sms/resume")
    job = await pair.second.claim([want(SMS)], "w1")

    assert (paused(pause), push.status, nothing.claims) == (True, 202, [])
    assert (paused(resume), len(job.claims)) == (False, 1)
    assert resume.json() == {
        **pause.object(),
        "paused": False,
        "counts": {**NONE, "ready": 1},
        "oldest_ready_seconds": 0.0,
    }


async def test_a_runner_leaves_a_paused_queue_alone_until_it_is_resumed(
    place: Place, client: Client
) -> None:
    await client.ask("POST", "/v1/queues/default/mail/pause")
    await client.post("/v1/jobs", {"type": "mail", "priority": 1000})
    await client.post("/v1/jobs", {"type": "mail", "domain": "wiki", "priority": 0})

    async with running(place.made.runner()):
        beside = await client.get("/v1/jobs/2?wait=30")
        waiting = await client.get("/v1/jobs/1")
        reasons = await client.get("/v1/jobs/1/explain")
        await client.ask("POST", "/v1/queues/default/mail/resume")
        resumed = await client.get("/v1/jobs/1?wait=30")

    assert [answer.object()["state"] for answer in (beside, waiting, resumed)] == [
        "done",
        "ready",
        "done",
    ]
    told = reasons.object()["reasons"]
    assert isinstance(told, list)
    assert [reason["code"] for reason in told if isinstance(reason, Mapping)] == ["paused"]


async def test_a_pause_leaves_other_queues_alone(pair: Pair) -> None:
    beside = [QueueKey("default", "sms"), QueueKey("wiki", "mail")]
    await pair.second.push([NewJob(queue=beside[0])])

    await pair.client.ask("POST", "/v1/queues/wiki/sms/pause")

    for key in beside:
        assert paused(await pair.client.get(f"/v1/queues/{key}")) is False
    assert len((await pair.second.claim([want(beside[0])], "w1")).claims) == 1


async def test_callbacks_are_paused_and_resumed_in_every_store(pair: Pair) -> None:
    pause = await pair.client.ask("POST", "/v1/queues/default/callback/pause")
    stopped = [await engine.paused() for engine in pair.engines]
    resume = await pair.client.ask("POST", "/v1/queues/default/callback/resume")

    assert (paused(pause), paused(resume)) == (True, False)
    assert stopped == [frozenset({BACK})] * 2
    assert [await engine.paused() for engine in pair.engines] == [frozenset()] * 2


async def test_a_pause_is_there_after_a_restart(pair: Pair) -> None:
    await pair.client.ask("POST", "/v1/queues/wiki/sms/pause")

    await pair.second.close()
    await pair.second.open()

    assert paused(await pair.client.get("/v1/queues/wiki/sms")) is True


async def test_to_pause_twice_and_two_at_once_is_to_pause(pair: Pair) -> None:
    path = "/v1/queues/wiki/sms/pause"

    answers = [
        await pair.client.ask("POST", path),
        *await asyncio.gather(pair.client.ask("POST", path), pair.client.ask("POST", path)),
    ]

    assert [paused(answer) for answer in answers] == [True] * 3
    assert await pair.second.paused() == {SMS}


@pytest.mark.parametrize("action", ["pause", "resume"])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", None),
        (b"", "application/json"),
        (b"", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b" {} ", None),
        (b"null", "application/json"),
    ],
)
async def test_no_body_or_an_empty_one_is_taken(
    action: str, body: bytes, content_type: str | None, client: Client
) -> None:
    headers = [] if content_type is None else [("Content-Type", content_type)]

    answer = await client.ask("POST", f"/v1/queues/a/mail/{action}", body, headers=headers)

    assert paused(answer) is (action == "pause")


@pytest.mark.parametrize("action", ["pause", "resume"])
async def test_no_parameter_is_taken(action: str, client: Client) -> None:
    answer = await client.ask("POST", f"/v1/queues/a/mail/{action}?domain=b")

    assert (answer.status, answer.fields) == (422, ["domain"])


@pytest.mark.parametrize("action", ["pause", "resume"])
@pytest.mark.parametrize(
    ("body", "content_type", "status", "field"),
    [
        (b'{"domain":"b"}', "application/json", 422, "domain"),
        (b'{"":null}', "application/json", 422, ""),
        (b"[]", "application/json", 400, "body"),
        (b"null", "text/plain", 415, None),
        (b" ", "application/json", 400, "body"),
        (b"{", "application/json", 400, "body"),
        (b"{}", "text/plain", 415, None),
        (b"{}", "application/x-www-form-urlencoded", 415, None),
        (b"a=1", "application/x-www-form-urlencoded", 415, None),
        (b" " * 1_048_577, "application/json", 413, None),
    ],
)
async def test_any_other_body_is_refused(
    *,
    action: str,
    body: bytes,
    content_type: str,
    status: int,
    field: str | None,
    pair: Pair,
) -> None:
    path = f"/v1/queues/wiki/sms/{action}"
    headers = [("Content-Type", content_type)]
    await pair.second.pause([SMS] if action == "resume" else [])

    answer = await pair.client.ask("POST", path, body, headers=headers)

    assert (answer.status, answer.fields[:1]) == (status, [] if field is None else [field])
    assert await pair.second.paused() == ({SMS} if action == "resume" else set())


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("a%20b/mail", ["domain"]),
        ("a/b%20c", ["type"]),
        ("%00/%ff", ["domain", "type"]),
        ("'; drop table job; --/mail", ["domain"]),
        (f"{'x' * 101}/{'y' * 5000}", ["domain", "type"]),
        ("%D9%A1/mail", ["domain"]),
        (".a/mail", ["domain"]),
        ("a/mail%0a", ["type"]),
    ],
)
async def test_a_name_that_is_none_is_refused(path: str, fields: list[str], pair: Pair) -> None:
    answers = [
        await pair.client.get(f"/v1/queues/{path}"),
        await pair.client.ask("POST", f"/v1/queues/{path}/pause"),
        await pair.client.ask("POST", f"/v1/queues/{path}/resume"),
    ]

    assert [(answer.status, answer.fields) for answer in answers] == [(422, fields)] * 3
    assert await pair.first.paused() == frozenset()


@pytest.mark.parametrize("path", ["/v1/queues", "/v1/queues/default/mail"])
async def test_queues_take_no_parameters(path: str, client: Client) -> None:
    answer = await client.get(f"{path}?domain=a")

    assert (answer.status, answer.fields) == (422, ["domain"])


@pytest.mark.parametrize("action", ["pause", "resume"])
async def test_a_page_of_another_origin_pauses_nothing(action: str, pair: Pair) -> None:
    answer = await pair.client.ask(
        "POST", f"/v1/queues/wiki/sms/{action}", headers=[("Origin", "http://evil.example")]
    )

    assert answer.status == 403
    assert await pair.second.paused() == frozenset()
