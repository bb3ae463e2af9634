"""What a remote worker sends, and what it means; what is wrong is named."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from penstock.errors import BadJob
from penstock.job import Progress
from penstock.policy import Failed, Returned, Stopped
from penstock.remote import Wish
from penstock.serialization import JSON, JSONObject
from penstock.server import claims_payload as payload

CLAIM = {"claim": "c"}


def test_a_wish_with_everything() -> None:
    asked = payload.wish(
        {
            "types": ["a", "b", "a"],
            "domains": ["d"],
            "limit": 1000,
            "ttl": 0.5 + 0.5,
            "wait": 60,
            "worker": "é" * 255,
        }
    )

    assert asked.wait == timedelta(minutes=1)
    assert asked.wish == Wish(
        types=frozenset({"a", "b"}),
        domains=frozenset({"d"}),
        limit=1000,
        ttl=timedelta(seconds=1),
        worker="é" * 255,
    )


def test_a_wish_with_nothing_but_types() -> None:
    asked = payload.wish({"types": ["a"]})

    assert asked.wait == timedelta(0)
    assert asked.wish == Wish(
        types=frozenset({"a"}), limit=10, ttl=timedelta(seconds=30), worker="remote"
    )


def test_what_the_ends_of_a_claim_mean() -> None:
    assert payload.acks({**CLAIM, "result": [1]}) == [("c", Returned(result="[1]"))]
    assert payload.acks(CLAIM) == [("c", Returned())]
    assert payload.releases(CLAIM) == [("c", Stopped(started=False))]
    assert payload.releases({**CLAIM, "after": 2}) == [
        ("c", Stopped(started=False, after=timedelta(seconds=2)))
    ]
    failure = {**CLAIM, "error": "e"}
    assert payload.retries(failure) == [("c", Failed(error="e"))]
    assert payload.retries({**failure, "after": 0}) == [
        ("c", Failed(error="e", after=timedelta(0)))
    ]
    assert payload.burials({**failure, "after": 5}) == [("c", Failed(error="e", permanent=True))]


def test_many_claims_keep_their_order() -> None:
    body: JSONObject = {"claims": [{"claim": text} for text in ("b", "a", "b")]}

    assert [claim for claim, _ in payload.acks(body)] == ["b", "a", "b"]
    assert payload.acks({"claims": []}) == []


def test_a_renewal_has_one_ttl_for_all() -> None:
    many = payload.renewal({"claims": [CLAIM, {"claim": "d"}], "ttl": 60})

    assert (many.claims, many.ttl) == (["c", "d"], timedelta(minutes=1))
    assert payload.renewal(CLAIM) == payload.Renewal(["c"], timedelta(seconds=30))


def test_progress_may_say_who_makes_it() -> None:
    assert payload.progress({"percent": 7}) == (Progress(percent=7), None)
    assert payload.progress({"percent": 7.5, "message": "m", "claim": "c"}) == (
        Progress(percent=7.5, message="m"),
        "c",
    )


FAILURE: Mapping[str, JSON] = {"claim": "c", "error": "e"}
WRONG: list[tuple[Callable[[JSONObject], object], JSONObject, str]] = [
    (payload.wish, {}, "types"),
    (payload.wish, {"types": []}, "types"),
    (payload.wish, {"types": ["a"] * 101}, "types"),
    (payload.wish, {"types": ["a", "b c"]}, "types[1]"),
    (payload.wish, {"types": ["a", "callback"]}, "types[1]"),
    (payload.wish, {"types": ["a"], "domains": []}, "domains"),
    (payload.wish, {"types": ["a"], "domains": ["a", ""]}, "domains[1]"),
    (payload.wish, {"types": ["a"], "type": "a"}, "type"),
    (payload.acks, {}, "claims"),
    (payload.acks, {"claims": CLAIM}, "claims"),
    (payload.acks, {"claims": [CLAIM] * 1001}, "claims"),
    (payload.acks, {"claims": [CLAIM], "claim": "c"}, "claim"),
    (payload.acks, {"claims": [CLAIM, 7]}, "claims[1]"),
    (payload.acks, {"claims": [{}]}, "claims[0].claim"),
    (payload.acks, {"claims": [{**CLAIM, "resutl": 1}]}, "claims[0].resutl"),
    (payload.acks, {"claim": 7}, "claim"),
    (payload.releases, {**CLAIM, "after": -1}, "after"),
    (payload.retries, CLAIM, "error"),
    (payload.retries, {**FAILURE, "error": None}, "error"),
    (payload.retries, {**FAILURE, "error": "é" * 4097}, "error"),
    (payload.retries, {"claims": [FAILURE, {**FAILURE, "after": "1"}]}, "claims[1].after"),
    (payload.retries, {**FAILURE, "after": 1e9}, "after"),
    (payload.burials, CLAIM, "error"),
    (payload.renewal, {"claims": [CLAIM], "ttl": 0.5}, "ttl"),
    (payload.renewal, {"claims": [{**CLAIM, "ttl": 5}]}, "claims[0].ttl"),
    (payload.renewal, {"ttl": 5}, "claims"),
    (payload.progress, {}, "percent"),
    (payload.progress, {"percent": -0.1}, "percent"),
    (payload.progress, {"percent": 100.1}, "percent"),
    (payload.progress, {"percent": 1, "message": "x" * 1001}, "message"),
]


@pytest.mark.parametrize(("read", "body", "field"), WRONG)
def test_what_is_wrong_is_named(
    read: Callable[[JSONObject], object], body: JSONObject, field: str
) -> None:
    with pytest.raises(BadJob) as caught:
        read(body)

    assert [wrong.field for wrong in caught.value.errors] == [field]
