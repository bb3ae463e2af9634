"""Remote workers over HTTP: what they ask, and what they are answered."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from penstock.job import State
from penstock.serialization import JSON
from tests.installation import SOON
from tests.server.conftest import Place
from tests.server.driver import Answer, Client

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def client(place: Place) -> Client:
    """A client of a server with two jobs for remote workers."""
    for number in (1, 2):
        await place.client.post("/v1/jobs", {"type": "remote", "params": {"n": number}})
    return place.client


async def claims(client: Client, **fields: JSON) -> list[Mapping[str, JSON]]:
    """What is claimed."""
    answer = await client.post("/v1/claims", {"types": ["remote"], **fields})
    assert answer.status == 200, answer.body
    found = answer.object()["claims"]
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, Mapping)]


async def texts(client: Client, **fields: JSON) -> list[JSON]:
    """The names of what is claimed."""
    return [one["claim"] for one in await claims(client, **fields)]


async def job(client: Client, id: int = 1) -> Mapping[str, JSON]:
    return (await client.get(f"/v1/jobs/{id}")).object()


def held(answer: Answer) -> JSON:
    assert answer.status == 200, answer.body
    return answer.object()["held"]


async def test_a_claim_shows_the_job_as_its_own_page_does(client: Client) -> None:
    one, two = await claims(client, worker="far-1", ttl=60)

    assert set(one) == {"claim", "until", "job"}
    assert one["job"] == await job(client, 1)
    shown = await job(client, 2)
    assert two["job"] == shown
    assert (shown["state"], shown["worker"], shown["attempt"]) == ("claimed", "far-1", 1)


async def test_what_is_left_out_has_a_default(client: Client, place: Place) -> None:
    one, *_ = await claims(client, domains=None, limit=None, ttl=None, wait=None, worker=None)

    assert (await job(client))["worker"] == "remote"
    until = place.made.clock.now() + timedelta(seconds=30)
    assert one["until"] == until.isoformat().replace("+00:00", "Z")


async def test_no_more_are_claimed_than_are_wanted(client: Client) -> None:
    assert len(await claims(client, limit=1)) == 1
    assert len(await claims(client, domains=["acme"])) == 0
    assert len(await claims(client, domains=["acme", "default"])) == 1
    assert await claims(client) == []


async def test_an_ack_ends_the_job(client: Client) -> None:
    one, two = await texts(client)

    first = await client.post("/v1/claims/ack", {"claims": [{"claim": one, "result": False}]})
    second = await client.post("/v1/claims/ack", {"claim": two})

    assert [held(first), held(second)] == [[True], [True]]
    shown = [await job(client, id) for id in (1, 2)]
    assert [(each["state"], each["result"]) for each in shown] == [("done", False), ("done", None)]


@pytest.mark.parametrize(
    "result", [0, "", [], {}, {"a": [1, None, {"é": "𝄞"}]}, 2**63 - 1, 1e-9, "x" * 1000]
)
async def test_a_result_is_kept_as_it_stands(result: JSON, client: Client) -> None:
    one, _ = await texts(client)

    await client.post("/v1/claims/ack", {"claim": one, "result": result})

    assert (await job(client))["result"] == result


async def test_a_result_that_is_too_long_is_kept_in_part(client: Client) -> None:
    one, _ = await texts(client)

    await client.post("/v1/claims/ack", {"claim": one, "result": {"text": "x" * 100_000}})

    result = (await job(client))["result"]
    assert isinstance(result, Mapping)
    assert result["truncated"] is True


async def test_a_retry_lines_the_job_up_again(client: Client) -> None:
    one, two = await texts(client)

    answer = await client.post(
        "/v1/claims/retry",
        {"claims": [{"claim": one, "error": "busy", "after": 60}, {"claim": two, "error": ""}]},
    )

    assert held(answer) == [True, True]
    shown = [await job(client, id) for id in (1, 2)]
    assert [each["state"] for each in shown] == ["scheduled", "scheduled"]
    assert [each["error"] for each in shown] == ["busy", "failed; its worker gave no reason"]


async def test_a_burial_is_final(client: Client) -> None:
    one, _ = await texts(client)

    assert held(await client.post("/v1/claims/bury", {"claim": one, "error": "é" * 4096})) == [True]

    shown = await job(client)
    assert (shown["state"], shown["error"]) == ("dead", "é" * 4096)


async def test_a_release_gives_the_attempt_back(client: Client) -> None:
    one, two = await texts(client)

    answer = await client.post(
        "/v1/claims/release", {"claims": [{"claim": one}, {"claim": two, "after": 1.5}]}
    )

    assert held(answer) == [True, True]
    shown = [await job(client, id) for id in (1, 2)]
    assert [(each["state"], each["attempt"]) for each in shown] == [("ready", 0), ("scheduled", 0)]


async def test_a_renewal_tells_what_is_held_and_what_is_to_be_cancelled(
    client: Client, place: Place
) -> None:
    one, two = await texts(client, ttl=1)
    await client.post("/v1/jobs/2/cancel")

    answer = await client.post(
        "/v1/claims/renew",
        {"claims": [{"claim": one}, {"claim": two}, {"claim": "x"}], "ttl": 3600},
    )
    place.made.clock.tick(MINUTE)
    await place.made.upkeep().reclaim(place.made.store)

    assert answer.object() == {"held": [True, True, False], "cancel": [False, True, False]}
    alone = await client.post("/v1/claims/renew", {"claim": one})
    assert alone.object() == {"held": [True], "cancel": [False]}


async def test_good_bad_and_repeated_claims_are_answered_in_order(client: Client) -> None:
    one, two = await texts(client)
    sent: Sequence[JSON] = [{"claim": text} for text in ("", two, "é", one, two, "x" * 1000)]

    answer = await client.post("/v1/claims/ack", {"claims": sent})
    again = await client.post("/v1/claims/ack", {"claims": sent})

    assert held(answer) == [False, True, False, True, False, False]
    assert held(again) == [False] * 6


async def test_a_wrong_claim_among_good_ones_changes_nothing(client: Client) -> None:
    one, two = await texts(client)

    answer = await client.post(
        "/v1/claims/retry",
        {"claims": [{"claim": one, "error": "x"}, {"claim": two, "error": "x", "after": -1}]},
    )

    assert (answer.status, answer.fields) == (422, ["claims[1].after"])
    assert [(await job(client, id))["state"] for id in (1, 2)] == ["claimed", "claimed"]


async def test_progress_shows(client: Client) -> None:
    one, two = await texts(client)

    bodies: list[dict[str, JSON]] = [
        {"percent": 40, "message": "nearly"},
        {"percent": 0.5},
        {"percent": 100, "message": "x" * 1000, "claim": one},
    ]
    for body in bodies:
        answer = await client.put("/v1/jobs/1/progress", body)
        assert (answer.status, answer.body) == (204, b"")
        shown = (await job(client))["progress"]
        assert shown == {"percent": body["percent"], "message": body.get("message", "")}
    other = await client.put("/v1/jobs/1/progress", {"percent": 1, "claim": two})
    assert (other.status, other.code) == (409, "wrong_state")


@pytest.mark.parametrize(("id", "status"), [("1", 409), ("3", 404), ("x", 404), (f"{10**15}", 404)])
async def test_progress_of_what_is_not_claimed_is_refused(
    id: str, status: int, client: Client
) -> None:
    answer = await client.put(f"/v1/jobs/{id}/progress", {"percent": 1})

    assert answer.status == status
    assert answer.code


async def test_who_waits_is_answered_once_there_is_a_job(place: Place) -> None:
    body: JSON = {"types": ["remote"], "wait": 60}
    waiting = asyncio.ensure_future(place.client.post("/v1/claims", body))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()

    await place.client.post("/v1/jobs", {"type": "remote"})
    async with asyncio.timeout(SOON):
        answer = await waiting

    assert len(_list(answer.object()["claims"])) == 1


async def test_who_has_gone_while_it_waited_is_given_nothing(place: Place) -> None:
    gone = asyncio.Event()
    body = b'{"types": ["remote"], "wait": 60}'
    waiting = asyncio.ensure_future(place.client.ask("POST", "/v1/claims", body, gone=gone))
    for _ in range(20):
        await asyncio.sleep(0)

    gone.set()
    async with asyncio.timeout(SOON):
        await asyncio.wait({waiting})
    await place.client.post("/v1/jobs", {"type": "remote"})

    assert isinstance(waiting.exception(), asyncio.QueueEmpty)  # nothing was answered
    assert (await job(place.client))["state"] == "ready"


async def test_who_goes_right_after_the_claim_holds_nothing(client: Client) -> None:
    gone = asyncio.Event()
    gone.set()

    with pytest.raises(asyncio.QueueEmpty):  # nothing was answered
        await client.ask("POST", "/v1/claims", b'{"types": ["remote"], "wait": 60}', gone=gone)

    shown = await job(client)
    assert (shown["state"], shown["attempt"]) == (State.READY, 0)


async def test_who_waits_is_answered_when_the_server_stops(place: Place) -> None:
    body: JSON = {"types": ["remote"], "wait": 60}
    waiting = asyncio.ensure_future(place.client.post("/v1/claims", body))
    for _ in range(20):
        await asyncio.sleep(0)

    place.made.remote.stop_waiting()
    async with asyncio.timeout(SOON):
        answer = await waiting

    assert answer.object() == {"claims": []}


async def test_a_remote_worker_does_not_change_how_many_threads_there_are(client: Client) -> None:
    await claims(client)

    data = (await client.get("/jobs/status")).object()["data"]

    assert data == {"waiting": 0, "working": 2, "max_threads": 0, "free_threads": 0}


async def test_a_type_that_a_remote_worker_asks_for_has_a_runner(place: Place) -> None:
    await place.client.post("/v1/jobs", {"type": "remote", "domain": "acme"})

    before = await _codes(place.client)
    assert await claims(place.client, domains=["other"]) == []
    after = await _codes(place.client)

    assert (before, after) == (["no_runner"], ["next"])


async def _codes(client: Client) -> list[JSON]:
    reasons = (await client.get("/v1/jobs/1/explain")).object()["reasons"]
    return [reason["code"] for reason in _list(reasons) if isinstance(reason, Mapping)]


def _list(value: JSON) -> list[JSON]:
    assert isinstance(value, list)
    return value
