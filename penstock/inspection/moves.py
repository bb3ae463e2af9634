"""Moves that people ask for: cancel, requeue and delete, of one job or of many."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from penstock.engine import Cancel, CancelAnswer, Engine
from penstock.errors import EngineUnavailable, UnknownJob
from penstock.group import QueueGroup, Store
from penstock.job import CALLBACK_TYPE, MOVES, Job, JobId, Move, State
from penstock.policy import Outcome, Policies, follow_ups, keep

BATCH = 100  # jobs are read whole, and may be of 1 MiB each

CANCELLED = Outcome(move=Move.CANCEL, error="cancelled while it waited")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What became of many jobs that were to be moved; each is counted once."""

    moved: int = 0
    asked: int = 0  # claimed ones that were asked to stop
    refused: int = 0  # in a state that does not allow the move
    unknown: int = 0

    @property
    def matched(self) -> int:
        """How many of them there were."""
        return self.moved + self.asked + self.refused

    def __add__(self, other: "Moved") -> "Moved":
        return Moved(
            moved=self.moved + other.moved,
            asked=self.asked + other.asked,
            refused=self.refused + other.refused,
            unknown=self.unknown + other.unknown,
        )


# Moves jobs of one store, as they were read just before.
Act: TypeAlias = Callable[[Engine, Sequence[Job]], Awaitable[Moved]]


async def cancel_all(group: QueueGroup, ids: Sequence[JobId]) -> Moved:
    """The waiting ones have ended cancelled, the claimed ones are asked to stop."""
    return await _each_batch(group, ids, partial(_cancel, group.policies))


async def requeue_all(group: QueueGroup, ids: Sequence[JobId]) -> Moved:
    """The dead ones are ready again."""
    return await _each_batch(group, ids, _requeue)


async def delete_all(group: QueueGroup, ids: Sequence[JobId]) -> Moved:
    """Those that nobody holds are gone."""
    return await _each_batch(group, ids, _delete)


async def foresee(group: QueueGroup, move: Move, ids: Sequence[JobId]) -> Moved:
    """What the move would do now; nothing is changed."""
    return await _each_batch(group, ids, partial(_foresee, move))


def cancel_of(job: Job, policies: Policies) -> Cancel:
    """The wish to end this job cancelled, with all that follows."""
    return Cancel(
        id=job.id,
        error=CANCELLED.error,
        keep=keep(policies.of(job.type), Move.CANCEL),
        follow_ups=follow_ups(job, CANCELLED, policies.of(CALLBACK_TYPE)),
    )


async def _each_batch(group: QueueGroup, ids: Sequence[JobId], act: Act) -> Moved:
    places, unknown = _by_store(group, ids)
    total = Moved(unknown=unknown)
    away: EngineUnavailable | None = None
    for store, batch in _batches(places):
        try:
            total += await _of_one(store.engine, batch, act)
        except EngineUnavailable as error:
            away = error  # the jobs of other stores can be moved all the same
    if away is not None:
        raise away
    return total


async def _of_one(engine: Engine, ids: Sequence[JobId], act: Act) -> Moved:
    found = await engine.get(ids)
    jobs = [job for job in found if job is not None]
    moved = await act(engine, jobs) if jobs else Moved()
    return moved + Moved(unknown=len(ids) - len(jobs))


def _by_store(
    group: QueueGroup, ids: Sequence[JobId]
) -> tuple[Mapping[Store, Sequence[JobId]], int]:
    """The ids, each once, by the store that issued them, and how many none of ours did."""
    places: dict[Store, list[JobId]] = {}
    unknown = 0
    for id in dict.fromkeys(ids):
        try:
            places.setdefault(group.store_of(id), []).append(id)
        except UnknownJob:
            unknown += 1
    return places, unknown


def _batches(
    places: Mapping[Store, Sequence[JobId]],
) -> Iterator[tuple[Store, Sequence[JobId]]]:
    for store, ids in places.items():
        for start in range(0, len(ids), BATCH):
            yield store, ids[start : start + BATCH]


async def _cancel(policies: Policies, engine: Engine, jobs: Sequence[Job]) -> Moved:
    wishes = [cancel_of(job, policies) for job in _movable(Move.CANCEL, jobs)]
    answers = Counter(await engine.cancel(wishes) if wishes else ())
    moved, asked = answers[CancelAnswer.CANCELLED], answers[CancelAnswer.ASKED]
    return Moved(moved=moved, asked=asked, refused=len(jobs) - moved - asked)


async def _requeue(engine: Engine, jobs: Sequence[Job]) -> Moved:
    ids = [job.id for job in _movable(Move.REQUEUE, jobs)]
    moved = sum(await engine.requeue(ids)) if ids else 0
    return Moved(moved=moved, refused=len(jobs) - moved)


async def _delete(engine: Engine, jobs: Sequence[Job]) -> Moved:
    ids = [job.id for job in _movable(Move.DELETE, jobs)]
    moved = sum(await engine.delete(ids)) if ids else 0
    return Moved(moved=moved, refused=len(jobs) - moved)


async def _foresee(move: Move, engine: Engine, jobs: Sequence[Job]) -> Moved:
    movable = _movable(move, jobs)
    claimed = sum(job.state is State.CLAIMED for job in movable)
    return Moved(moved=len(movable) - claimed, asked=claimed, refused=len(jobs) - len(movable))


def _movable(move: Move, jobs: Sequence[Job]) -> Sequence[Job]:
    return [job for job in jobs if job.state in MOVES[move]]
