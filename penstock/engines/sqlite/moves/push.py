"""Push: store jobs, or raise the twins that are waiting already."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from penstock.engine import (
    CONFLICT,
    IDEMPOTENCY_MEMORY,
    ROOT_MEMORY,
    KeyRecord,
    Pushed,
    Registration,
    conflicts,
    key_record,
)
from penstock.engines.sqlite.moves.places import Entry, enter, take_scheduled
from penstock.engines.sqlite.rows import Row, as_json, in_batches
from penstock.engines.sqlite.times import later, stored, told
from penstock.engines.sqlite.transaction import PUSHED, Transaction
from penstock.job import JobId, NewJob, Root, dump_details


@dataclass(frozen=True, slots=True)
class Asked:
    """A job to push, and whatever tells apart the calls that are pushed together."""

    call: Hashable
    new: NewJob


@dataclass(frozen=True, slots=True)
class _Known:
    """What was answered to an idempotency key."""

    fingerprint: str
    answer: Pushed


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A job that no key replays, and the id that it has if it is stored."""

    id: int
    queue: int
    run_at: int
    new: NewJob


class _Raise(NamedTuple):
    """What a waiting twin is raised to."""

    twin: int
    priority: int
    run_at: int
    signature: str | None
    timestamp: int | None


def push(tx: Transaction, asked: Sequence[Asked]) -> Sequence[Pushed]:
    """Store the jobs of all calls, all or none, and answer each in its place."""
    jobs = [each.new for each in asked]
    known = _known_keys(tx, jobs)
    fallen = _fallen(asked, known)
    fresh = _fresh(jobs, known, fallen)
    answers = dict(zip(fresh, _push_fresh(tx, [jobs[place] for place in fresh]), strict=True))
    known |= _remember(tx, [(jobs[place], answers[place]) for place in fresh])
    answers |= dict.fromkeys(fallen, CONFLICT)
    return [
        answers[place] if place in answers else _replay(new, known)
        for place, new in enumerate(jobs)
    ]


def register(tx: Transaction, asked: Sequence[Registration]) -> Sequence[None]:
    """Remember the roots that are newer."""
    numbers = tx.queues_made({each.queue for each in asked})
    _register_roots(tx, [(numbers[each.queue], each.root) for each in asked])
    return [None] * len(asked)


def _known_keys(tx: Transaction, jobs: Sequence[NewJob]) -> dict[KeyRecord, _Known]:
    keys = {key for new in jobs if (key := key_record(new))}
    if not keys:
        return {}
    rows = tx.run("push.replay", keys=as_json(sorted(keys)), now=tx.now)
    return {
        (domain, key, item): _Known(fingerprint, _first(id, deduplicated, until))
        for domain, key, item, fingerprint, id, deduplicated, until in rows
    }


def _first(id: int, deduplicated: int, until: int) -> Pushed:
    """What was answered when the key was new."""
    at = told(until) - IDEMPOTENCY_MEMORY
    return Pushed(id=JobId(id), deduplicated=bool(deduplicated), at=at)


def _fallen(asked: Sequence[Asked], known: Mapping[KeyRecord, _Known]) -> Collection[int]:
    """The places of the conflicts, each call judged as if it came after the one before."""
    calls: dict[Hashable, dict[int, NewJob]] = {}
    for place, each in enumerate(asked):
        if each.new.idempotency is not None:
            calls.setdefault(each.call, {})[place] = each.new
    prints = {record: each.fingerprint for record, each in known.items()}
    fallen: set[int] = set()
    for jobs in calls.values():
        places, keyed = list(jobs), list(jobs.values())
        falling = {places[index] for index in conflicts(keyed, prints)}
        prints |= {
            record: new.idempotency.fingerprint
            for place, new in jobs.items()
            if place not in falling and new.idempotency and (record := key_record(new))
        }
        fallen |= falling
    return fallen


def _fresh(
    jobs: Sequence[NewJob], known: Mapping[KeyRecord, _Known], fallen: Collection[int]
) -> Sequence[int]:
    """The places of the jobs that go in: whose key is new, or the first of its kind in this batch."""
    keys = set(known)
    places = []
    for place, new in enumerate(jobs):
        if place in fallen:
            continue
        key = key_record(new)
        if key is None or key not in keys:
            places.append(place)
        if key is not None:
            keys.add(key)
    return places


def _replay(new: NewJob, known: Mapping[KeyRecord, _Known]) -> Pushed:
    [found] = [known[key] for key in [key_record(new)] if key]
    return replace(found.answer, replayed=True)


