"""What names a job goes to the partition of its id, in one call of each, and needs no other partition."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from penstock.conformance.builders import (
    HOUR,
    TTL,
    WORKER,
    claims,
    names,
    push,
    push_one,
)
from penstock.engine import (
    Ack,
    Bury,
    Cancel,
    CancelAnswer,
    Engine,
    Held,
    Release,
    Renew,
    Retry,
)
from penstock.errors import EngineUnavailable
from penstock.job import ClaimRef, JobId, Order, first_id
from tests.engines.federated.line import Cut
from tests.engines.federated.wide import Wide

STRANGE = first_id(7)

Ask = Callable[[Engine, Sequence[JobId]], Awaitable[Sequence[object]]]


def refs(ids: Sequence[JobId]) -> list[ClaimRef]:
    return [ClaimRef(id, 1) for id in ids]


# Verbs that name jobs, and what they answer for one that is claimed, one that waits, and one that nobody knows.
BY_ID: dict[str, tuple[Ask, object, object, object]] = {
    "renew": (
        lambda at, ids: at.renew([Renew(ref=ref, ttl=HOUR) for ref in refs(ids)]),
        Held.HELD, Held.LOST, Held.LOST,
    ),
    "ack": (lambda at, ids: at.ack([Ack(ref=ref) for ref in refs(ids)]), True, False, False),
    "bury": (
        lambda at, ids: at.bury([Bury(ref=ref, error="boom") for ref in refs(ids)]),
        True, False, False,
    ),
    "cancel": (
        lambda at, ids: at.cancel([Cancel(id=id) for id in ids]),
        CancelAnswer.ASKED, CancelAnswer.CANCELLED, CancelAnswer.REFUSED,
    ),
    "retry": (
        lambda at, ids: at.retry([Retry(ref=ref, after=HOUR, error="boom") for ref in refs(ids)]),
        Held.HELD, Held.LOST, Held.LOST,
    ),
    "release": (
        lambda at, ids: at.release([Release(ref=ref) for ref in refs(ids)]),
        Held.HELD, Held.LOST, Held.LOST,
    ),
    "ahead": (lambda at, ids: at.ahead(ids, Order.FIFO, most=9), None, 0, None),
    "requeue": (lambda at, ids: at.requeue(ids), False, False, False),
    "delete": (lambda at, ids: at.delete(ids), False, True, False),
}  # fmt: skip


async def one_of_each(wide: Wide) -> list[JobId]:
    """A claimed and a waiting job of each partition, and one that nobody knows, mixed."""
    ids = await push(
        wide.engine,
        wide.job_for("east", "e", nth=0),
        wide.job_for("west", "w", nth=0),
        wide.job_for("east", "ee", nth=1),
        wide.job_for("west", "ww", nth=1),
    )
    await wide.engine.claim_ids(ids[:2], ttl=HOUR, worker=WORKER)
    return [*ids, STRANGE]


@pytest.mark.parametrize("verb", BY_ID)
async def test_each_is_answered_in_its_place_by_one_call_of_each_partition(
    wide: Wide, verb: str
) -> None:
    ask, held, waiting, strange = BY_ID[verb]
    ids = await one_of_each(wide)

    answers = await ask(wide.engine, ids)

    assert list(answers) == [held, held, waiting, waiting, strange]
    assert [line.times(verb) for line in wide.lines.values()] == [1, 1]


@pytest.mark.parametrize("verb", BY_ID)
async def test_jobs_of_a_partition_are_answered_while_another_is_away(
    wide: Wide, verb: str
) -> None:
    ask, held, waiting, strange = BY_ID[verb]
    ids = await one_of_each(wide)
    wide.lines["west"].cut = Cut.ON_THE_WAY

    assert list(await ask(wide.engine, [ids[0], ids[2], ids[4]])) == [held, waiting, strange]
    assert wide.lines["west"].times(verb) == 0


@pytest.mark.parametrize("verb", BY_ID)
async def test_who_asks_about_a_job_that_is_away_is_told_so(wide: Wide, verb: str) -> None:
    ask, *_ = BY_ID[verb]
    ids = await one_of_each(wide)
    wide.lines["west"].cut = Cut.ON_THE_WAY

    for _ in range(2):
        with pytest.raises(EngineUnavailable, match="partition west: the line is cut"):
            await ask(wide.engine, ids)


async def test_a_job_is_found_again_as_soon_as_its_partition_is_back(wide: Wide) -> None:
    id = await push_one(wide.engine, wide.job_for("west"))
    wide.lines["west"].cut = Cut.ON_THE_WAY
    with pytest.raises(EngineUnavailable):
        await wide.engine.get([id])

    wide.lines["west"].cut = Cut.NOWHERE

    [found] = await wide.engine.get([id])
    assert found is not None
    assert names(await claims(wide.engine)) == ["a"]


async def test_named_jobs_are_claimed_as_far_as_they_can_be_reached(wide: Wide) -> None:
    ids = await push(wide.engine, wide.job_for("west", "w"), wide.job_for("east", "e"))
    wide.lines["west"].cut = Cut.ON_THE_WAY

    assert names(await wide.engine.claim_ids(ids, ttl=TTL, worker=WORKER)) == ["e"]
    with pytest.raises(EngineUnavailable, match="partition west"):
        await wide.engine.claim_ids(ids[:1], ttl=TTL, worker=WORKER)
    assert list(await wide.engine.claim_ids([STRANGE], ttl=TTL, worker=WORKER)) == []
