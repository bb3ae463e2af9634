"""`GET /v1/jobs` and `GET /v1/jobs/{id}/explain`: what there is, and why it is not further."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from penstock.engine import Cancel
from penstock.job import Details, JobId, NewJob, Presence, QueueKey
from penstock.serialization import JSON
from tests.server.conftest import Pair, Place
from tests.server.driver import Answer, Client

TARGET = "http://93.184.215.14/hook"
MAIL, SMS = QueueKey("default", "mail"), QueueKey("default", "sms")
TTL = timedelta(seconds=15)
DISK = 10**13


def listed(answer: Answer) -> list[Mapping[str, JSON]]:
    """The jobs of the page."""
    assert answer.status == 200, answer.body
    assert set(answer.object()) == {"jobs", "next"}
    jobs = answer.object()["jobs"]
    assert isinstance(jobs, list)
    return [job for job in jobs if isinstance(job, Mapping)]


def ids(answer: Answer) -> list[JSON]:
    """The ids of the page."""
    return [job["id"] for job in listed(answer)]


async def all_pages(client: Client, query: str) -> list[list[JSON]]:
    """The ids of each page, to the last."""
    answer = await client.get(f"/v1/jobs?{query}")
    pages = [ids(answer)]
    while (after := answer.object()["next"]) is not None:
        answer = await client.get(f"/v1/jobs?{query}&after={after}")
        pages.append(ids(answer))
    return pages


async def test_jobs_are_listed_as_they_are_shown_alone(place: Place, client: Client) -> None:
    back: JSON = {"done": {"type": "http", "url": TARGET}}
    await client.post("/v1/jobs", {"type": "mail", "params": {"a": 1}, "callbacks": back})
    await place.done(JobId(1), '{"sent":1}')
    await client.post("/v1/jobs", {"type": "mail", "delay": 60})

    answer = await client.get("/v1/jobs?type=mail")

    alone = [(await client.get(f"/v1/jobs/{id}")).json() for id in (3, 1)]
    assert answer.json() == {"jobs": alone, "next": None}
    assert listed(answer)[1]["callbacks"] == [{"on": "done", "job_id": 2, "state": "ready"}]


async def test_a_page_leads_to_the_next_over_both_stores(pair: Pair) -> None:
    for _ in range(3):
        await pair.client.post("/v1/jobs", {"type": "mail"})
        await pair.client.post("/v1/jobs", {"type": "sms"})

    pages = await all_pages(pair.client, "limit=4")

    assert [len(page) for page in pages] == [4, 2]
    assert sorted(str(id) for page in pages for id in page) == sorted(
        str(base + number) for base in (0, DISK) for number in (1, 2, 3)
    )


async def test_a_page_has_100_jobs_where_nothing_else_is_asked_for(pair: Pair) -> None:
    await pair.second.push([NewJob(queue=SMS)] * 101)

    pages = await all_pages(pair.client, "type=sms")

    assert [len(page) for page in pages] == [100, 1]


async def test_each_parameter_is_heard(pair: Pair) -> None:
    for engine, type in zip(pair.engines, ("mail", "sms"), strict=True):
        named = Details(context="a b&c")
        await engine.push(
            [
                NewJob(queue=QueueKey("default", type)),
                NewJob(queue=QueueKey("wiki", type)),
                NewJob(queue=QueueKey("wiki", type), delay=TTL, details=named),
            ]
        )

    async def found(query: str) -> set[JSON]:
        return set(ids(await pair.client.get(f"/v1/jobs?{query}")))

    assert await found("") == {1, 2, 3, DISK + 1, DISK + 2, DISK + 3}
    assert await found("type=sms") == {DISK + 1, DISK + 2, DISK + 3}
    assert await found("domain=wiki") == {2, 3, DISK + 2, DISK + 3}
    assert await found("state=ready") == {1, 2, DISK + 1, DISK + 2}
    assert await found("context=a+b%26c") == {3, DISK + 3}
    assert await found("context=a+b%26c&type=mail&domain=wiki&state=scheduled") == {3}
    assert await found("type=mail&state=done") == set()
    assert await found("type=nobody-knows-it") == set()
    assert len(await found("limit=1")) == 1


async def test_a_job_that_cannot_be_read_spoils_no_list(place: Place, client: Client) -> None:
    for params in ("{}", "{", "[]"):
        await place.made.engine.push([NewJob(queue=MAIL, params=params)])

    jobs = listed(await client.get("/v1/jobs"))

    assert [(job["id"], job["params"]) for job in jobs] == [(3, None), (2, None), (1, {})]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        *[("limit=0", ["limit"]), ("limit=1001", ["limit"]), ("limit=", ["limit"])],
        *[("limit=-1", ["limit"]), ("limit=1e2", ["limit"]), ("limit=%D9%A1", ["limit"])],
        *[("limit=1%0a", ["limit"]), (f"limit={'9' * 5000}", ["limit"]), ("limit=1.5", ["limit"])],
        *[("state=", ["state"]), ("state=READY", ["state"]), ("state=waiting", ["state"])],
        *[("state=ready&state=ready", ["state"]), ("state=ready,done", ["state"])],
        *[("type=", ["type"]), ("type=a%20b", ["type"]), (f"type={'x' * 101}", ["type"])],
        *[("type=%00", ["type"]), ("type=%ff", ["type"]), ("type='--", ["type"])],
        *[
            ("domain=", ["domain"]),
            ("domain=a/b", ["domain"]),
            ("type=/&domain=/", ["type", "domain"]),
        ],
        *[(f"context={'x' * 256}", ["context"]), ("context=a&context=b", ["context"])],
        *[("after=", ["after"]), ("after=1", ["after"]), ("after=%00", ["after"])],
        *[("after=MTAwMDAwMDAwMDAwMDAx", ["after"]), (f"after={'A' * 50_000}", ["after"])],
        *[
            ("stat=ready", ["stat"]),
            ("wait=1", ["wait"]),
            ("Type=mail", ["Type"]),
            ("a[]=1", ["a[]"]),
        ],
        *[("filter=x&limit=0", ["filter"]), ("&".join(f"x{n}=1" for n in range(9000)), None)],
    ],
)
async def test_a_parameter_that_is_wrong_is_refused_by_name(
    query: str, fields: list[str] | None, client: Client
) -> None:
    answer = await client.get(f"/v1/jobs?{query}")

    assert (answer.status, answer.code) == (422, "bad_job"), answer.body[:500]
    assert fields is None or answer.fields == fields
    assert len(answer.body) < 10_000


@pytest.mark.parametrize("query", ["", "context=", "context=%ff%00%0a", "limit=1000", "limit=01"])
async def test_what_is_odd_but_can_be_is_answered(query: str, client: Client) -> None:
    assert listed(await client.get(f"/v1/jobs?{query}")) == []


async def test_a_job_is_explained_with_codes_and_sentences(pair: Pair) -> None:
    for _ in range(2):
        await pair.client.post("/v1/jobs", {"type": "sms"})
    await pair.second.announce(Presence(worker="w", slots=1, types=frozenset({"sms"})), TTL)

    first = await pair.client.get(f"/v1/jobs/{DISK + 1}/explain")
    second = await pair.client.get(f"/v1/jobs/{DISK + 2}/explain")

    assert first.json() == {
        "reasons": [
            {
                "code": "next",
                "detail": "it is the next of queue default/sms; 1 live runner takes such jobs, "
                "as slots are free",
            }
        ]
    }
    assert second.json() == {
        "reasons": [
            {"code": "behind", "detail": "1 ready job comes before it in queue default/sms"}
        ]
    }


async def test_every_state_of_a_job_is_explained(place: Place, client: Client) -> None:
    for delay in (0, 0, 60, 0):
        await client.post("/v1/jobs", {"type": "mail", "delay": delay})
    await place.claim(JobId(1))
    await place.dead(JobId(2))
    await place.made.engine.cancel([Cancel(id=JobId(1))])
    await client.ask("POST", "/v1/queues/default/mail/pause")

    async def codes(id: int) -> list[JSON]:
        told = (await client.get(f"/v1/jobs/{id}/explain")).object()["reasons"]
        assert isinstance(told, list)
        return [reason["code"] for reason in told if isinstance(reason, Mapping)]

    assert await codes(1) == ["claimed"]
    assert await codes(2) == ["finished"]
    assert await codes(3) == ["scheduled", "paused", "no_runner"]
    assert await codes(4) == ["paused", "no_runner"]


@pytest.mark.parametrize("id", ["7", "0", "x", "9007199254740992", "90000000000001", "%00"])
async def test_an_unknown_job_is_not_explained(id: str, client: Client) -> None:
    answer = await client.get(f"/v1/jobs/{id}/explain")

    assert (answer.status, answer.code) == (404, "unknown_job")


async def test_an_explanation_takes_no_parameters(client: Client) -> None:
    await client.post("/v1/jobs", {"type": "mail"})

    answer = await client.get("/v1/jobs/1/explain?verbose=1")

    assert (answer.status, answer.fields) == (422, ["verbose"])
