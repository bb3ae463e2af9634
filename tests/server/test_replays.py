"""A push that is repeated under its Idempotency-Key is answered as the first time, and stores nothing."""

import asyncio
from datetime import timedelta

import pytest

from penstock.job import JobId
from penstock.policy import Policy
from penstock.serialization import JSON
from penstock.settings import ServerSettings
from tests.installation import installation
from tests.server.conftest import Pair, Place
from tests.server.driver import Client

KEY = [("Idempotency-Key", "order-17")]
SINGLES: list[tuple[str, JSON]] = [
    ("/v1/jobs", {"type": "mail"}),
    ("/jobs/add", {"command": {"type": "mail"}}),
]


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


async def test_a_replay_is_the_same_answer_under_another_configuration(
    place: Place, client: Client
) -> None:
    first = await client.post("/v1/jobs", {"type": "mail"}, KEY)
    many = {"mail": Policy(max_attempts=7)}
    handlers = {"mail": place.made.group.registry.handler("mail")}
    changed = await installation(handlers, policies=many, engine=place.made.engine)
    place.made = changed

    again = await Client(place.served(ServerSettings())).post("/v1/jobs", {"type": "mail"}, KEY)

    assert (again.status, again.body) == (first.status, first.body)
    assert again.header("idempotency-replayed") == "true"


async def test_a_batch_that_no_store_knows_again_is_refused_by_the_header(pair: Pair) -> None:
    body: JSON = {"jobs": [{"type": "mail"}, {"type": "sms"}], "atomic": False}

    answer = await pair.client.post("/v1/jobs/batch", body, KEY)

    assert (answer.status, answer.fields) == (422, ["Idempotency-Key"])
    assert (await pair.client.get("/v1/jobs")).json() == {"jobs": [], "next": None}


async def test_a_batch_is_replayed_as_a_whole(place: Place, client: Client) -> None:
    first = await client.post("/v1/jobs/batch", batch(2), KEY)
    await place.done(JobId(1))

    again = await client.post("/v1/jobs/batch", batch(2), KEY)

    assert (again.status, again.body) == (202, first.body)
    assert again.header("idempotency-replayed") == "true"
    assert await stored(place) == 2


@pytest.mark.parametrize("jobs", [1, 2, 4])
async def test_another_batch_under_the_key_of_a_batch_stores_nothing(
    jobs: int, place: Place, client: Client
) -> None:
    await client.post("/v1/jobs/batch", batch(3), KEY)

    answer = await client.post("/v1/jobs/batch", {**batch(jobs), "atomic": False}, KEY)

    assert (answer.status, answer.code) == (422, "key_reused")
    assert await stored(place) == 3


async def test_a_single_job_under_the_key_of_a_batch_is_refused(
    place: Place, client: Client
) -> None:
    await client.post("/v1/jobs/batch", batch(2), KEY)

    for path, body in SINGLES:
        answer = await client.post(path, body, KEY)
        assert (answer.status, answer.code) == (422, "key_reused")

    assert await stored(place) == 2


@pytest.mark.parametrize(("path", "body"), SINGLES)
async def test_a_batch_under_the_key_of_a_single_job_stores_nothing(
    path: str, body: JSON, place: Place, client: Client
) -> None:
    await client.post(path, body, KEY)

    for jobs in (1, 3):
        answer = await client.post("/v1/jobs/batch", batch(jobs), KEY)
        assert (answer.status, answer.code) == (422, "key_reused")

    assert await stored(place) == 1


async def test_two_batches_at_once_under_one_key_store_one_of_them(
    place: Place, client: Client
) -> None:
    answers = await asyncio.gather(
        *(client.post("/v1/jobs/batch", batch(jobs), KEY) for jobs in (3, 5, 3, 5))
    )

    assert [answer.status for answer in answers] == [202, 422, 202, 422]
    assert answers[2].body == answers[0].body
    assert await stored(place) == 3


@pytest.mark.parametrize("good", [0, 2])
async def test_a_batch_with_bad_jobs_is_replayed_with_them(
    good: int, place: Place, client: Client
) -> None:
    jobs: list[JSON] = [{"type": "mail"}, {"type": "mail", "priority": 7000}, {"type": "mail"}]
    jobs[good] = {"type": "mail", "prio": 1}
    body: JSON = {"jobs": jobs, "atomic": False}
    first = await client.post("/v1/jobs/batch", body, KEY)

    again = await client.post("/v1/jobs/batch", body, KEY)
    single = await client.post("/v1/jobs", {"type": "mail"}, KEY)

    assert (again.status, again.body) == (202, first.body)
    assert again.header("idempotency-replayed") == "true"
    assert (single.status, single.code) == (422, "key_reused")
    assert await stored(place) == 1


async def test_a_key_in_two_domains_holds_a_batch_together(place: Place, client: Client) -> None:
    here, there = ({"type": "mail", "domain": domain} for domain in ("a", "b"))
    first = await client.post("/v1/jobs/batch", {"jobs": [here, there, here]}, KEY)
    again = await client.post("/v1/jobs/batch", {"jobs": [here, there, here]}, KEY)
    assert (again.status, again.body) == (first.status, first.body)

    for jobs in ([there], [here], [{"type": "mail", "domain": "c"}, there]):
        answer = await client.post("/v1/jobs/batch", {"jobs": jobs}, KEY)
        assert (answer.status, answer.code) == (422, "key_reused")
    assert await stored(place) == 3

    apart = await client.post("/v1/jobs", {"type": "mail", "domain": "c"}, KEY)
    assert apart.status == 202


async def test_an_empty_batch_is_taken_without_a_key_only(client: Client) -> None:
    assert (await client.post("/v1/jobs/batch", {"jobs": []})).status == 202

    answer = await client.post("/v1/jobs/batch", {"jobs": []}, KEY)

    assert (answer.status, answer.code) == (422, "bad_job")
    assert answer.fields == ["jobs"]


def batch(jobs: int) -> dict[str, JSON]:
    """A batch of so many equal jobs."""
    return {"jobs": [{"type": "mail"}] * jobs}


async def stored(place: Place) -> int:
    """How many jobs there are in all domains."""
    return sum(counts.pushed for counts in (await place.made.engine.counts()).values())
