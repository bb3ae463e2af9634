"""The Queue Server's paths, case by case as they were measured on the original.

`KEPT` answers as the original did, but that numbers are numbers. `DIFFERENT` are our deliberate differences.
"""

from dataclasses import dataclass

import pytest

from penstock.job import JobId, Move, Presence
from penstock.policy import Outcome
from penstock.serialization import JSON, JSONObject
from tests.server.conftest import TTL, VERSION, Place
from tests.server.driver import Client

TARGET = "http://93.184.215.14"
FORM = "application/x-www-form-urlencoded"
FULL: JSONObject = {
    "priority": 800,
    "context": "MyCoolApp",
    "command": {
        "type": "http",
        "url": f"{TARGET}/delay/1",
        "method": "GET",
        "timeout": 20,
        "params": {"username": "michael"},
    },
    "callback_done": {"type": "http", "url": f"{TARGET}/get?job=done", "method": "GET"},
}


@dataclass(frozen=True)
class Case:
    """A request, and the answer to it."""

    method: str
    path: str
    status: int
    told: JSON  # the body, or the code of a problem
    sent: str = ""
    type: str = "application/json"
    allow: str | None = None


KEPT = [
    Case("GET", "/", 200, {"version": VERSION, "status": "running"}),
    Case(
        "GET",
        "/jobs/status",
        200,
        {
            "status": 200,
            "data": {"waiting": 0, "working": 0, "max_threads": 0, "free_threads": 0},
        },
    ),
    Case("POST", "/jobs/add", 200, {"status": "OK", "job_id": 1}, '{"command": {"type": "mail"}}'),
    Case(
        "POST",
        "/jobs/add",
        200,
        {"status": "OK", "job_id": 1},
        f"priority=7&context=form&command[type]=http&command[url]={TARGET}/form",
        FORM,
    ),
    Case(
        "POST",
        "/jobs/add",
        200,
        {"status": "OK", "job_id": 1},
        '{"priority": null, "context": null, "command": {"type": "mail"}}',
    ),
    Case("GET", "/jobs/status/999", 404, {"status": 404, "data": "Job not found"}),
    Case("GET", "/jobs/status/abc", 404, {"status": 404, "data": "Job not found"}),
    Case(
        "GET",
        "/jobs/add",
        405,
        {"message": "Method not allowed. Must be one of: POST"},
        allow="POST",
    ),
    Case("GET", "/jobs/get/1", 404, {"message": "Not found"}),
    Case("GET", "/jobs/status/", 404, {"message": "Not found"}),
    Case("GET", "/jobs/add/", 404, {"message": "Not found"}),
    Case(
        "DELETE",
        "/jobs/status/1",
        405,
        {"message": "Method not allowed. Must be one of: GET"},
        allow="GET",
    ),
]

DIFFERENT = [
    # The original took all of these, and lost the job or let it hang.
    Case("POST", "/jobs/add", 400, "unreadable", '{"command":'),
    Case("POST", "/jobs/add", 400, "unreadable", ""),
    Case("POST", "/jobs/add", 400, "unreadable", "{}"),
    Case("POST", "/jobs/add", 400, "unreadable", '[{"command": {"type": "mail"}}]'),
    Case("POST", "/jobs/add", 415, "unsupported_media_type", '{"command": {}}', "text/plain"),
    Case("POST", "/jobs/add", 415, "unsupported_media_type", "<command/>", "text/xml"),
    Case("POST", "/jobs/add", 422, "unknown_type", '{"command": {"type": "ftp", "url": "x"}}'),
    Case("POST", "/jobs/add", 422, "unknown_type", '{"command": {"type": "HTTP", "url": "x"}}'),
    Case("POST", "/jobs/add", 422, "bad_job", '{"priority": "high", "command": {"type": "mail"}}'),
    Case("POST", "/jobs/add", 422, "bad_job", '{"priority": -5, "command": {"type": "mail"}}'),
    # It ignored what it did not know, so that nobody saw his own typing error.
    Case("POST", "/jobs/add", 422, "bad_job", '{"command": {"type": "mail"}, "callback": {}}'),
    # It ran any program and reached any address.
    Case(
        "POST", "/jobs/add", 403, "not_allowed", '{"command": {"type": "exec", "cmd": "/bin/ls"}}'
    ),
    Case(
        "POST",
        "/jobs/add",
        403,
        "not_allowed",
        '{"command": {"type": "http", "url": "http://127.0.0.1/"}}',
    ),
    # It read 1abc as 1.
    Case("GET", "/jobs/status/1abc", 404, {"status": 404, "data": "Job not found"}),
    # It had a page that greeted by name, and let a header change the method.
    Case("GET", "/hello/Bob", 404, {"message": "Not found"}),
    Case(
        "POST",
        "/jobs/status",
        405,
        {"message": "Method not allowed. Must be one of: GET"},
        allow="GET",
    ),
]


