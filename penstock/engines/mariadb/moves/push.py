"""Push: what is known of the jobs before, what is to be stored of them, and the storing."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.engine import IDEMPOTENCY_MEMORY, ROOT_MEMORY, Pushed
from penstock.engines.mariadb.moves.queues import Numbers
from penstock.engines.mariadb.session import Session
from penstock.engines.mariadb.statements import Call, Values, call, call_each
from penstock.engines.mariadb.times import duration, moment, time
from penstock.job import JobId, NewJob, Root, dump_details

LONGEST_CHUNK = 1024 * 1024  # characters of params in one statement, unless one job has more
MOST_ROWS = 1000

Closing = Callable[[bool], Sequence[Call]]


@dataclass(frozen=True, slots=True)
class _Record:
    """What was answered to an idempotency key."""

    fingerprint: str
    id: JobId
    deduplicated: bool
    until: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knew before the push."""

    now: int
    numbers: Numbers
    records: Mapping[bytes, _Record]


@dataclass(slots=True, kw_only=True)
class _Candidate:
    """A job that is stored unless its twin waits; equal jobs of one call are one."""

    new: NewJob
    queue: int
    priority: int
    root: Root | None
    due: int  # as far as it was known before; zero: ready
    run_at: int | None  # exactly, where it was asked for
    dedupe_key: bytes | None
    id: JobId | None = None  # once it is known, or that of its twin
    is_raised: bool = False  # its twin was there

    @property
    def is_ready(self) -> bool:
        return self.due <= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fresh:
    """The answer to come for a job that is no replay of what the store knew."""

    candidate: int
    deduplicated: bool = False
    replayed: bool = False
    conflict: bool = False


@dataclass(slots=True)
class Plan:
    """What a push comes to."""

    known: Known
    answers: list[Pushed | _Fresh] = field(default_factory=list)
    candidates: list[_Candidate] = field(default_factory=list)
    roots: dict[tuple[int, str], int] = field(default_factory=dict)
    remembered: dict[bytes, tuple[str, _Fresh]] = field(default_factory=dict)
    twins: dict[tuple[int, str], int] = field(default_factory=dict)


def push(session: Session, jobs: Sequence[NewJob], numbers: Numbers) -> Sequence[Pushed]:
    """The jobs are stored, or their twins raised."""
    plan = plan_of(jobs, look_up(session, jobs, numbers))
    opening = [call("transaction.begin"), call("transaction.clock")]
    return store(session, plan, opening, closing)


def closing(readies: bool) -> Sequence[Call]:
    """The end of a transaction that made jobs ready, or made none."""
    waking = [call("transaction.wake")] if readies else []
    return [*waking, call("transaction.commit")]


def look_up(session: Session, jobs: Sequence[NewJob], numbers: Numbers) -> Known:
    """What the store knows of the jobs' queues, keys and times; costs nothing where there is nothing to ask."""
    numbers.find_or_make(session, {job.queue for job in jobs})
    records = sorted({_record(job) for job in jobs if job.idempotency is not None})
    if not records and all(job.run_at is None for job in jobs):
        return Known(0, numbers, {})
    asked = [call("transaction.now")]
    if records:
        asked.append(call_each("push.known", [{"record": record} for record in records]))
    [[now]], *found = session.run(*asked)
    return Known(now, numbers, {row[0]: _Record(*row[1:]) for rows in found for row in rows})


def plan_of(jobs: Sequence[NewJob], known: Known) -> Plan:
    """What storing the jobs one after the other comes to."""
    plan = Plan(known)
    for new in jobs:
        plan.answers.append(_replay(plan, new) or _take_up(plan, new))
    return plan


def _replay(plan: Plan, new: NewJob) -> Pushed | _Fresh | None:
    if new.idempotency is None:
        return None
    record = _record(new)
    if first := plan.remembered.get(record):
        fingerprint, answer = first
        equal = fingerprint == new.idempotency.fingerprint
        return _Fresh(
            candidate=answer.candidate,
            deduplicated=equal and answer.deduplicated,
            replayed=equal,
            conflict=not equal,
        )
    known = plan.known.records.get(record)
    if known is None or known.until <= plan.known.now:
        return None
    equal = known.fingerprint == new.idempotency.fingerprint
    return Pushed(
        id=known.id,
        deduplicated=equal and bool(known.deduplicated),
        replayed=equal,
        conflict=not equal,
        at=time(known.until - duration(IDEMPOTENCY_MEMORY)),
    )


