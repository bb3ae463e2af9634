"""Jobs, wants and questions, so that a case names only what it is about."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from penstock.conformance.harness import Harness
from penstock.engine import Ack, Bury, Cancel, Claimed, Engine, Feature, JobFilter, Want
from penstock.job import (
    DEFAULT_PRIORITY,
    MAX_PRIORITY,
    Claim,
    Counts,
    Delivery,
    Details,
    Idempotency,
    Job,
    JobId,
    NewJob,
    Order,
    QueueKey,
    Root,
    State,
    params_of,
)
from penstock.serialization import encode

QUEUE = QueueKey("default", "mail")
OTHER = QueueKey("default", "thumbnail")
WORKER = "worker-1"
RIVAL = "worker-2"

NOTHING = timedelta(0)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TTL = timedelta(seconds=30)
SOON = 10  # seconds that a case waits for what must happen at once, before it fails

UNKNOWN_ID = JobId(987_654_321)
MANY = 1000

HOSTILE_TEXTS = (
    "𝄞 clef, 🚰 water, \u202eright to left, e\u0301",
    """ "double" 'single' `back` \\ {"a": [1]} %s ? :name $1 ;-- */""",
    "tab\tline\nreturn\r\x01\x7f",
    "a/b",
    "a:b|c,d\x1fe",
)


def job(
    name: str = "a",
    *,
    queue: QueueKey = QUEUE,
    params: str | None = None,
    details: Details | None = None,
    priority: int = DEFAULT_PRIORITY,
    delay: timedelta = NOTHING,
    run_at: datetime | None = None,
    dedupe_key: str | None = None,
    root: Root | None = None,
    max_attempts: int = 3,
    delivery: Delivery = Delivery.AT_LEAST_ONCE,
    idempotency: Idempotency | None = None,
) -> NewJob:
    """A job that `name_of` knows again, unless it is given params of its own."""
    return NewJob(
        queue=queue,
        params=encode({"name": name}) if params is None else params,
        details=replace(details or Details(), root_is_self=bool(root and root.is_self)),
        priority=priority,
        delay=delay,
        run_at=run_at,
        dedupe_key=dedupe_key,
        root=root,
        max_attempts=max_attempts,
        delivery=delivery,
        idempotency=idempotency,
    )


def jobs(*names: str, queue: QueueKey = QUEUE) -> list[NewJob]:
    """One job for each name."""
    return [job(name, queue=queue) for name in names]


def root(rank: int, signature: str = "family") -> Root:
    """A root of this family; one of a higher rank is newer."""
    return Root(signature=signature, timestamp=datetime(2026, 1, 1, tzinfo=UTC) + rank * SECOND)


def key(name: str = "key", fingerprint: str = "print", item: int = 0) -> Idempotency:
    """The caller's key for one push, or for one job of several that are asked for together."""
    return Idempotency(key=name, fingerprint=fingerprint, item=item)


def want(
    queue: QueueKey = QUEUE,
    *,
    limit: int = MANY,
    ttl: timedelta = TTL,
    order: Order = Order.PRIORITY,
    floor: int = 0,
    keep: timedelta = DAY,
) -> Want:
    """All there is of a queue, unless said otherwise."""
    return Want(queue=queue, limit=limit, ttl=ttl, order=order, floor=floor, keep=keep)


async def push(engine: Engine, *new: NewJob) -> list[JobId]:
    """Push the jobs as one batch; their ids."""
    return [pushed.id for pushed in await engine.push(new)]


async def push_one(engine: Engine, new: NewJob) -> JobId:
    """Push one job; its id."""
    [id] = await push(engine, new)
    return id


async def claim(engine: Engine, *wants: Want, worker: str = WORKER) -> Claimed:
    """One call of claim; without a want, for all of QUEUE."""
    return await engine.claim(wants or (want(),), worker)


async def claims(engine: Engine, *wants: Want, worker: str = WORKER) -> Sequence[Claim]:
    """What one call of claim gave; without a want, of QUEUE."""
    return (await claim(engine, *wants, worker=worker)).claims


async def claim_one(
    engine: Engine, queue: QueueKey = QUEUE, *, ttl: timedelta = TTL, worker: str = WORKER
) -> Claim:
    """The claim of the queue's next job, which must be there."""
    [one] = await claims(engine, want(queue, limit=1, ttl=ttl), worker=worker)
    return one


