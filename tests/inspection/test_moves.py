"""Moves of many jobs: each is counted once, whatever became of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from penstock.clock import ManualClock
from penstock.conformance.builders import put, state_of, untouched
from penstock.engine import Ack
from penstock.engines.memory import MemoryEngine
from penstock.inspection import Inspection, Moved
from penstock.inspection.moves import BATCH
from penstock.job import Callback, Details, Job, JobId, Move, NewJob, On, QueueKey, State
from tests.inspection.conftest import Stores
from tests.inspection.desk import QUEUE, TTL, inspection

OTHER = QueueKey("default", "sms")
AFTER: Mapping[Move, Mapping[State, State | None]] = {
    Move.CANCEL: {State.SCHEDULED: State.CANCELLED, State.READY: State.CANCELLED},
    Move.REQUEUE: {State.DEAD: State.READY},
    Move.DELETE: dict.fromkeys(set(State) - {State.CLAIMED}),
}


class Rival(MemoryEngine):
    """A store in which somebody else is faster: what was just read is done when a move comes."""

    async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
        found = await super().get(ids)
        claims = await self.claim_ids(ids, ttl=TTL, worker="rival")
        await self.ack([Ack(ref=claim.ref) for claim in claims])
        return found


def mover(see: Inspection, move: Move) -> Callable[[Sequence[JobId]], Awaitable[Moved]]:
    """The method that makes this move."""
    moves: dict[Move, Callable[[Sequence[JobId]], Awaitable[Moved]]] = {
        Move.CANCEL: see.cancel_all,
        Move.REQUEUE: see.requeue_all,
        Move.DELETE: see.delete_all,
    }
    return moves[move]


async def one_of_each(stores: Stores) -> list[JobId]:
    """A job of every state in each store."""
    new = NewJob(queue=QUEUE)
    return [await put(engine, state, new) for engine in stores.engines for state in State]


def expected(move: Move) -> Moved:
    """What becomes of a job of every state in two stores, and of two unknown ones."""
    asked = 2 if move is Move.CANCEL else 0
    moved = 2 * len(AFTER[move])
    return Moved(moved=moved, asked=asked, refused=14 - moved - asked, unknown=2)


@pytest.mark.parametrize("move", AFTER)
async def test_a_move_of_many_does_what_the_move_of_one_does(move: Move, stores: Stores) -> None:
    see = inspection(*stores.engines)
    ids = await one_of_each(stores)

    moved = await mover(see, move)([*ids, JobId(77), JobId(7 * 10**13)])

    assert moved == expected(move)
    assert moved.matched == 14
    for index, id in enumerate(ids):
        before = list(State)[index % 7]
        assert await state_of(stores.engines[index // 7], id) is AFTER[move].get(before, before)


@pytest.mark.parametrize("move", AFTER)
async def test_what_is_foreseen_is_what_happens_and_changes_nothing(
    move: Move, stores: Stores
) -> None:
    see = inspection(*stores.engines)
    ids = [*await one_of_each(stores), JobId(77), JobId(7 * 10**13)]

    async with untouched(stores.first, QUEUE), untouched(stores.second, QUEUE):
        foreseen = await see.foresee(move, ids)

    assert foreseen == expected(move) == await mover(see, move)(ids)


@pytest.mark.parametrize("move", AFTER)
async def test_other_jobs_and_queues_are_left_alone(move: Move, stores: Stores) -> None:
    see = inspection(*stores.engines)
    ids = await one_of_each(stores)
    others = [await put(stores.second, state, NewJob(queue=OTHER)) for state in State]
    beside = await put(stores.first, State.DEAD, NewJob(queue=QUEUE))

    async with untouched(stores.second, OTHER):
        await mover(see, move)(ids)

    assert len(others) == 7
    assert await state_of(stores.first, beside) is State.DEAD


@pytest.mark.parametrize("move", AFTER)
async def test_an_id_that_is_named_twice_counts_once(move: Move, stores: Stores) -> None:
    state = State.DEAD if move is Move.REQUEUE else State.READY
    id = await put(stores.second, state, NewJob(queue=QUEUE))

    moved = await mover(inspection(*stores.engines), move)([id, id, JobId(9), JobId(9), id])

    assert moved == Moved(moved=1, unknown=1)


@pytest.mark.parametrize("move", AFTER)
async def test_no_ids_are_no_jobs(move: Move) -> None:
    assert await mover(inspection(MemoryEngine()), move)([]) == Moved()


@pytest.mark.parametrize("id", [0, -1, -(10**13), 2**53, 2**63, 2**80])
async def test_what_can_be_no_id_is_unknown(id: int, stores: Stores) -> None:
    assert await inspection(*stores.engines).delete_all([JobId(id)]) == Moved(unknown=1)


@pytest.mark.parametrize("move", AFTER)
async def test_more_than_a_batch_is_moved_whole(move: Move, stores: Stores) -> None:
    see = inspection(*stores.engines)
    pushed = await stores.second.push([NewJob(queue=QUEUE)] * (2 * BATCH + 1))
    ids = [one.id for one in pushed]

    moved = await mover(see, move)(ids)

    count = 0 if move is Move.REQUEUE else len(ids)
    assert moved == Moved(moved=count, refused=len(ids) - count)


@pytest.mark.parametrize("move", AFTER)
async def test_two_at_once_move_each_job_once(move: Move, stores: Stores) -> None:
    see = inspection(*stores.engines)
    state = State.DEAD if move is Move.REQUEUE else State.READY
    ids = [await put(stores.second, state, NewJob(queue=QUEUE)) for _ in range(20)]

    one, other = await asyncio.gather(mover(see, move)(ids), mover(see, move)(ids[::-1]))

    assert one.moved + other.moved == 20
    assert one.matched + one.unknown == other.matched + other.unknown == 20


@pytest.mark.parametrize("move", [Move.CANCEL, Move.REQUEUE])
async def test_a_job_that_moved_meanwhile_is_refused(move: Move) -> None:
    engine = Rival(clock=ManualClock())
    [pushed] = await engine.push([NewJob(queue=QUEUE)])

    moved = await mover(inspection(engine), move)([pushed.id])

    assert moved == Moved(refused=1)
    assert await state_of(engine, pushed.id) is State.DONE


async def test_cancelled_jobs_of_a_batch_call_back_and_asked_ones_not_yet(stores: Stores) -> None:
    back = Details(callbacks=(Callback(on=On.FAILED, type="http", params="{}"),))
    new = NewJob(queue=QUEUE, details=back)
    ids = [await put(stores.second, state, new) for state in (State.READY, State.CLAIMED)]
    see = inspection(*stores.engines)

    await see.cancel_all(ids)

    waiting, claimed = [await see.job(id) for id in ids]
    assert (waiting.state, waiting.error, len(waiting.follow_ups)) == (
        State.CANCELLED,
        "cancelled while it waited",
        1,
    )
    assert (claimed.cancel_requested, claimed.follow_ups) == (True, ())