@pytest.mark.parametrize("case", [*KEPT, *DIFFERENT])
async def test_a_request_of_the_queue_server_is_answered(case: Case, client: Client) -> None:
    headers = [("Content-Type", case.type), ("X-Http-Method-Override", "GET")]
    answer = await client.ask(case.method, case.path, case.sent.encode(), headers=headers)

    assert answer.status == case.status, answer.body
    assert answer.header("allow") == case.allow
    if isinstance(case.told, str):
        assert answer.code == case.told
        return
    assert answer.json() == case.told
    assert answer.header("content-type") == "application/json"


async def test_the_example_of_the_documentation_is_pushed(place: Place, client: Client) -> None:
    answer = await client.post("/jobs/add", FULL)

    job = await place.made.job(JobId(1))
    [callback] = job.details.callbacks
    assert answer.json() == {"status": "OK", "job_id": 1}
    assert (job.priority, job.details.context) == (800, "MyCoolApp")
    assert (callback.on, callback.report) == ("done", False)


async def test_a_form_makes_the_same_job_as_json(place: Place, client: Client) -> None:
    await client.post("/jobs/add", FULL)
    form = (
        "priority=800&context=MyCoolApp&command[type]=http&command[method]=GET"
        f"&command[url]={TARGET}/delay/1&command[timeout]=20&command[params][username]=michael"
        f"&callback_done[type]=http&callback_done[url]={TARGET}/get%3Fjob%3Ddone"
        "&callback_done[method]=GET"
    )

    await client.ask("POST", "/jobs/add", form.encode(), headers=[("Content-Type", FORM)])

    one, two = await place.made.job(JobId(1)), await place.made.job(JobId(2))
    assert (one.priority, one.details.context) == (two.priority, two.details.context)
    assert sorted(one.params) == sorted(two.params)
    assert [sorted(back.params) for back in one.details.callbacks] == [
        sorted(back.params) for back in two.details.callbacks
    ]


async def test_the_defaults_are_those_of_the_documentation(place: Place, client: Client) -> None:
    await client.post("/jobs/add", {"command": {"type": "mail"}})
    await client.post("/jobs/add", {"command": {"type": "mail"}, "priority": 0})

    first, second = await place.made.job(JobId(1)), await place.made.job(JobId(2))
    assert (first.priority, first.details.context, second.priority) == (500, "default", 0)


async def test_the_status_of_a_job_goes_from_0_over_1_to_3(place: Place, client: Client) -> None:
    await client.post("/jobs/add", {"command": {"type": "mail"}, "priority": 800})
    waiting = await client.get("/jobs/status/1")
    claim = await place.claim(JobId(1))
    working = await client.get("/jobs/status/1")
    await place.end(claim)
    done = await client.get("/jobs/status/1")

    time = "2026-01-01 00:00:00"
    assert waiting.json() == {
        "status": 200,
        "data": {
            "id": 1,
            "worker_status": 0,
            "time_added": time,
            "time_completed": None,
            "priority": 800,
        },
    }
    assert _status(working.json()) == (1, None)
    assert _status(done.json()) == (3, time)


