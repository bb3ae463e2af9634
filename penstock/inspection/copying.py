"""The jobs of a queue copied to another store, each once however often it is asked for; or moved there."""

import asyncio
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeAlias

from penstock.engine import Engine, JobFilter, Pushed
from penstock.errors import EngineError
from penstock.group import Store
from penstock.inspection.route import Part, Route
from penstock.job import WAITING, Counts, Idempotency, Job, JobId, NewJob, QueueKey, State

MAX_BATCH = 1000

Tell: TypeAlias = Callable[[int], None]  # so many more jobs have been looked at
_Keep: TypeAlias = Callable[[Part], None]
_Take: TypeAlias = Callable[[Engine, Sequence[JobId]], Awaitable[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What became of the jobs that waited in one queue of one store."""

    store: str
    queue: QueueKey
    copied: int = 0
    already_there: int = 0  # an earlier run has copied them
    deduplicated: int = 0  # an equal job waited there, and was raised
    refused: int = 0  # not copied: unreadable, or somebody used their idempotency key
    removed: int = 0  # from the store where they were
    left: Counts  # what stands there now
    paused: bool = False  # it was before it was moved, and still is


class _HalfWay(Exception):
    """A batch failed when its jobs may have been in both stores."""

    def __init__(self, error: EngineError) -> None:
        self.error = error


async def copy(route: Route, *, batch: int, tell: Tell) -> Sequence[Copied]:
    """Every job that waited all along is in the target as well, in the same order."""
    try:
        return [await _carry(part, route.target, batch, tell, _leave) for part in route.parts]
    except _HalfWay as half:
        raise half.error from None


async def move(route: Route, *, batch: int, tell: Tell) -> Sequence[Copied]:
    """Every job that waited all along is in the target alone, in the same order.

    The queues are paused meanwhile where they were, so that nobody begins a job that is in both stores. A run that
    was killed, or that fails with some jobs at hand, leaves them paused; the next one does the rest.
    """
    async with _paused(route.parts) as (before, stay_paused):
        moved = []
        for part in route.parts:
            try:
                moved.append(await _carry(part, route.target, batch, tell, _remove))
            except _HalfWay as half:
                stay_paused(part)
                raise _told(part, half.error) from half.error
    return [
        replace(one, paused=part in before) for one, part in zip(moved, route.parts, strict=True)
    ]


@asynccontextmanager
async def _paused(parts: Sequence[Part]) -> AsyncIterator[tuple[Sequence[Part], _Keep]]:
    """The queues give no claims; those that gave some before do so again afterwards, but for those that are kept.

    Yields the others, and what keeps one.
    """
    stores = {part.store for part in parts}
    paused = {store: await store.engine.paused() for store in stores}
    before = [part for part in parts if part.queue in paused[part.store]]
    ours: dict[Store, list[QueueKey]] = {}
    for part in parts:
        if part not in before:
            ours.setdefault(part.store, []).append(part.queue)
    # A store that is away by then keeps no other from being resumed.
    async with AsyncExitStack() as resuming:
        for store, queues in ours.items():
            resuming.push_async_callback(store.engine.resume, queues)
            await store.engine.pause(queues)
        yield before, lambda part: _keep(ours, part)


def _keep(ours: Mapping[Store, list[QueueKey]], part: Part) -> None:
    if part.queue in ours.get(part.store, ()):
        ours[part.store].remove(part.queue)


def _told(part: Part, error: EngineError) -> EngineError:
    return type(error)(
        f"{error}; {part.queue} stays paused in {part.store.name}, as some of its jobs may be in both stores: "
        "run the same again"
    )


async def _carry(part: Part, target: Store, batch: int, tell: Tell, take: _Take) -> Copied:
    engine = part.store.engine
    ids = await _waiting(engine, part.queue, batch)
    figures: Counter[str] = Counter()
    for start in range(0, len(ids), batch):
        some = [JobId(id) for id in ids[start : start + batch]]
        figures += await _to_its_end(_carry_some(part.store, some, target, take))
        tell(len(some))
    counts = await engine.counts([part.queue])
    return Copied(
        store=part.store.name,
        queue=part.queue,
        copied=figures["copied"],
        already_there=figures["already_there"],
        deduplicated=figures["deduplicated"],
        refused=figures["refused"],
        removed=figures["removed"],
        left=counts[part.queue],
    )


async def _waiting(engine: Engine, queue: QueueKey, look: int) -> Sequence[int]:
    """The ids of its waiting jobs in their order, which is the order of the queue among equals."""
    ids = array("q")
    # A job that is promoted between the two looks is found by the second.
    for state in (State.SCHEDULED, State.READY):
        which = JobFilter(domain=queue.domain, type=queue.type, state=state)
        after: JobId | None = None
        while page := await engine.list(which, limit=look, after=after):
            ids.extend(job.id for job in page)
            after = page[-1].id
    return array("q", sorted(set(ids)))


async def _to_its_end(carrying: Coroutine[object, object, Counter[str]]) -> Counter[str]:
    """What became of them. Whoever is cancelled waits for it first: half-way some jobs are in both stores."""
    task = asyncio.ensure_future(carrying)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _carry_some(
    source: Store, ids: Sequence[JobId], target: Store, take: _Take
) -> Counter[str]:
    found = await source.engine.get(ids)
    waiting = [job for job in found if job is not None and job.state in WAITING]
    readable = [job for job in waiting if job.unreadable is None]
    figures: Counter[str] = Counter(refused=len(waiting) - len(readable))
    if not readable:
        return figures
    try:
        pushed = await target.push([_copy_of(job, source) for job in readable])
        there = [job.id for job, one in zip(readable, pushed, strict=True) if not one.conflict]
        # Only now is it durable in the target.
        figures["removed"] = await take(source.engine, there)
    except EngineError as error:
        raise _HalfWay(error) from error
    return figures + Counter(_figure(one) for one in pushed)


def _copy_of(job: Job, source: Store) -> NewJob:
    """The job as it is pushed once more; of its attempts only those that are left."""
    # The store and the id name the job everywhere and for ever, so a second run finds what the first has stored.
    key = f"copy-queue {source.engine.identity.uuid}-{job.id}"
    return NewJob(
        queue=job.queue,
        params=job.params,
        details=job.details,
        priority=job.priority,
        run_at=job.run_at,
        dedupe_key=job.dedupe_key,
        root=job.root,
        max_attempts=max(1, job.max_attempts - job.attempt),
        delivery=job.delivery,
        idempotency=Idempotency(key=key, fingerprint=""),
    )


def _figure(pushed: Pushed) -> str:
    if pushed.conflict:
        return "refused"
    if pushed.replayed:
        return "already_there"
    return "deduplicated" if pushed.deduplicated else "copied"


async def _leave(engine: Engine, ids: Sequence[JobId]) -> int:
    return 0


async def _remove(engine: Engine, ids: Sequence[JobId]) -> int:
    # What was begun in the instant of the pause, and has ended since, keeps its record.
    found = await engine.get(ids)
    waiting = [job.id for job in found if job is not None and job.state in WAITING]
    return sum(await engine.delete(waiting)) if waiting else 0
