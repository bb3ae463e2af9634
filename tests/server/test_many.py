"""`POST /v1/jobs/cancel`, `/retry`, `/delete`: many jobs at once, each counted."""

import asyncio

import pytest

from penstock.conformance.builders import put, state_of, untouched
from penstock.job import JobId, NewJob, QueueKey, State
from penstock.serialization import JSON
from tests.server.conftest import Pair, Place
from tests.server.driver import Client

SMS, OTHER = QueueKey("default", "sms"), QueueKey("wiki", "sms")
DISK = 10**13
PATHS = ["/v1/jobs/cancel", "/v1/jobs/retry", "/v1/jobs/delete"]
MOVES: list[tuple[str, dict[str, JSON]]] = [
    ("cancel", {"matched": 14, "cancelled": 4, "asked": 2, "refused": 8, "unknown": 3}),
    ("retry", {"matched": 14, "retried": 2, "refused": 12, "unknown": 3}),
    ("delete", {"matched": 14, "deleted": 12, "refused": 2, "unknown": 3}),
]


async def of_each_state(pair: Pair) -> list[JSON]:
    """The ids of a job of every state in both stores, and some of none."""
    new = NewJob(queue=SMS)
    known = [await put(engine, state, new) for engine in pair.engines for state in State]
    return [*known, 77, 7 * DISK, -1]


@pytest.mark.parametrize(("move", "counts"), MOVES)
async def test_many_are_moved_in_both_stores_and_counted(
    move: str, counts: dict[str, JSON], pair: Pair
) -> None:
    ids = await of_each_state(pair)

    answer = await pair.client.post(f"/v1/jobs/{move}", {"ids": [*ids, *ids]})

    assert answer.status == 200
    assert answer.json() == {**counts, "dry_run": False}
    assert list(answer.object()) == [*counts, "dry_run"]


@pytest.mark.parametrize(("move", "counts"), MOVES)
async def test_a_dry_run_tells_the_same_and_changes_nothing(
    move: str, counts: dict[str, JSON], pair: Pair
) -> None:
    ids = await of_each_state(pair)

    async with untouched(pair.first, SMS), untouched(pair.second, SMS):
        dry = await pair.client.post(f"/v1/jobs/{move}", {"ids": ids, "dry_run": True})

    assert dry.json() == {**counts, "dry_run": True}
    done = await pair.client.post(f"/v1/jobs/{move}", {"ids": ids, "dry_run": False})
    assert done.json() == {**counts, "dry_run": False}


@pytest.mark.parametrize("move", ["cancel", "retry", "delete"])
async def test_other_queues_are_left_alone(move: str, pair: Pair) -> None:
    ids = await of_each_state(pair)
    for engine in pair.engines:
        for state in State:
            await put(engine, state, NewJob(queue=OTHER))

    async with untouched(pair.first, OTHER), untouched(pair.second, OTHER):
        await pair.client.post(f"/v1/jobs/{move}", {"ids": ids})


async def test_the_moves_are_those_of_single_jobs(place: Place, client: Client) -> None:
    for _ in range(3):
        await client.post("/v1/jobs", {"type": "mail"})
    await place.dead(JobId(2))
    await place.claim(JobId(3))

    await client.post("/v1/jobs/retry", {"ids": [1, 2, 3]})
    retried = [await state_of(place.made.engine, JobId(id)) for id in (1, 2, 3)]
    await client.post("/v1/jobs/cancel", {"ids": [1, 3]})
    await client.post("/v1/jobs/delete", {"ids": [1, 2, 3]})

    assert retried == [State.READY, State.READY, State.CLAIMED]
    assert [await state_of(place.made.engine, JobId(id)) for id in (1, 2)] == [None, None]
    assert (await client.get("/v1/jobs/3")).object()["cancel_requested"] is True


