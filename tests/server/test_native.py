"""The paths under `/v1`: push, look, wait, cancel, retry, delete."""

import asyncio
from datetime import timedelta

import pytest

from penstock.job import JobId, State, describe
from penstock.serialization import JSON, JSONObject
from tests.server.conftest import Place
from tests.server.driver import Client

TARGET = "http://93.184.215.14/hook"


async def test_a_push_is_answered_with_the_job_and_its_place(place: Place, client: Client) -> None:
    answer = await client.post("/v1/jobs", {"type": "mail", "params": {"to": "a@b.c"}})

    assert answer.status == 202
    assert answer.header("location") == "/v1/jobs/1"
    assert answer.header("content-type") == "application/json"
    assert answer.json() == (await client.get("/v1/jobs/1")).json()
    told = answer.object()
    assert (told["id"], told["type"], told["state"]) == (1, "mail", "ready")
    assert (told["params"], told["callbacks"]) == ({"to": "a@b.c"}, [])
    assert told["deduplicated"] is False


async def test_every_field_of_a_push_reaches_the_store(place: Place, client: Client) -> None:
    callback: JSON = {"type": "http", "url": TARGET}
    answer = await client.post(
        "/v1/jobs",
        {
            "type": "mail",
            "params": {"to": "a@b.c"},
            "domain": "wiki",
            "context": "newsletter",
            "priority": 900,
            "run_at": "2026-12-01T02:00:00+02:00",
            "dedupe": ["to"],
            "root": {"signature": "s", "timestamp": "2026-12-01T00:00:00Z", "is_self": True},
            "max_attempts": 7,
            "timeout": 2.5,
            "callbacks": {"done": callback, "failed": callback},
        },
        [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")],
    )

    job = await place.made.job(JobId(1))
    assert answer.status == 202, answer.body
    assert answer.object()["run_at"] == "2026-12-01T00:00:00Z"
    assert answer.object()["state"] == "scheduled"
    assert (job.domain, job.details.context, job.priority) == ("wiki", "newsletter", 900)
    assert (job.max_attempts, job.details.timeout) == (7, timedelta(seconds=2.5))
    assert job.root is not None
    assert (job.root.signature, job.root.is_self) == ("s", True)
    assert [(back.on, back.report) for back in job.details.callbacks] == [
        ("done", True),
        ("failed", True),
    ]
    assert job.details.trace == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert answer.json() == (await client.get("/v1/jobs/1")).json()


async def test_a_delayed_job_is_answered_scheduled_with_its_time(client: Client) -> None:
    answer = await client.post("/v1/jobs", {"type": "mail", "delay": 90})

    told = answer.object()
    assert (told["state"], told["pushed_at"], told["run_at"]) == (
        "scheduled",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:01:30Z",
    )


async def test_a_time_that_has_passed_makes_the_job_ready(client: Client) -> None:
    answer = await client.post("/v1/jobs", {"type": "mail", "run_at": "2020-01-01T00:00:00Z"})

    assert (answer.object()["state"], answer.object()["run_at"]) == ("ready", None)
    assert answer.json() == (await client.get("/v1/jobs/1")).json()


async def test_a_command_stands_in_place_of_type_and_params(place: Place, client: Client) -> None:
    answer = await client.post(
        "/v1/jobs",
        {
            "command": {"type": "http", "url": TARGET, "params": {"a": 1}},
            "callback_done": {"type": "http", "url": TARGET},
            "delay": 5,
        },
    )

    told = answer.object()
    assert answer.status == 202, answer.body
    assert (told["type"], told["params"]) == ("http", {"url": TARGET, "params": {"a": 1}})
    [callback] = (await place.made.job(JobId(1))).details.callbacks
    assert (callback.report, callback.params) == (False, f'{{"url":"{TARGET}"}}')


async def test_a_duplicate_is_answered_with_the_waiting_job(client: Client) -> None:
    job: JSONObject = {"type": "mail", "params": {"to": "a"}, "dedupe": True}
    await client.post("/v1/jobs", {**job, "delay": 60})

    answer = await client.post("/v1/jobs", {**job, "priority": 800, "delay": 30})

    told = answer.object()
    assert (answer.status, told["deduplicated"], told["id"]) == (200, True, 1)
    assert (told["priority"], told["run_at"]) == (800, "2026-01-01T00:00:30Z")
    assert "callbacks_kept" not in told


async def test_a_duplicate_says_that_its_callbacks_were_not_kept(client: Client) -> None:
    job: JSONObject = {"type": "mail", "dedupe": True}
    await client.post("/v1/jobs", job)

    answer = await client.post(
        "/v1/jobs", {**job, "callbacks": {"done": {"type": "http", "url": TARGET}}}
    )

    assert answer.object()["callbacks_kept"] is False


async def test_a_batch_is_answered_in_its_order(client: Client) -> None:
    job: JSON = {"type": "mail", "dedupe": True}

    answer = await client.post("/v1/jobs/batch", {"jobs": [job, {"type": "mail"}, job]})

    assert answer.status == 202
    assert answer.json() == {
        "jobs": [
            {"id": 1, "deduplicated": False},
            {"id": 2, "deduplicated": False},
            {"id": 1, "deduplicated": True},
        ]
    }


async def test_a_batch_takes_commands(client: Client) -> None:
    command: JSON = {"command": {"type": "http", "url": TARGET}, "priority": 1}

    answer = await client.post("/v1/jobs/batch", {"jobs": [command]})

    assert answer.json() == {"jobs": [{"id": 1, "deduplicated": False}]}
    assert (await client.get("/v1/jobs/1")).object()["type"] == "http"


async def test_nothing_of_a_bad_atomic_batch_is_stored(client: Client) -> None:
    bad: list[JSON] = [{"type": "mail"}, {"type": "mail", "priority": "x"}, 7]

    answer = await client.post("/v1/jobs/batch", {"jobs": bad, "atomic": True})

    assert (answer.status, answer.code) == (422, "bad_job")
    assert answer.fields == ["jobs[1].priority", "jobs[2]"]
    assert (await client.get("/v1/jobs/1")).status == 404


async def test_the_good_ones_of_a_batch_go_in_where_it_is_not_atomic(client: Client) -> None:
    jobs: list[JSON] = [
        {"type": "mail", "prio": 1},
        {"type": "mail"},
        {"command": {"type": "http", "url": "http://127.0.0.1/"}},
        {"type": "mail"},
    ]

    answer = await client.post("/v1/jobs/batch", {"jobs": jobs, "atomic": False})

    entries = answer.object()["jobs"]
    assert answer.status == 202
    assert isinstance(entries, list)
    assert [entries[1], entries[3]] == [
        {"id": 1, "deduplicated": False},
        {"id": 2, "deduplicated": False},
    ]
    first, third = entries[0]["problem"], entries[2]["problem"]
    assert (first["status"], first["errors"][0]["field"]) == (422, "jobs[0].prio")
    assert (third["status"], third["errors"][0]["field"]) == (403, "jobs[2].command.url")


async def test_a_job_is_shown_with_its_result_and_its_callbacks(
    place: Place, client: Client
) -> None:
    await client.post(
        "/v1/jobs", {"type": "mail", "callbacks": {"done": {"type": "http", "url": TARGET}}}
    )
    await place.done(JobId(1), '{"sent":[1,2]}')

    told = (await client.get("/v1/jobs/1")).object()

    assert (told["state"], told["result"]) == ("done", {"sent": [1, 2]})
    assert told["callbacks"] == [{"on": "done", "job_id": 2, "state": "ready"}]


async def test_the_answer_to_a_push_has_every_field_of_a_job(place: Place, client: Client) -> None:
    answer = await client.post("/v1/jobs", {"type": "mail"})

    shown = describe(await place.made.job(JobId(1)))
    assert list(answer.object()) == [*shown, "callbacks", "deduplicated"]


async def test_a_look_that_waits_is_answered_when_the_job_has_ended(
    place: Place, client: Client
) -> None:
    await client.post("/v1/jobs", {"type": "mail"})

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(place.done(JobId(1)))  # its turn comes when the look begins to wait
        answer = await client.get("/v1/jobs/1?wait=30")

    assert answer.object()["state"] == "done"


async def test_a_look_that_waits_ends_when_its_time_is_up(client: Client) -> None:
    await client.post("/v1/jobs", {"type": "mail"})

    answer = await client.get("/v1/jobs/1?wait=0.01")

    assert (answer.status, answer.object()["state"]) == (200, "ready")


async def test_a_waiting_job_is_cancelled_and_a_claimed_one_asked(
    place: Place, client: Client
) -> None:
    for _ in range(2):
        await client.post("/v1/jobs", {"type": "mail"})
    await place.claim(JobId(2))

    waiting = await client.ask("POST", "/v1/jobs/1/cancel")
    claimed = await client.ask("POST", "/v1/jobs/2/cancel")
    again = await client.ask("POST", "/v1/jobs/1/cancel")

    assert (waiting.status, waiting.object()["state"]) == (200, "cancelled")
    assert claimed.object()["state"] == "claimed"
    assert claimed.object()["cancel_requested"] is True
    assert (again.status, again.code) == (409, "wrong_state")


async def test_a_dead_job_is_retried_and_no_other(place: Place, client: Client) -> None:
    await client.post("/v1/jobs", {"type": "mail"})
    await place.dead(JobId(1))

    answer = await client.ask("POST", "/v1/jobs/1/retry")
    again = await client.ask("POST", "/v1/jobs/1/retry")

    assert (answer.status, answer.object()["state"]) == (200, State.READY)
    assert (again.status, again.code) == (409, "wrong_state")


async def test_a_job_is_deleted_unless_it_is_claimed(place: Place, client: Client) -> None:
    for _ in range(2):
        await client.post("/v1/jobs", {"type": "mail"})
    await place.claim(JobId(2))

    answer = await client.ask("DELETE", "/v1/jobs/1")
    claimed = await client.ask("DELETE", "/v1/jobs/2")

    assert (answer.status, answer.object()["id"]) == (200, 1)
    assert (await client.get("/v1/jobs/1")).status == 404
    assert (claimed.status, claimed.code) == (409, "wrong_state")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/jobs/7"),
        ("POST", "/v1/jobs/7/cancel"),
        ("POST", "/v1/jobs/7/retry"),
        ("DELETE", "/v1/jobs/7"),
        ("GET", "/v1/jobs/9000000000000000"),
    ],
)
async def test_an_unknown_job_is_a_404(method: str, path: str, client: Client) -> None:
    answer = await client.ask(method, path)

    assert (answer.status, answer.code) == (404, "unknown_job")
    assert answer.object()["instance"] == path