async def claimed_job(
    engine: Engine, new: NewJob | None = None, *, ttl: timedelta = TTL, worker: str = WORKER
) -> Claim:
    """A job that was pushed and claimed just now."""
    id = await push_one(engine, new or job())
    [one] = await engine.claim_ids([id], ttl=ttl, worker=worker)
    return one


async def put(engine: Engine, state: State, new: NewJob | None = None) -> JobId:
    """A job that was brought into this state by its usual moves, alone; its id.

    A scheduled one is due in an hour; a superseded one has the highest priority, in family "put".
    """
    new = new or job()
    match state:
        case State.READY:
            return await push_one(engine, new)
        case State.SCHEDULED:
            return await push_one(engine, replace(new, delay=HOUR))
        case State.SUPERSEDED:
            return await _put_superseded(engine, new)
        case State.CANCELLED:
            id = await push_one(engine, new)
            await engine.cancel([Cancel(id=id)])
            return id
    held = await claimed_job(engine, new)
    if state is State.DONE:
        await engine.ack([Ack(ref=held.ref)])
    if state is State.DEAD:
        await engine.bury([Bury(ref=held.ref, error="boom")])
    return held.job.id


async def read(engine: Engine, id: JobId) -> Job:
    """The stored job, which must be there."""
    [found] = await engine.get([id])
    assert found is not None, f"job {id} is gone"
    return found


async def state_of(engine: Engine, id: JobId) -> State | None:
    """The state of the job; None when it is gone."""
    [found] = await engine.get([id])
    return found.state if found else None


async def counts_of(engine: Engine, queue: QueueKey = QUEUE) -> Counts:
    """The counts of one queue."""
    return (await engine.counts([queue]))[queue]


async def everything(engine: Engine, which: JobFilter | None = None) -> list[Job]:
    """All stored jobs, newest first, read page by page."""
    found: list[Job] = []
    while page := await engine.list(
        which or JobFilter(), limit=MANY, after=found[-1].id if found else None
    ):
        # Not lower ids: a federation lists by the time of the push.
        assert page[0].id not in {job.id for job in found}, "list does not go on below `after`"
        found += page
    return found


def name_of(subject: Claim | Job) -> str:
    """The name that `job` gave it."""
    stored = subject.job if isinstance(subject, Claim) else subject
    return str(params_of(stored)["name"])


def names(subjects: Iterable[Claim | Job]) -> list[str]:
    """The names that `job` gave them."""
    return [name_of(subject) for subject in subjects]


async def expire(harness: Harness, ttl: timedelta = TTL) -> None:
    """Let so much time pass that every claim of this ttl is past its time."""
    await harness.age(ttl + SECOND)


async def both(harness: Harness) -> tuple[Engine, Engine]:
    """Two engines on the one store; the same one twice where no other process can have it."""
    if Feature.SHARED in harness.engine.features:
        return harness.engine, await harness.second()
    return harness.engine, harness.engine


async def assert_conserved(engine: Engine) -> None:
    """Every pushed job is accounted for, and every count is that of the jobs that can be read."""
    stored = Counter((stored.queue, stored.state) for stored in await everything(engine))

    for queue, counts in (await engine.counts()).items():
        told = {state: getattr(counts, state) for state in State}
        assert told == {state: stored[queue, state] for state in State}, f"counts of {queue}"
        assert counts.conserved, f"{queue}: {counts}"


@asynccontextmanager
async def untouched(engine: Engine, queue: QueueKey = OTHER) -> AsyncIterator[None]:
    """Nothing inside changes a job or a count of this queue; `age` has no place in there."""
    before = await _picture(engine, queue)
    yield
    assert await _picture(engine, queue) == before, f"{queue} was touched"


@asynccontextmanager
async def deadline(seconds: float = SOON) -> AsyncIterator[None]:
    """What is awaited inside must happen at once, else the case fails instead of hanging."""
    async with asyncio.timeout(seconds):
        yield


async def _picture(engine: Engine, queue: QueueKey) -> tuple[list[Job], Counts]:
    which = JobFilter(domain=queue.domain, type=queue.type)
    return await everything(engine, which), await counts_of(engine, queue)


async def _put_superseded(engine: Engine, new: NewJob) -> JobId:
    new = replace(new, root=root(1, "put"), priority=MAX_PRIORITY)
    id = await push_one(engine, new)
    head = await claimed_job(engine, job(queue=new.queue, root=root(2, "put")))
    await engine.ack([Ack(ref=head.ref, keep=NOTHING)])
    await engine.claim([want(new.queue, floor=MAX_PRIORITY)], WORKER)
    return id
