# long: every end of a claim, and what is told of it
"""A store: ends by their move, what follows from them, and what is told of them."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from penstock.clock import ManualClock
from penstock.conformance.builders import want
from penstock.engine import Cancel, Feature, JobFilter
from penstock.engines.memory import MemoryEngine
from penstock.events import Event, Events, Kind
from penstock.group import End, Store, is_atomic
from penstock.job import (
    CALLBACK_TYPE,
    Callback,
    Claim,
    Details,
    Idempotency,
    Job,
    JobId,
    Move,
    NewJob,
    On,
    QueueKey,
    State,
)
from penstock.policy import Outcome, Policies, Policy

QUEUE = QueueKey("default", "mail")
TTL = timedelta(seconds=15)
HOUR = timedelta(hours=1)
CALLBACKS = (
    Callback(on=On.DONE, type="http", params='{"url":"done"}'),
    Callback(on=On.FAILED, type="http", params='{"url":"failed"}'),
)
NEW = NewJob(queue=QUEUE, details=Details(callbacks=CALLBACKS))


@dataclass
class Place:
    """A store in memory, and what it told."""

    store: Store
    clock: ManualClock
    told: list[Event]

    async def claim(self, count: int = 1, new: NewJob = NEW) -> list[Claim]:
        """So many claims, of jobs pushed now, with nothing told yet."""
        pushed = await self.store.engine.push([new] * count)
        ids = [one.id for one in pushed]
        claims = await self.store.engine.claim_ids(ids, ttl=TTL, worker="w1")
        return list(claims)

    async def job(self, id: JobId) -> Job:
        """The job as it stands."""
        [job] = await self.store.engine.get([id])
        assert job is not None
        return job

    async def callbacks(self) -> list[str]:
        """The callback jobs that were pushed, by their params."""
        jobs = await self.store.engine.list(JobFilter(type=CALLBACK_TYPE), limit=10)
        return [job.params for job in jobs]

    async def ask_to_cancel(self, claim: Claim) -> None:
        """Somebody else wants the claimed job cancelled."""
        await self.store.engine.cancel([Cancel(id=claim.job.id)])

    async def lose(self, claim: Claim) -> None:
        """The claim has run out and was taken back."""
        await self.store.engine.forget("w1")
        await self.store.engine.reclaim(1, ttl=TTL, worker="upkeep")

    def kinds(self) -> list[tuple[Kind, JobId]]:
        """What was told, of which job."""
        return [(event.kind, event.id) for event in self.told]


@pytest.fixture
def place() -> Place:
    clock, events = ManualClock(), Events()
    keeping = Policy(keep_done=HOUR, keep_dead=2 * HOUR)
    policies = Policies(Policy(), {"mail": keeping, CALLBACK_TYPE: Policy(max_attempts=2)})
    made = Place(Store("main", MemoryEngine(clock=clock), policies, events), clock, [])
    events.listen(made.told.append)
    return made


def end(claim: Claim, move: Move, **more: str) -> End:
    return End(claim, Outcome(move=move, error=more.get("error", ""), result=more.get("result")))


async def test_each_end_of_a_mixed_batch_makes_its_move_and_is_answered_in_its_place(
    place: Place,
) -> None:
    claims = await place.claim(7)
    moves = [
        Move.RETRY,
        Move.ACK,
        Move.BURY,
        Move.RELEASE,
        Move.CANCEL,
        Move.ACK,
        Move.RETRY,
    ]
    await place.store.finish([end(claims[5], Move.BURY, error="first")])
    place.told.clear()

    held = await place.store.finish(
        [end(claim, move, error="x") for claim, move in zip(claims, moves, strict=True)]
    )

    states = [(await place.job(claim.job.id)).state for claim in claims]
    assert held == [True, True, True, True, True, False, True]
    assert states == [
        State.READY,
        State.DONE,
        State.DEAD,
        State.READY,
        State.CANCELLED,
        State.DEAD,
        State.READY,
    ]
    assert sorted(place.kinds(), key=lambda told: told[1]) == [
        (Kind.RETRIED, claims[0].job.id),
        (Kind.DONE, claims[1].job.id),
        (Kind.BURIED, claims[2].job.id),
        (Kind.RELEASED, claims[3].job.id),
        (Kind.CANCELLED, claims[4].job.id),
        (Kind.LOST, claims[5].job.id),
        (Kind.RETRIED, claims[6].job.id),
    ]


@pytest.mark.parametrize("move", [Move.ACK, Move.BURY, Move.RETRY, Move.RELEASE, Move.CANCEL])
async def test_the_end_of_a_lost_claim_changes_nothing_and_is_told_as_lost(
    place: Place, move: Move
) -> None:
    [claim] = await place.claim()
    await place.lose(claim)
    before = await place.job(claim.job.id)

    held = await place.store.finish([end(claim, move, error="late")])

    assert held == [False]
    assert place.told == [Event(Kind.LOST, "main", QUEUE, claim.job.id, "late")]
    assert await place.job(claim.job.id) == before
    assert await place.callbacks() == []


@pytest.mark.parametrize("move", [Move.RETRY, Move.RELEASE])
async def test_a_job_asked_to_cancel_is_cancelled_instead_of_lined_up_again(
    place: Place, move: Move
) -> None:
    asked, other = await place.claim(2)
    await place.ask_to_cancel(asked)

    held = await place.store.finish(
        [end(other, move, error="boom"), end(asked, move, error="boom")]
    )

    job = await place.job(asked.job.id)
    [callback] = await place.callbacks()
    assert held == [True, True]
    assert (job.state, job.error) == (State.CANCELLED, "boom")
    assert (await place.job(other.job.id)).state is State.READY
    assert '"failed"' in callback
    assert '"job.cancelled"' in callback
    moved = Kind.RETRIED if move is Move.RETRY else Kind.RELEASED
    assert place.kinds() == [(moved, other.job.id), (Kind.CANCELLED, asked.job.id)]


async def test_a_cancelled_job_has_a_reason_where_its_end_had_none(place: Place) -> None:
    [asked] = await place.claim()
    await place.ask_to_cancel(asked)

    await place.store.finish([end(asked, Move.RELEASE)])

    assert (await place.job(asked.job.id)).error == "cancelled while running"


@pytest.mark.parametrize("move", [Move.ACK, Move.BURY])
async def test_a_job_that_ended_by_itself_was_not_cancelled_though_asked(
    place: Place, move: Move
) -> None:
    [asked] = await place.claim()
    await place.ask_to_cancel(asked)

    assert await place.store.finish([end(asked, move, error="x")]) == [True]

    assert (await place.job(asked.job.id)).state in {State.DONE, State.DEAD}
    assert [kind for kind, _ in place.kinds()] in ([Kind.DONE], [Kind.BURIED])


@pytest.mark.parametrize(
    ("move", "event", "kept"),
    [
        (Move.ACK, "job.done", HOUR),
        (Move.BURY, "job.dead", 2 * HOUR),
        (Move.CANCEL, "job.cancelled", 2 * HOUR),
    ],
)
async def test_an_end_keeps_its_result_for_a_while_and_pushes_its_callback(
    place: Place, move: Move, event: str, kept: timedelta
) -> None:
    [claim] = await place.claim()

    await place.store.finish([end(claim, move, error="x", result='{"a":1}')])

    job = await place.job(claim.job.id)
    [callback] = await place.callbacks()
    assert job.result == '{"a":1}'
    assert f'"{event}"' in callback
    assert '"result":{"a":1}' in callback
    [follow_up] = job.follow_ups
    assert (await place.job(follow_up.id)).max_attempts == 2
    place.clock.tick(kept - timedelta(seconds=1))
    assert await place.store.engine.purge(10) == 0
    place.clock.tick(timedelta(seconds=1))
    assert await place.store.engine.purge(10) == 1


async def test_no_ends_are_no_calls_and_nothing_told(place: Place) -> None:
    assert await place.store.finish([]) == []
    assert place.told == []


@pytest.mark.parametrize("move", [Move.PUSH, Move.CLAIM, Move.REQUEUE, Move.DELETE])
async def test_a_move_that_ends_no_claim_is_refused(place: Place, move: Move) -> None:
    [claim] = await place.claim()

    with pytest.raises(ValueError, match=f"{move} ends no claim"):
        await place.store.finish([end(claim, move)])


async def test_two_ends_of_one_claim_are_one(place: Place) -> None:
    [claim] = await place.claim()

    held = await place.store.finish([end(claim, Move.ACK), end(claim, Move.ACK)])

    assert held == [True, False]
    assert place.kinds() == [(Kind.DONE, claim.job.id), (Kind.LOST, claim.job.id)]
    assert len(await place.callbacks()) == 1


async def test_a_push_is_told_as_what_it_was(place: Place) -> None:
    def new(key: str | None, fingerprint: str = "f", dedupe: str | None = None) -> NewJob:
        idempotency = None if key is None else Idempotency(key=key, fingerprint=fingerprint)
        return NewJob(queue=QUEUE, dedupe_key=dedupe, idempotency=idempotency)

    jobs = [new("k"), new("k"), new("k", "g"), new(None, dedupe="d"), new(None, dedupe="d")]
    pushed = await place.store.push(jobs)

    first, replay, conflict, twin, duplicate = pushed
    assert (first.id, replay.id, conflict.id) == (1, 1, 0)
    assert (replay.replayed, conflict.conflict, duplicate.deduplicated) == (True, True, True)
    assert place.kinds() == [
        (Kind.PUSHED, first.id),
        (Kind.REPLAYED, first.id),
        (Kind.PUSHED, twin.id),
        (Kind.DEDUPLICATED, twin.id),
    ]


async def test_claims_are_told_whichever_way_they_are_made(place: Place) -> None:
    first, second = await place.store.engine.push([NEW, NEW])

    claimed = await place.store.claim([want(QUEUE, limit=1)], "w1")
    named = await place.store.claim_ids([first.id, second.id], ttl=TTL, worker="w1")

    assert [claim.job.id for claim in claimed.claims] == [first.id]
    assert [claim.job.id for claim in named] == [second.id]
    assert place.kinds() == [(Kind.CLAIMED, first.id), (Kind.CLAIMED, second.id)]


async def test_a_reclaim_hands_out_what_must_be_ended(place: Place) -> None:
    await place.claim()
    await place.claim(new=NewJob(queue=QUEUE, max_attempts=1))
    place.clock.tick(TTL)

    reclaimed = await place.store.reclaim(10, ttl=TTL, worker="upkeep")

    assert reclaimed.readied == 1
    assert [claim.job.worker for claim in reclaimed.last] == ["upkeep"]


async def test_a_store_works_though_nobody_listens() -> None:
    store = Store("main", MemoryEngine(), Policies(Policy()), Events())

    [pushed] = await store.push([NEW])
    [claim] = await store.claim_ids([pushed.id], ttl=TTL, worker="w1")

    assert await store.finish([end(claim, Move.ACK)]) == [True]


class Divided(MemoryEngine):
    """A store whose pushes of many are not all or none."""

    features = MemoryEngine.features - {Feature.ATOMIC}


def test_a_store_says_whether_its_pushes_are_all_or_none() -> None:
    policies = Policies(Policy())

    assert is_atomic(Store("main", MemoryEngine(), policies, Events()))
    assert not is_atomic(Store("main", Divided(), policies, Events()))
