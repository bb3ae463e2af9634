"""A push that is repeated under its Idempotency-Key is answered as the first time, and stores nothing."""

import asyncio
from datetime import timedelta

import pytest

from penstock.job import JobId
from penstock.serialization import JSON
from tests.server.conftest import Place
from tests.server.driver import Client

KEY = [("Idempotency-Key", "order-17")]


async def test_the_same_key_and_body_bring_the_same_answer(place: Place, client: Client) -> None:
    job: JSON = {"type": "mail", "delay": 5, "priority": 7}
    first = await client.post("/v1/jobs", job, KEY)
    await place.done(JobId(1), '{"sent":true}')

    place.made.clock.tick(timedelta(hours=1))
    again = await client.post("/v1/jobs", job, KEY)

    assert (again.status, again.body) == (first.status, first.body)
    assert again.header("location") == first.header("location")
    assert (first.header("idempotency-replayed"), again.header("idempotency-replayed")) == (
        None,
        "true",
    )
    assert (await client.get("/v1/jobs/2")).status == 404


async def test_the_same_key_brings_the_same_answer_of_a_duplicate(
    place: Place, client: Client
) -> None:
    await client.post("/v1/jobs", {"type": "mail", "dedupe": True})
    first = await client.post("/v1/jobs", {"type": "mail", "dedupe": True}, KEY)
    await place.done(JobId(1))

    again = await client.post("/v1/jobs", {"type": "mail", "dedupe": True}, KEY)

    assert (again.status, again.body) == (200, first.body)
    assert again.header("idempotency-replayed") == "true"


async def test_the_order_of_keys_in_the_body_makes_no_difference(client: Client) -> None:
    await client.post("/v1/jobs", {"type": "mail", "priority": 1}, KEY)

    again = await client.post("/v1/jobs", {"priority": 1, "type": "mail"}, KEY)

    assert again.header("idempotency-replayed") == "true"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/jobs", {"type": "mail", "priority": 2}),
        ("/v1/jobs", {"type": "mail", "priority": 1, "params": {}}),
        ("/jobs/add", {"command": {"type": "mail"}, "priority": 1}),
    ],
)
async def test_the_same_key_with_another_body_or_path_is_refused(
    path: str, body: JSON, client: Client
) -> None:
    await client.post("/v1/jobs", {"type": "mail", "priority": 1}, KEY)

    answer = await client.post(path, body, KEY)

    assert (answer.status, answer.code) == (422, "key_reused")
    assert (await client.get("/v1/jobs/2")).status == 404


async def test_a_key_counts_per_domain(client: Client) -> None:
    await client.post("/v1/jobs", {"type": "mail", "domain": "a"}, KEY)

    answer = await client.post("/v1/jobs", {"type": "mail", "domain": "b"}, KEY)

    assert (answer.status, answer.object()["id"]) == (202, 2)


async def test_two_at_once_with_one_key_push_one_job(client: Client) -> None:
    answers = await asyncio.gather(
        *(client.post("/v1/jobs", {"type": "mail"}, KEY) for _ in range(5))
    )

    assert {(answer.status, answer.body) for answer in answers} == {(202, answers[0].body)}
    assert (await client.get("/v1/jobs/2")).status == 404


async def test_a_replay_is_the_same_answer_when_the_job_is_gone(
    place: Place, client: Client
) -> None:
    first = await client.post("/v1/jobs", {"type": "mail", "delay": 5}, KEY)
    await client.ask("DELETE", "/v1/jobs/1")
    place.made.clock.tick(timedelta(hours=1))

    again = await client.post("/v1/jobs", {"type": "mail", "delay": 5}, KEY)

    assert (again.status, again.body) == (first.status, first.body)
    assert again.header("idempotency-replayed") == "true"


async def test_a_batch_is_replayed_as_a_whole(place: Place, client: Client) -> None:
    batch: JSON = {"jobs": [{"type": "mail"}, {"type": "mail"}]}
    first = await client.post("/v1/jobs/batch", batch, KEY)
    await place.done(JobId(1))

    again = await client.post("/v1/jobs/batch", batch, KEY)
    other = await client.post("/v1/jobs/batch", {"jobs": [{"type": "mail"}]}, KEY)

    assert (again.status, again.body) == (202, first.body)
    assert again.header("idempotency-replayed") == "true"
    assert (other.status, other.code) == (422, "key_reused")
