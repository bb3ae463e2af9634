"""What a push over HTTP leaves stored: one job, a whole batch, or what is good of a batch."""

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from penstock.engine import Pushed
from penstock.errors import BadJob, EngineUnavailable, FieldError, KeyReused, NotAllowed, UnknownJob
from penstock.group import QueueGroup, Store, is_atomic
from penstock.inspection import Inspection
from penstock.job import Job, JobId, NewJob
from penstock.serialization import JSON, digest
from penstock.server.caller import Caller
from penstock.server.payload import Asked, Batch, native_job

MAX_ERRORS = 100  # more wrong jobs would help nobody and cost time
TURN = 100  # jobs; after as many, other requests have their turn


@dataclass(frozen=True, slots=True)
class Stored:
    """A job that was pushed, and what became of it."""

    new: NewJob
    pushed: Pushed


Prepared = NewJob | BadJob | NotAllowed
Entry = Stored | BadJob | NotAllowed


async def push(group: QueueGroup, asked: Asked, caller: Caller) -> Stored:
    """The job is stored; KeyReused, and nothing stored, where its key was used with another body."""
    new = _prepare(group, asked, caller)
    [pushed] = await group.store([new])
    _refuse_conflict([pushed])
    return Stored(new, pushed)


async def push_batch(group: QueueGroup, batch: Batch, caller: Caller) -> Sequence[Entry]:
    """All jobs are stored, or, of a batch that is not atomic, the good ones; each answered in its place.

    KeyReused, and nothing of the batch stored, where its key was used with another body.
    """
    if caller.idempotency is not None and not batch.items:
        raise BadJob.field("jobs", "is empty; an Idempotency-Key needs a job to be kept with")
    entries = await _prepare_all(group, batch, caller)
    if batch.atomic:
        _refuse_wrong(entries)
        _refuse_divided(group, entries)
    if caller.idempotency is not None:
        _refuse_scattered(group, entries)
    pushed = await group.store(_good(entries))
    _refuse_conflict(pushed)
    answers = iter(pushed)
    return [
        Stored(entry, next(answers)) if isinstance(entry, NewJob) else entry for entry in entries
    ]


async def glimpse(inspection: Inspection, id: JobId) -> Job | None:
    """The job that was just pushed as it stands by now; None where it cannot be seen any more.

    Whatever happened since, it was stored and must be answered so.
    """
    with contextlib.suppress(UnknownJob, EngineUnavailable):
        return await inspection.job(id)
    return None


async def _prepare_all(group: QueueGroup, batch: Batch, caller: Caller) -> Sequence[Prepared]:
    """Every job, or why not; of an atomic batch only until it is clear that it is refused."""
    entries: list[Prepared] = []
    wrong = 0
    for index in range(len(batch.items)):
        entries.append(_prepare_one(group, batch, caller, index))
        wrong += not isinstance(entries[-1], NewJob)
        if batch.atomic and wrong >= MAX_ERRORS:
            break
        if index % TURN == TURN - 1:
            await asyncio.sleep(0)
    return entries


def _good(entries: Sequence[Prepared]) -> Sequence[NewJob]:
    """The jobs to be stored. Under a key, the same ones have to be good when the batch comes again."""
    good = {place: entry for place, entry in enumerate(entries) if isinstance(entry, NewJob)}
    if len(good) == len(entries):
        return list(good.values())
    return [_chosen(new, list(good)) for new in good.values()]


def _chosen(new: NewJob, places: list[JSON]) -> NewJob:
    asked = new.idempotency
    if asked is None:
        return new
    fingerprint = digest({"asked": asked.fingerprint, "good": places})
    return replace(new, idempotency=replace(asked, fingerprint=fingerprint))


def _refuse_wrong(entries: Sequence[Prepared]) -> None:
    errors: list[FieldError] = []
    for entry in entries:
        match entry:
            case NotAllowed():
                raise entry
            case BadJob():
                errors += entry.errors
    if errors:
        raise BadJob(errors)


def _prepare_one(group: QueueGroup, batch: Batch, caller: Caller, index: int) -> Prepared:
    try:
        return _prepare(group, native_job(batch.items[index]), caller)
    except (BadJob, NotAllowed) as error:
        return error.below(f"jobs[{index}]")


def _prepare(group: QueueGroup, asked: Asked, caller: Caller) -> NewJob:
    try:
        return group.admit(caller.mark(asked.spec))
    except BadJob as error:
        raise asked.wrong(error) from error
    except NotAllowed as error:
        raise asked.refused(error) from error


def _refuse_divided(group: QueueGroup, entries: Sequence[Prepared]) -> None:
    """BadJob where the jobs cannot be stored all or none."""
    stores = _stores(group, entries)
    if len(stores) > 1:
        detail = f"the jobs live in several stores ({_names(stores)}); send a batch for each"
        raise BadJob.field("atomic", f'{detail}, or "atomic": false')
    if len(entries) > 1 and not all(map(is_atomic, stores)):
        detail = "the store of these jobs cannot store many as all or none"
        raise BadJob.field("atomic", f'{detail}; send "atomic": false')


def _refuse_scattered(group: QueueGroup, entries: Sequence[Prepared]) -> None:
    """BadJob where no store could know all the jobs again by their key."""
    stores = _stores(group, entries)
    if len(stores) > 1:
        detail = f"the jobs live in several stores ({_names(stores)}); send a batch for each"
        raise BadJob.field("Idempotency-Key", f"{detail}, with a key of its own")


def _stores(group: QueueGroup, entries: Sequence[Prepared]) -> Collection[Store]:
    types = {entry.queue.type for entry in entries if isinstance(entry, NewJob)}
    return {store.name: store for store in map(group.store_of_type, types)}.values()


def _names(stores: Collection[Store]) -> str:
    return ", ".join(sorted(store.name for store in stores))


def _refuse_conflict(pushed: Sequence[Pushed]) -> None:
    if any(answer.conflict for answer in pushed):
        raise KeyReused