def _take_up(plan: Plan, new: NewJob) -> _Fresh:
    queue = plan.known.numbers[new.queue]
    if new.root is not None:
        family = queue, new.root.signature
        stamp = moment(new.root.timestamp)
        plan.roots[family] = max(stamp, plan.roots.get(family, stamp))
    answer = _equal(plan, new, queue) or _another(plan, new, queue)
    if new.idempotency is not None:
        plan.remembered[_record(new)] = new.idempotency.fingerprint, answer
    return answer


def _equal(plan: Plan, new: NewJob, queue: int) -> _Fresh | None:
    if new.dedupe_key is None:
        return None
    place = plan.twins.get((queue, new.dedupe_key))
    if place is None:
        return None
    first = plan.candidates[place]
    first.priority = max(first.priority, new.priority)
    first.root = newer(new.root, first.root)
    due, run_at = _due(new, plan.known.now)
    if due < first.due:
        first.due, first.run_at = due, run_at
    return _Fresh(candidate=place, deduplicated=True)


def _another(plan: Plan, new: NewJob, queue: int) -> _Fresh:
    place = len(plan.candidates)
    due, run_at = _due(new, plan.known.now)
    if new.dedupe_key is not None:
        plan.twins[queue, new.dedupe_key] = place
    plan.candidates.append(
        _Candidate(
            new=new,
            queue=queue,
            priority=new.priority,
            root=new.root,
            due=due,
            run_at=run_at,
            dedupe_key=None if new.dedupe_key is None else _digest(new.dedupe_key),
        )
    )
    return _Fresh(candidate=place)


def newer(root: Root | None, than: Root | None) -> Root | None:
    """The newer of two roots; the second where they are equal."""
    if root is None or (than is not None and root.timestamp <= than.timestamp):
        return than
    return root


def store(
    session: Session, plan: Plan, opening: Sequence[Call], closing: Closing
) -> Sequence[Pushed]:
    """The candidates are stored between these calls, in one round trip where nothing has to be decided on the way."""
    chunks = list(_chunks(plan.candidates))
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
    chunks: Sequence[Sequence[_Candidate]],
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
    flips, raising = _raise_twins(session, plan)
    fresh = [each for each in plan.candidates if not each.is_raised]
    session.run(
        *raising,
        *_enter(fresh),
        *_registered(plan),
        *([_tallied(flips, fresh)] if fresh or flips else []),
        *closing(bool(flips) or any(each.is_ready for each in fresh)),
    )
    return int(now)


def _raise_twins(session: Session, plan: Plan) -> tuple[Counter[int], Sequence[Call]]:
    """How many twins become ready in each queue, and what is to be done for it. The twins are locked."""
    keyed = [each for each in plan.candidates if each.dedupe_key is not None]
    if not keyed:
        return Counter(), []
    keyed.sort(key=lambda each: (each.queue, each.dedupe_key or b""))
    rows = [{"queue": each.queue, "dedupe_key": each.dedupe_key, "id": each.id} for each in keyed]
    [found] = session.run(call_each("push.twin", rows), call_each("push.twins", rows))
    standing = {(queue, key): JobId(id) for queue, key, id in found}
    own = [each.id for each in keyed]
    raised = []
    for each in keyed:
        twin = standing[each.queue, each.dedupe_key]
        if twin != each.id:
            each.id, each.is_raised = twin, True
            raised.append(each)
    if not raised:
        return Counter(), []
    lost = [id for id in own if id not in {each.id for each in keyed}]
    return _lift(session, plan, raised, lost)


