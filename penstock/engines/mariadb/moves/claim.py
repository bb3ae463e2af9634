"""Claim: what is picked for each want, and what becomes of it."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from penstock.engine import WHOLE_BATCH, Claimed, Want
from penstock.engines.mariadb.moves.queues import Numbers
from penstock.engines.mariadb.rows import claims_of
from penstock.engines.mariadb.session import Session
from penstock.engines.mariadb.statements import Call, Values, call, call_each
from penstock.engines.mariadb.times import duration
from penstock.job import Claim, JobId, Order, QueueKey

MOST_THROWS = 64

BEGIN = (
    call("transaction.clear"),
    call("transaction.clear_named"),
    call("transaction.begin"),
    call("transaction.clock"),
)


def claim(session: Session, wants: Sequence[Want], worker: str, numbers: Numbers) -> Claimed:
    """The worker holds what could be picked; what was found superseded has ended."""
    known = numbers.find(session, {want.queue for want in wants})
    wanted = [(place, want) for place, want in enumerate(wants) if want.queue in known]
    if not wanted:
        return Claimed([], 0)
    spans = _spans(session, wanted, known)
    claims, [[superseded]] = session.run(
        *([call("claim.forget")] if spans else []),
        *BEGIN,
        *_picks(wanted, known, spans),
        call("claim.judge"),
        call("enter.claimed", worker=worker),
        call("leave.ready"),
        call("leave.twin"),
        call("transaction.tally"),
        call("enter.claims"),
        call("claim.superseded"),
        call("claim.commit"),
    )
    if superseded:
        superseded += _end_generations(session, wanted, known, WHOLE_BATCH - superseded)
    return Claimed(claims_of(claims, worker), superseded)


def claim_ids(
    session: Session, ids: Sequence[JobId], *, ttl: timedelta, worker: str
) -> Sequence[Claim]:
    """The worker holds those of the named jobs that waited."""
    if not ids:
        return []
    [rows] = session.run(
        *BEGIN,
        *naming_ids(ids),
        call("look.scheduled"),
        call("look.ready"),
        call("claim_ids", ttl=duration(ttl)),
        call("enter.claimed", worker=worker),
        call("leave.scheduled"),
        call("leave.ready"),
        call("leave.twin"),
        call("transaction.tally"),
        call("enter.claims"),
        call("transaction.commit"),
    )
    held = {held.job.id: held for held in claims_of(rows, worker)}
    return [held[id] for id in dict.fromkeys(ids) if id in held]


def naming_ids(ids: Sequence[JobId]) -> Sequence[Call]:
    """The jobs by their ids, each once; sorted, as they are locked."""
    rows = [named(place, id) for place, id in enumerate(sorted(set(ids)))]
    return naming(rows)


def naming(rows: Sequence[Values]) -> Sequence[Call]:
    """The call names these."""
    return [call_each("transaction.name", rows)]


def named(place: int, id: JobId, **more: object) -> Values:
    """A row of `named`."""
    return {**_NOTHING, "place": place, "id": id, **more}


Span = tuple[int | None, int | None]


def _spans(
    session: Session, wanted: Sequence[tuple[int, Want]], known: Mapping[QueueKey, int]
) -> Mapping[QueueKey, Span]:
    """The first and the last id of each queue that is served in random order."""
    queues = [want.queue for _, want in wanted if want.order is Order.RANDOM]
    if not queues:
        return {}
    found = session.run(*(call("claim.span", queue=known[queue]) for queue in queues))
    return {queue: (low, high) for queue, [[low, high]] in zip(queues, found, strict=True)}


def _picks(
    wanted: Sequence[tuple[int, Want]],
    known: Mapping[QueueKey, int],
    spans: Mapping[QueueKey, Span],
) -> Iterator[Call]:
    """Lock what each want is to get. A second want of a queue passes by what the first one took."""
    taken: Counter[QueueKey] = Counter()
    for place, want in wanted:
        values: Values = {
            "place": place,
            "queue": known[want.queue],
            "floor": want.floor,
            "ttl": duration(want.ttl),
            "keep": duration(want.keep),
            "skipped": taken[want.queue],
            "most": want.limit,
            "enough": want.limit + taken[want.queue],
        }
        taken[want.queue] += want.limit
        if want.limit <= 0:
            continue
        if want.order is Order.RANDOM:
            yield from _throws(values, spans[want.queue], taken[want.queue])
        yield call(f"claim.{want.order.value}", **values)


def _throws(values: Values, span: Span, enough: int) -> Iterator[Call]:
    """Choose twice as many jobs as are wanted, one or a few behind each of many random points."""
    low, high = span
    if low is None or high is None:
        return
    count = min(2 * enough, MOST_THROWS)
    several = -(-2 * enough // count)
    throws = [
        {**values, "point": random.randint(low, high), "several": several} for _ in range(count)
    ]
    yield call_each("claim.throw", throws)
    yield call("claim.oldest", **values)


def _end_generations(
    session: Session,
    wanted: Sequence[tuple[int, Want]],
    known: Mapping[QueueKey, int],
    most: int,
) -> int:
    """How many more were superseded; they and those before have ended, in the commit of the claims."""
    generations = {
        want.queue: call(
            "claim.generation",
            place=place,
            queue=known[want.queue],
            floor=want.floor,
            keep=duration(want.keep),
            whole_batch=WHOLE_BATCH,
            most=max(most, 0),
        )
        for place, want in reversed(wanted)
    }
    [[count]], *_ = session.run(
        call("enter.finished"),
        call("leave.store"),
        call("transaction.empty"),
        *reversed(generations.values()),
        call("enter.finished"),
        call("leave.ready"),
        call("leave.twin"),
        call("leave.store"),
        call("transaction.tally"),
        call("claim.superseded"),
        call("transaction.commit"),
    )
    return int(count)


_NOTHING: Values = {
    "place": 0,
    "id": 0,
    "fence": None,
    "span": None,
    "keep": None,
    "percent": None,
    "state": None,
    "asked": False,
}
