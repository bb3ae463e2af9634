"""Push: what the store knows of the jobs before, and the storing."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from penstock.engine import (
    IDEMPOTENCY_MEMORY,
    ROOT_MEMORY,
    KeyRecord,
    Pushed,
    Registration,
    key_record,
)
from penstock.engines.mariadb.moves.plan import (
    Candidate,
    Fresh,
    Known,
    Plan,
    Record,
    add,
    digest_of,
)
from penstock.engines.mariadb.moves.queues import Numbers
from penstock.engines.mariadb.moves.twins import raise_twins
from penstock.engines.mariadb.session import Session
from penstock.engines.mariadb.statements import Call, Values, call, call_each
from penstock.engines.mariadb.times import duration, moment, time
from penstock.job import JobId, NewJob, dump_details

LONGEST_CHUNK = 1024 * 1024  # characters of params in one statement, unless one job has more
MOST_ROWS = 1000

Closing = Callable[[bool], Sequence[Call]]


def push(session: Session, jobs: Sequence[NewJob], numbers: Numbers) -> Sequence[Pushed]:
    """The jobs are stored, or their twins raised."""
    plan = Plan(look_up(session, jobs, numbers))
    add(plan, jobs)
    opening = [call("transaction.begin"), call("transaction.clock")]
    return store(session, plan, opening, closing)


def register(session: Session, asked: Sequence[Registration], numbers: Numbers) -> None:
    """The roots are remembered where they are newer."""
    numbers.find_or_make(session, {each.queue for each in asked})
    roots: dict[tuple[int, str], int] = {}
    for each in asked:
        family = numbers[each.queue], each.root.signature
        stamp = moment(each.root.timestamp)
        roots[family] = max(stamp, roots.get(family, stamp))
    session.run(
        call("transaction.begin"),
        call("transaction.clock"),
        _newest(roots),
        call("transaction.commit"),
    )


def closing(readies: bool) -> Sequence[Call]:
    """The end of a transaction that made jobs ready, or made none."""
    waking = [call("transaction.wake")] if readies else []
    return [*waking, call("transaction.commit")]


def look_up(session: Session, jobs: Sequence[NewJob], numbers: Numbers) -> Known:
    """What the store knows of the jobs' queues, keys and times; costs nothing where there is nothing to ask."""
    numbers.find_or_make(session, {job.queue for job in jobs})
    records = sorted({digest_of(record) for record in map(key_record, jobs) if record})
    if not records and all(job.run_at is None for job in jobs):
        return Known(0, numbers, {}, ())
    asked = [call("transaction.now")]
    if records:
        asked.append(call_each("push.known", [{"record": record} for record in records]))
    [[now]], *found = session.run(*asked)
    known = {row[0]: Record(*row[1:]) for rows in found for row in rows}
    old = [record for record, each in known.items() if each.until <= now]
    return Known(now, numbers, {key: known[key] for key in known.keys() - set(old)}, sorted(old))


def store(
    session: Session, plan: Plan, opening: Sequence[Call], closing: Closing
) -> Sequence[Pushed]:
    """The candidates are stored between these calls, in one round trip where nothing is to be decided on the way.

    Without candidates there are no calls.
    """
    chunks = list(_chunks(plan.candidates))
    if not chunks:
        return [_answer(plan, answer, 0) for answer in plan.answers]
    if len(chunks) == 1 and not plan.twins:
        now = _store_at_once(session, plan, opening, closing)
    else:
        now = _store_by_steps(session, plan, chunks, opening, closing)
    return [_answer(plan, answer, now) for answer in plan.answers]


def _store_at_once(session: Session, plan: Plan, opening: Sequence[Call], closing: Closing) -> int:
    """The store's time; the candidates have their ids."""
    [[[first, now]]] = session.run(
        *opening,
        _insert_jobs(plan.candidates),
        call("push.first"),
        *_enter(plan.candidates),
        *_registered(plan),
        _tallied(Counter(), plan.candidates),
        call("push.stored"),
        *closing(any(each.is_ready for each in plan.candidates)),
    )
    for offset, candidate in enumerate(plan.candidates):
        candidate.id = JobId(first + offset)
    return int(now)