def _lift(
    session: Session, plan: Plan, raised: Sequence[_Candidate], lost: Sequence[JobId | None]
) -> tuple[Counter[int], Sequence[Call]]:
    [rows] = session.run(
        call_each("push.waiting", [{"id": each.id} for each in raised]),
    )
    twins = {row[0]: row[1:] for row in rows}
    flips: Counter[int] = Counter()
    calls = [call_each("push.drop", [{"id": id} for id in lost])]
    for each in sorted(raised, key=lambda each: each.id or 0):
        priority, signature, stamp, run_at = twins[each.id]
        known = Root(signature=signature, timestamp=time(stamp)) if signature is not None else None
        calls += _raise(each, priority, known, run_at, flips, plan.known.now)
    return flips, calls


def _raise(
    candidate: _Candidate,
    priority: int,
    known: Root | None,
    run_at: int | None,
    flips: Counter[int],
    now: int,
) -> Iterator[Call]:
    """The steps that give a waiting twin what is more of the candidate's."""
    root = newer(candidate.root, known)
    highest = max(priority, candidate.priority)
    lifted: Values = {
        "id": candidate.id,
        "queue": candidate.queue,
        "priority": highest,
        "rooted": root is not None,
        "root_signature": root and root.signature,
        "root_timestamp": root and moment(root.timestamp),
        "run_at": candidate.run_at,
        "delay": candidate.due,
    }
    is_changed = highest != priority or root is not known
    if is_changed:
        yield call("push.raise_job", **lifted)
    if run_at is not None and candidate.is_ready:
        flips[candidate.queue] += 1
        yield call("push.make_ready", **lifted)
        yield call("push.leave_scheduled", **lifted)
    elif run_at is not None:
        yield call("push.raise_scheduled", **lifted)
    elif is_changed:
        yield call("push.raise_ready", **lifted)


def _insert_jobs(candidates: Sequence[_Candidate]) -> Call:
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


def _enter(candidates: Sequence[_Candidate]) -> Iterator[Call]:
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
        yield call_each(
            "push.root",
            [
                {
                    "queue": queue,
                    "signature": signature,
                    "timestamp": stamp,
                    "memory": duration(ROOT_MEMORY),
                }
                for (queue, signature), stamp in sorted(plan.roots.items())
            ],
        )
    if plan.remembered:
        rows = [_remembered(plan, record) for record in sorted(plan.remembered)]
        if plan.known.records:
            yield call_each("push.forget", rows)
        yield call_each("push.remember", rows)


def _remembered(plan: Plan, record: bytes) -> Values:
    fingerprint, answer = plan.remembered[record]
    candidate = plan.candidates[answer.candidate]
    return {
        "record": record,
        "fingerprint": fingerprint,
        "first": candidate.id,
        "offset": answer.candidate if candidate.id is None else 0,
        "deduplicated": answer.deduplicated or candidate.is_raised,
        "memory": duration(IDEMPOTENCY_MEMORY),
    }


def _tallied(flips: Mapping[int, int], fresh: Sequence[_Candidate]) -> Call:
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


def _answer(plan: Plan, answer: Pushed | _Fresh, now: int) -> Pushed:
    if isinstance(answer, Pushed):
        return answer
    candidate = plan.candidates[answer.candidate]
    if candidate.id is None:
        raise AssertionError("a stored job has an id")
    return Pushed(
        id=candidate.id,
        deduplicated=not answer.conflict and (answer.deduplicated or candidate.is_raised),
        replayed=answer.replayed,
        conflict=answer.conflict,
        at=time(now),
    )


def _chunks(candidates: Sequence[_Candidate]) -> Iterator[list[_Candidate]]:
    """The candidates in statements that a server takes, in their order."""
    chunk: list[_Candidate] = []
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


def _due(new: NewJob, now: int) -> tuple[int, int | None]:
    """How long until the job may run, and when exactly if that was said."""
    if new.run_at is None:
        return max(duration(new.delay), 0), None
    at = moment(new.run_at)
    return max(at - now, 0), at


def _record(new: NewJob) -> bytes:
    key = new.idempotency.key if new.idempotency else ""
    return _digest(f"{len(new.queue.domain)} {new.queue.domain} {key}")


def _digest(text: str) -> bytes:
    """Of a length that an index takes, and equal for equal texts only."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
