"""How a job leaves the place where it stands and enters another; every verb is made of these steps."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from penstock.engines.sqlite.rows import as_json, in_batches
from penstock.engines.sqlite.transaction import DELETED, Transaction
from penstock.job import ClaimRef, JobId, State

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


class Entry(NamedTuple):
    """A job that is to wait: ready if its time has come, else scheduled."""

    id: int
    queue: int
    run_at: int
    attempt: int
    fence: int


class Taken(NamedTuple):
    """A job that stands nowhere until the verb that took it puts it somewhere."""

    id: int
    queue: int
    state: State  # where it stood
    attempt: int
    fence: int
    worker: str | None = None
    claimed_at: int | None = None
    cancel_requested: int = 0
    progress: str | None = None


class Ending(NamedTuple):
    """How a taken job ends."""

    taken: Taken
    state: State
    keep_until: int
    result: str | None = None
    error: str | None = None
    follow_ups: str | None = None


def enter(tx: Transaction, entries: Sequence[Entry]) -> None:
    """The jobs wait, and those that are ready wake whoever waits for them."""
    ready = [entry for entry in entries if entry.run_at <= tx.now]
    scheduled = [entry for entry in entries if entry.run_at > tx.now]
    if ready:
        tx.run("waiting.enter_ready", entries=as_json(ready), now=tx.now)
        tx.wake()
    if scheduled:
        tx.run("waiting.enter_scheduled", entries=as_json(scheduled))
    for entry in ready:
        tx.tally(entry.queue, State.READY)
    for entry in scheduled:
        tx.tally(entry.queue, State.SCHEDULED)


def take_waiting(tx: Transaction, ids: Collection[int]) -> dict[int, Taken]:
    """Those of the jobs that waited, out of ready and scheduled, without a dedupe key."""
    if not ids:
        return {}
    taken = _take(tx, "waiting.leave_ready", State.READY, ids)
    others = [id for id in ids if id not in taken]
    if others:
        taken |= take_scheduled(tx, others)
    leave_keys(tx, taken.values())
    return taken


def leave_keys(tx: Transaction, rows: Iterable[Taken]) -> None:
    """The jobs have no dedupe key any more: an equal one may be pushed."""
    # Only a job that was never claimed can still have its key.
    never_claimed = [row.id for row in rows if row.fence == 0]
    if never_claimed:
        tx.run("waiting.leave_key", ids=as_json(never_claimed))


def take_scheduled(tx: Transaction, ids: Collection[int]) -> dict[int, Taken]:
    """Those of the jobs that were scheduled, with the dedupe key left as it is."""
    return _take(tx, "waiting.leave_scheduled", State.SCHEDULED, ids)


def take_claimed(tx: Transaction, verb: str, refs: Collection[ClaimRef]) -> dict[int, Taken]:
    """Those of the jobs that are held by these claims and that the verb may take, from their holders."""
    if not refs:
        return {}
    taken = {
        id: Taken(
            id=id,
            queue=queue,
            state=State.CLAIMED,
            attempt=attempt,
            fence=fence,
            worker=worker,
            claimed_at=claimed_at,
            cancel_requested=cancel_requested,
            progress=progress,
        )
        for id, queue, attempt, fence, worker, claimed_at, cancel_requested, progress in tx.run(
            verb, refs=refs_as_json(refs)
        )
    }
    tally_left(tx, taken.values())
    return taken


def hold(tx: Transaction, statement: str, rows: Sequence[Taken], worker: str, until: int) -> None:
    """The worker holds the jobs until then, each with its next fence and attempt."""
    if not rows:
        return
    claims = [(row.id, row.queue, row.attempt + 1, row.fence + 1) for row in rows]
    tx.run(statement, claims=as_json(claims), worker=worker, now=tx.now, until=until)
    for row in rows:
        tx.tally(row.queue, State.CLAIMED)


def end(tx: Transaction, endings: Sequence[Ending]) -> None:
    """The jobs have ended; those that are not kept are gone."""
    kept = [ending for ending in endings if ending.keep_until > tx.now]
    gone = [ending.taken for ending in endings if ending.keep_until <= tx.now]
    for ends in in_batches(map(_finished, kept)):
        tx.run("end.keep", ends=ends, now=tx.now)
    for ending in kept:
        tx.tally(ending.taken.queue, ending.state)
    if gone:
        drop(tx, gone)


def drop(tx: Transaction, gone: Collection[Taken]) -> None:
    """The jobs are deleted for good."""
    tx.run("end.drop", ids=as_json(row.id for row in gone))
    for row in gone:
        tx.tally(row.queue, DELETED)


def keep_errors(tx: Transaction, errors: Mapping[int, str]) -> None:
    """These are the last errors of jobs that go on."""
    if errors:
        tx.run("waiting.set_error", errors=as_json(errors.items()))


def take_errors(tx: Transaction, rows: Collection[Taken]) -> Mapping[int, str]:
    """The last errors of jobs that end, as far as they have one."""
    # A first claim has nothing behind it.
    old = [row.id for row in rows if row.fence > (1 if row.state is State.CLAIMED else 0)]
    if not old:
        return {}
    return dict(tx.run("waiting.take_error", ids=as_json(old)))


def tally_left(tx: Transaction, rows: Iterable[Taken]) -> None:
    """The counts of where the jobs stood are lower."""
    for row in rows:
        tx.tally(row.queue, row.state, -1)


def refs_as_json(refs: Collection[ClaimRef]) -> str:
    """Claims as a parameter: [id, fence] each."""
    return as_json([(ref.id, ref.fence) for ref in refs])


def in_rounds(
    items: Sequence[_Item],
    id_of: Callable[[_Item], JobId],
    move: Callable[[Sequence[_Item]], Sequence[_Answer]],
) -> Sequence[_Answer]:
    """What `move` answers to each, where it can take a job only once: what comes again waits for the next round."""
    answers: dict[int, _Answer] = {}
    waiting = list(enumerate(items))
    while waiting:
        first: dict[JobId, tuple[int, _Item]] = {}
        again = []
        for place, item in waiting:
            if first.setdefault(id_of(item), (place, item))[0] != place:
                again.append((place, item))
        found = move([item for _, item in first.values()])
        answers |= zip((place for place, _ in first.values()), found, strict=True)
        waiting = again
    return [answers[place] for place in range(len(items))]


def _take(tx: Transaction, statement: str, state: State, ids: Collection[int]) -> dict[int, Taken]:
    rows = tx.run(statement, ids=as_json(ids))
    taken = {
        id: Taken(id=id, queue=queue, state=state, attempt=attempt, fence=fence)
        for id, queue, attempt, fence in rows
    }
    tally_left(tx, taken.values())
    return taken


def _finished(ending: Ending) -> tuple[int | str | None, ...]:
    taken = ending.taken
    return (
        taken.id,
        taken.queue,
        ending.state,
        taken.attempt,
        taken.fence,
        taken.worker,
        taken.claimed_at,
        ending.keep_until,
        taken.cancel_requested,
        taken.progress,
        ending.follow_ups,
        ending.error,
        ending.result,
    )
