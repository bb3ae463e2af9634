"""A store with something for every verb to do, and every verb doing it: in this process or in one that dies."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from penstock.conformance.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOTHING,
    OTHER,
    QUEUE,
    RIVAL,
    SECOND,
    TTL,
    WORKER,
    job,
    key,
    push,
    root,
    want,
)
from penstock.engine import Ack, Bury, Cancel, Engine, Registration, Release, Renew, Retry
from penstock.job import ClaimRef, FollowUp, JobId, On, Presence, Progress

# Ids as `prepare` gives them.
HELD = [ClaimRef(JobId(id), 1) for id in (1, 2, 3)]
DEAD, OLD, READY, TWIN = JobId(6), JobId(7), JobId(11), JobId(12)


Act = Callable[[Engine], Awaitable[object]]
Age = Callable[[timedelta], Awaitable[None]]


async def prepare(engine: Engine, age: Age) -> None:
    """An empty store has jobs in every state now, some of them due, expired or too old."""
    await push(engine, *(job(name) for name in ("held 1", "held 2", "held 3")))
    await push(engine, job("expired"), job("expired, last attempt", max_attempts=1))
    await push(engine, job("dead"), job("old"))
    await engine.claim_ids([JobId(4), JobId(5)], ttl=SECOND, worker=RIVAL)
    held = await engine.claim_ids([ref.id for ref in HELD], ttl=DAY, worker=WORKER)
    ended = await engine.claim_ids([DEAD, OLD], ttl=DAY, worker=WORKER)
    await engine.bury([Bury(ref=ended[0].ref, error="boom", keep=DAY)])
    await engine.ack([Ack(ref=ended[1].ref, result='"sent"', keep=SECOND)])
    await push(engine, job("stale", root=root(1)), job("fresh", root=root(2)))
    await push(engine, job("due", delay=SECOND))
    await age(MINUTE)
    await push(engine, job("ready"), job("twin", delay=HOUR, dedupe_key="twin", priority=100))
    await engine.pause([OTHER])
    await engine.announce(Presence(worker=RIVAL, slots=2), DAY)
    assert [claim.ref for claim in held] == HELD


def _then(*names: str) -> tuple[FollowUp, ...]:
    return tuple(FollowUp(on=On.DONE, job=job(name, queue=OTHER)) for name in names)


ACTS: dict[str, Act] = {
    "push": lambda engine: engine.push(
        [
            job("new", root=root(3)),
            job("later", delay=HOUR, idempotency=key()),
            job("raises its twin", dedupe_key="twin", priority=900),
            job("keyed", dedupe_key="keyed", queue=OTHER),
        ]
    ),
    "register": lambda engine: engine.register(
        [Registration(queue=QUEUE, root=root(3)), Registration(queue=OTHER, root=root(1))]
    ),
    "claim": lambda engine: engine.claim([want(limit=10), want(OTHER)], WORKER),
    "claim_ids": lambda engine: engine.claim_ids([READY, TWIN], ttl=TTL, worker=WORKER),
    "renew": lambda engine: engine.renew(
        [Renew(ref=ref, ttl=HOUR, progress=Progress(percent=50)) for ref in HELD]
    ),
    "ack": lambda engine: engine.ack(
        [
            Ack(ref=HELD[0], result="1", follow_ups=_then("one", "two")),
            Ack(ref=HELD[1], keep=NOTHING, follow_ups=_then("three")),
        ]
    ),
    "bury": lambda engine: engine.bury(
        [Bury(ref=ref, error="boom", follow_ups=_then("after")) for ref in HELD]
    ),
    "cancel": lambda engine: engine.cancel(
        [
            Cancel(id=HELD[0].id, fence=1, follow_ups=_then("after")),
            Cancel(id=HELD[1].id),
            Cancel(id=TWIN),
        ]
    ),
    "retry": lambda engine: engine.retry(
        [
            Retry(ref=HELD[0], after=NOTHING, error="boom"),
            Retry(ref=HELD[1], after=HOUR, error="boom"),
        ]
    ),
    "release": lambda engine: engine.release(
        [Release(ref=HELD[0]), Release(ref=HELD[1], after=HOUR)]
    ),
    "reclaim": lambda engine: engine.reclaim(10, ttl=TTL, worker=WORKER),
    "promote": lambda engine: engine.promote(10),
    "purge": lambda engine: engine.purge(10),
    "requeue": lambda engine: engine.requeue([DEAD]),
    "delete": lambda engine: engine.delete([DEAD, OLD, READY, TWIN]),
    "pause": lambda engine: engine.pause([QUEUE]),
    "resume": lambda engine: engine.resume([OTHER]),
    "announce": lambda engine: engine.announce(Presence(worker="new", slots=3), HOUR),
    "forget": lambda engine: engine.forget(WORKER),
}