async def test_two_requests_at_once_move_each_job_once(pair: Pair) -> None:
    ids: list[JSON] = [await put(pair.second, State.READY, NewJob(queue=SMS)) for _ in range(30)]

    answers = await asyncio.gather(
        *(pair.client.post("/v1/jobs/delete", {"ids": ids}) for _ in range(2))
    )

    deleted = [answer.object()["deleted"] for answer in answers]
    assert sum(count for count in deleted if isinstance(count, int)) == 30
    assert (await pair.client.get("/v1/jobs?type=sms")).json() == {"jobs": [], "next": None}


@pytest.mark.parametrize("path", PATHS)
async def test_ten_thousand_are_taken_and_no_more(path: str, pair: Pair) -> None:
    ids: list[JSON] = list(range(DISK + 1, DISK + 10_001))

    taken = await pair.client.post(path, {"ids": ids})
    refused = await pair.client.post(path, {"ids": [*ids, 1]})

    assert (taken.status, taken.object()["unknown"]) == (200, 10_000)
    assert (refused.status, refused.fields) == (422, ["ids"])


@pytest.mark.parametrize("path", PATHS)
async def test_no_ids_are_no_jobs(path: str, client: Client) -> None:
    answer = await client.post(path, {"ids": []})

    assert answer.status == 200
    assert not any(answer.object().values())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 400, "body"),
        (b"[1]", 400, "body"),
        (b"{}", 422, "ids"),
        (b'{"ids":1}', 422, "ids"),
        (b'{"ids":null}', 422, "ids"),
        (b'{"ids":{"1":1}}', 422, "ids"),
        (b'{"ids":"1"}', 422, "ids"),
        (b'{"ids":[1,"1"]}', 422, "ids[1]"),
        (b'{"ids":[true]}', 422, "ids[0]"),
        (b'{"ids":[1.0]}', 422, "ids[0]"),
        (b'{"ids":[[1]]}', 422, "ids[0]"),
        (b'{"ids":[null]}', 422, "ids[0]"),
        (b'{"ids":[1],"dry_run":"yes"}', 422, "dry_run"),
        (b'{"ids":[1],"dry_run":1}', 422, "dry_run"),
        (b'{"ids":[1],"dry_run":null}', 422, "dry_run"),
        (b'{"ids":[1],"dryrun":true}', 422, "dryrun"),
        (b'{"filter":{"state":"ready"}}', 422, "filter"),
        (b'{"ids":[1],"filter":{}}', 422, "filter"),
        (b'{"ids":[1],"ids":[2]}', 400, "body"),
        (b'{"ids":[9223372036854775808]}', 400, "body"),
        (b'{"ids":[' + b"1," * 400_000 + b"1]}", 422, "ids"),
    ],
)
async def test_what_is_wrong_is_refused_by_name_and_moves_nothing(
    path: str, body: bytes, status: int, field: str, client: Client
) -> None:
    await client.post("/v1/jobs", {"type": "mail"})

    answer = await client.ask("POST", path, body, headers=[("Content-Type", "application/json")])

    assert (answer.status, answer.fields[:1]) == (status, [field]), answer.body[:300]
    assert len(answer.body) < 10_000
    assert (await client.get("/v1/jobs/1")).object()["state"] == "ready"


@pytest.mark.parametrize("path", PATHS)
async def test_a_form_of_another_page_moves_nothing(path: str, client: Client) -> None:
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    foreign = [("Content-Type", "application/json"), ("Origin", "http://evil.example")]

    assert (await client.ask("POST", path, b"ids=1", headers=form)).status == 415
    assert (await client.ask("POST", path, b'{"ids":[1]}', headers=foreign)).status == 403


@pytest.mark.parametrize("move", ["cancel", "retry", "delete"])
async def test_many_jobs_are_not_moved_where_the_query_asks_for_more(
    move: str, client: Client
) -> None:
    await client.post("/v1/jobs", {"type": "mail"})

    answer = await client.ask("POST", f"/v1/jobs/{move}?dry_run=true", b'{"ids": [1]}')

    assert (answer.status, answer.fields) == (422, ["dry_run"])
    assert (await client.get("/v1/jobs/1")).object()["state"] == "ready"