def _store_by_steps(
    session: Session,
    plan: Plan,
    chunks: Sequence[Sequence[Candidate]],
    opening: Sequence[Call],
    closing: Closing,
) -> int:
    """As at once, but asking for ids, then for twins, before it goes on."""
    inserting = [each for chunk in chunks for each in (_insert_jobs(chunk), call("push.stored"))]
    stored = session.run(*opening, *inserting, call("transaction.time"))
    for chunk, [[first, _]] in zip(chunks, stored, strict=False):
        for offset, candidate in enumerate(chunk):
            candidate.id = JobId(first + offset)
    [[now]] = stored[-1]
    flips, raising = raise_twins(session, plan.candidates, now)
    fresh = [each for each in plan.candidates if not each.is_raised]
    session.run(
        *raising,
        *_enter(fresh),
        *_registered(plan),
        *([_tallied(flips, fresh)] if fresh or flips else []),
        *closing(bool(flips) or any(each.is_ready for each in fresh)),
    )
    return int(now)


def _insert_jobs(candidates: Sequence[Candidate]) -> Call:
    return call_each(
        "push.job",
        [
            {
                "queue": each.queue,
                "priority": each.priority,
                "max_attempts": each.new.max_attempts,
                "delivery": each.new.delivery.value,
                "root_signature": each.root and each.root.signature,
                "root_timestamp": each.root and moment(each.root.timestamp),
                "details": dump_details(each.new.details),
                "params": each.new.params,
            }
            for each in candidates
        ],
    )


def _enter(candidates: Sequence[Candidate]) -> Iterator[Call]:
    """The jobs wait; those whose ids are not known yet follow the first id, each in its place."""
    rows: dict[str, list[Values]] = {"push.ready": [], "push.scheduled": []}
    for offset, each in enumerate(candidates):
        rows["push.ready" if each.is_ready else "push.scheduled"].append(
            {
                "first": each.id,
                "offset": offset if each.id is None else 0,
                "queue": each.queue,
                "priority": each.priority,
                "keyed": each.dedupe_key is not None,
                "rooted": each.root is not None,
                "run_at": each.run_at,
                "delay": each.due,
            }
        )
    for step, entering in rows.items():
        if entering:
            yield call_each(step, entering)


def _registered(plan: Plan) -> Iterator[Call]:
    """Roots and answers are remembered; sorted, so that two calls do not wait for each other."""
    if plan.roots:
        yield _newest(plan.roots)
    if plan.remembered:
        rows = [_remembered(plan, each) for each in sorted(plan.remembered, key=digest_of)]
        if plan.known.old:
            yield call_each("push.forget", [{"record": record} for record in plan.known.old])
        yield call_each("push.remember", rows)


def _remembered(plan: Plan, record: KeyRecord) -> Values:
    fingerprint, answer = plan.remembered[record]
    candidate = plan.candidates[answer.candidate]
    return {
        "record": digest_of(record),
        "fingerprint": fingerprint,
        "first": candidate.id,
        "offset": answer.candidate if candidate.id is None else 0,
        "deduplicated": answer.deduplicated or candidate.is_raised,
        "memory": duration(IDEMPOTENCY_MEMORY),
    }


def _newest(roots: Mapping[tuple[int, str], int]) -> Call:
    return call_each(
        "register",
        [
            {
                "queue": queue,
                "signature": signature,
                "timestamp": stamp,
                "memory": duration(ROOT_MEMORY),
            }
            for (queue, signature), stamp in sorted(roots.items())
        ],
    )


def _tallied(flips: Mapping[int, int], fresh: Sequence[Candidate]) -> Call:
    """The changes of the counts; a flip is a scheduled twin that becomes ready."""
    changes: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for each in fresh:
        changes[each.queue]["pushed"] += 1
        changes[each.queue]["ready" if each.is_ready else "scheduled"] += 1
    for queue, count in flips.items():
        changes[queue]["ready"] += count
        changes[queue]["scheduled"] -= count
    return call_each(
        "push.tally",
        [
            {"queue": queue, **{word: told[word] for word in ("pushed", "scheduled", "ready")}}
            for queue, told in sorted(changes.items())
        ],
    )


def _answer(plan: Plan, answer: Pushed | Fresh, now: int) -> Pushed:
    if isinstance(answer, Pushed):
        return answer
    candidate = plan.candidates[answer.candidate]
    if candidate.id is None:
        raise AssertionError("a stored job has an id")
    return Pushed(
        id=candidate.id,
        deduplicated=answer.deduplicated or candidate.is_raised,
        replayed=answer.replayed,
        at=time(now),
    )


def _chunks(candidates: Sequence[Candidate]) -> Iterator[list[Candidate]]:
    """The candidates in statements that a server takes, in their order."""
    chunk: list[Candidate] = []
    length = 0
    for each in candidates:
        size = len(each.new.params)
        if chunk and (length + size > LONGEST_CHUNK or len(chunk) == MOST_ROWS):
            yield chunk
            chunk, length = [], 0
        chunk.append(each)
        length += size
    if chunk:
        yield chunk