def _remember(
    tx: Transaction, answered: Iterable[tuple[NewJob, Pushed]]
) -> Mapping[KeyRecord, _Known]:
    known = {
        key: _Known(new.idempotency.fingerprint, pushed)
        for new, pushed in answered
        if new.idempotency is not None and (key := key_record(new))
    }
    records: list[Row] = [
        (*key, each.fingerprint, each.answer.id, each.answer.deduplicated)
        for key, each in known.items()
    ]
    if records:
        until = later(tx.now, IDEMPOTENCY_MEMORY)
        tx.run("push.remember", records=as_json(records), until=until)
    return known


def _push_fresh(tx: Transaction, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
    if not jobs:
        return []
    fresh = _prepared(tx, jobs)
    _register_roots(tx, [(each.queue, each.new.root) for each in fresh if each.new.root])
    twins = _twins(tx, fresh)
    _store(tx, [each for each in fresh if each.id not in twins])
    _raise(tx, [_raise_of(twins[each.id], each) for each in fresh if each.id in twins])
    at = told(tx.now)
    return [
        Pushed(id=JobId(twins.get(each.id, each.id)), deduplicated=each.id in twins, at=at)
        for each in fresh
    ]


def _prepared(tx: Transaction, jobs: Sequence[NewJob]) -> Sequence[_Fresh]:
    numbers = tx.queues_made({new.queue for new in jobs})
    return [
        _Fresh(id, numbers[new.queue], _due(tx, new), new)
        for id, new in zip(tx.next_ids(len(jobs)), jobs, strict=True)
    ]


def _due(tx: Transaction, new: NewJob) -> int:
    return later(tx.now, new.delay) if new.run_at is None else stored(new.run_at)


def _register_roots(tx: Transaction, roots: Sequence[tuple[int, Root]]) -> None:
    rows: list[Row] = [(queue, root.signature, stored(root.timestamp)) for queue, root in roots]
    if rows:
        until = later(tx.now, ROOT_MEMORY)
        tx.run("register", roots=as_json(rows), until=until, now=tx.now)


def _twins(tx: Transaction, fresh: Sequence[_Fresh]) -> Mapping[int, int]:
    """The waiting job that each duplicate is equal to, by the id that the duplicate does not get."""
    keyed: list[Row] = [
        (each.queue, each.new.dedupe_key, each.id)
        for each in fresh
        if each.new.dedupe_key is not None
    ]
    if not keyed:
        return {}
    text = as_json(keyed)
    tx.run("push.key", keyed=text)
    return dict(tx.run("push.twin", keyed=text))


def _store(tx: Transaction, fresh: Sequence[_Fresh]) -> None:
    for jobs in in_batches(map(_row, fresh)):
        tx.run("push.job", jobs=jobs, now=tx.now)
    for each in fresh:
        tx.tally(each.queue, PUSHED)
    enter(tx, [Entry(each.id, each.queue, each.run_at, 0, 0) for each in fresh])


def _row(each: _Fresh) -> Row:
    new = each.new
    return (
        each.id,
        each.queue,
        new.priority,
        new.max_attempts,
        new.delivery,
        new.dedupe_key,
        *_root(new),
        dump_details(new.details),
        new.params,
    )


def _raise_of(twin: int, each: _Fresh) -> _Raise:
    return _Raise(twin, each.new.priority, each.run_at, *_root(each.new))


def _root(new: NewJob) -> tuple[str, int] | tuple[None, None]:
    return (new.root.signature, stored(new.root.timestamp)) if new.root else (None, None)


def _raise(tx: Transaction, raises: Sequence[_Raise]) -> None:
    if not raises:
        return
    text = as_json(_highest(raises))
    tx.run("push.raise_ready", raises=text)
    tx.run("push.raise", raises=text)
    scheduled = tx.run("push.raise_scheduled", raises=text)
    due = [id for id, run_at in scheduled if run_at <= tx.now]
    if due:
        taken = take_scheduled(tx, due)
        enter(
            tx, [Entry(job.id, job.queue, tx.now, job.attempt, job.fence) for job in taken.values()]
        )


def _highest(raises: Sequence[_Raise]) -> Iterable[_Raise]:
    """One raise for each twin, since a statement updates a row only once."""
    folded: dict[int, _Raise] = {}
    for each in raises:
        before = folded.get(each.twin)
        folded[each.twin] = each if before is None else _higher(before, each)
    return folded.values()


def _higher(one: _Raise, other: _Raise) -> _Raise:
    newer = other if (other.timestamp or 0) > (one.timestamp or 0) else one
    if one.timestamp is None or other.timestamp is None:
        newer = one if other.timestamp is None else other
    return _Raise(
        one.twin,
        max(one.priority, other.priority),
        min(one.run_at, other.run_at),
        newer.signature,
        newer.timestamp,
    )