async def test_a_failed_and_a_cancelled_job_are_99(place: Place, client: Client) -> None:
    for _ in range(2):
        await client.post("/jobs/add", {"command": {"type": "mail"}})
    await place.dead(JobId(1))
    await client.ask("POST", "/v1/jobs/2/cancel")

    for id in (1, 2):
        answer = await client.get(f"/jobs/status/{id}")
        assert _status(answer.json()) == (99, "2026-01-01 00:00:00")


async def test_a_job_that_waits_for_its_second_attempt_is_not_completed(
    place: Place, client: Client
) -> None:
    await client.post("/jobs/add", {"command": {"type": "mail"}})
    await place.finish(JobId(1), Outcome(move=Move.RETRY, error="not yet"))

    assert _status((await client.get("/jobs/status/1")).json()) == (0, None)


async def test_the_totals_count_jobs_and_the_slots_of_live_runners(
    place: Place, client: Client
) -> None:
    for delay in (0, 0, 60):
        await client.post("/v1/jobs", {"type": "mail", "delay": delay})
    await place.made.engine.announce(Presence(worker="w1", slots=2), TTL)
    await place.made.engine.announce(Presence(worker="w2", slots=1), TTL)
    await place.claim(JobId(1))

    answer = await client.get("/jobs/status")

    assert answer.object()["data"] == {
        "waiting": 2,
        "working": 1,
        "max_threads": 3,
        "free_threads": 2,
    }


async def test_there_are_never_fewer_than_no_free_threads(place: Place, client: Client) -> None:
    await client.post("/jobs/add", {"command": {"type": "mail"}})
    await place.claim(JobId(1))

    data = (await client.get("/jobs/status")).object()["data"]

    assert data == {"waiting": 0, "working": 1, "max_threads": 0, "free_threads": 0}


async def test_callbacks_are_not_counted(place: Place, client: Client) -> None:
    await client.post("/jobs/add", {**FULL, "command": {"type": "mail"}})
    await place.done(JobId(1))

    data = (await client.get("/jobs/status")).object()["data"]

    assert isinstance(data, dict)
    assert (data["waiting"], data["working"]) == (0, 0)


async def test_a_push_with_a_key_is_replayed(client: Client) -> None:
    key = [("Idempotency-Key", "k")]
    first = await client.post("/jobs/add", FULL, key)
    again = await client.post("/jobs/add", FULL, key)
    other = await client.post("/jobs/add", {**FULL, "priority": 1}, key)

    assert (again.status, again.body) == (first.status, first.body)
    assert again.header("idempotency-replayed") == "true"
    assert (other.status, other.code) == (422, "key_reused")


async def test_errors_name_the_fields_of_the_request(client: Client) -> None:
    target: JSON = {"type": "http", "url": f"{TARGET}/"}
    bad: JSON = {"type": "http", "url": "ftp://x"}
    private: JSON = {"type": "http", "url": "http://10.0.0.1/"}

    cases: list[tuple[JSON, str]] = [
        ({"command": bad}, "command.url"),
        ({"command": target, "callback_done": bad}, "callback_done.url"),
        ({"command": private}, "command.url"),
        ({"command": target, "callback_done": private}, "callback_done.url"),
        ({"command": target, "callback_done": {"type": "nope"}}, "callback_done.type"),
        ({"command": {"type": "no pe"}}, "command.type"),
    ]
    for body, field in cases:
        answer = await client.post("/jobs/add", body)
        assert (answer.status in {403, 422}, answer.fields) == (True, [field])


def _status(told: JSON) -> tuple[JSON, JSON]:
    assert isinstance(told, dict)
    data = told["data"]
    assert isinstance(data, dict)
    return data["worker_status"], data["time_completed"]
