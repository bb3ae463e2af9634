"""Stories that several verbs share: who holds a claim no longer, and what follows an end."""

from datetime import timedelta

from penstock.conformance.builders import (
    MANY,
    OTHER,
    RIVAL,
    TTL,
    UNKNOWN_ID,
    WORKER,
    claimed_job,
    expire,
    job,
    put,
    state_of,
)
from penstock.conformance.harness import Harness
from penstock.engine import Bury, Cancel, CancelAnswer, Engine, Feature, Release, Retry
from penstock.job import Claim, ClaimRef, FollowUp, JobId, NewJob, On, QueueKey, State


def then(on: On, *new: NewJob) -> tuple[FollowUp, ...]:
    """These jobs as the follow-ups of one end."""
    return tuple(FollowUp(on=on, job=one) for one in new)


def states(engine: Engine) -> list[State]:
    """The states that a job of this engine can be brought into."""
    delayed = Feature.DELAY in engine.features
    return [state for state in State if delayed or state is not State.SCHEDULED]


async def one_of_each(engine: Engine, queue: QueueKey = OTHER) -> dict[State, JobId]:
    """A job of this queue in each state."""
    return {
        state: await put(engine, state, job(state.value, queue=queue)) for state in states(engine)
    }


async def overtaken(harness: Harness, new: NewJob | None = None) -> tuple[Claim, Claim]:
    """The claim of a worker that was away for too long, and the one that another worker has now."""
    engine = harness.engine
    late = await claimed_job(engine, new)
    await expire(harness)
    assert (await engine.reclaim(MANY, ttl=TTL, worker=RIVAL)).readied == 1
    [fresh] = await engine.claim_ids([late.job.id], ttl=TTL, worker=RIVAL)
    return late, fresh


async def handed_out(harness: Harness, new: NewJob | None = None) -> tuple[Claim, Claim]:
    """The claim of a worker that died on the job's last attempt, and the one that reclaim gave."""
    engine = harness.engine
    late = await claimed_job(engine, new or job(max_attempts=1))
    await expire(harness)
    [last] = (await engine.reclaim(MANY, ttl=TTL, worker=RIVAL)).last
    return late, last


async def asked(engine: Engine, new: NewJob | None = None, *, ttl: timedelta = TTL) -> Claim:
    """A claim whose job somebody wants cancelled."""
    held = await claimed_job(engine, new, ttl=ttl)
    assert await engine.cancel([Cancel(id=held.job.id)]) == [CancelAnswer.ASKED]
    return held


async def not_held(harness: Harness) -> dict[str, ClaimRef]:
    """Names of claims that nobody holds, by the reason; those that exist are jobs of QUEUE.

    A job that moved on keeps its fence: some of these name the right fence in the wrong state.
    """
    engine = harness.engine
    reclaimed = await claimed_job(engine, job("reclaimed"))
    await expire(harness)
    await engine.reclaim(MANY, ttl=TTL, worker=RIVAL)
    return {
        "reclaimed": reclaimed.ref,
        "unknown": ClaimRef(UNKNOWN_ID, 1),
        "deleted": await _deleted(engine),
        "requeued": await _requeued(engine),
        "released": await _released(engine),
        "retried": await _retried(engine),
        "cancelled by its holder": await _cancelled(engine),
        **await _of_another_fence(engine),
        **await _by_state(engine),
    }


async def _by_state(engine: Engine) -> dict[str, ClaimRef]:
    found: dict[str, ClaimRef] = {}
    for state in states(engine):
        if state is State.CLAIMED:
            continue
        id = await put(engine, state, job(state.value))
        claimed = state in {State.DONE, State.DEAD}
        found[f"is {state}"] = ClaimRef(id, 1 if claimed else 0)
        found[f"is {state}, next fence"] = ClaimRef(id, 2 if claimed else 1)
    return found


async def _of_another_fence(engine: Engine) -> dict[str, ClaimRef]:
    first = await claimed_job(engine, job("claimed twice"))
    id = first.job.id
    await engine.release([Release(ref=first.ref)])
    [now] = await engine.claim_ids([id], ttl=TTL, worker=WORKER)
    assert (first.ref.fence, now.ref.fence) == (1, 2)
    return {
        "fence of the claim before": first.ref,
        "fence zero": ClaimRef(id, 0),
        "fence to come": ClaimRef(id, 3),
    }


async def _deleted(engine: Engine) -> ClaimRef:
    id = await put(engine, State.DONE, job("deleted"))
    await engine.delete([id])
    return ClaimRef(id, 1)


async def _requeued(engine: Engine) -> ClaimRef:
    held = await claimed_job(engine, job("requeued"))
    await engine.bury([Bury(ref=held.ref, error="boom")])
    await engine.requeue([held.job.id])
    return held.ref


async def _released(engine: Engine) -> ClaimRef:
    held = await claimed_job(engine, job("released"))
    await engine.release([Release(ref=held.ref)])
    return held.ref


async def _retried(engine: Engine) -> ClaimRef:
    held = await claimed_job(engine, job("retried"))
    await engine.retry([Retry(ref=held.ref, after=timedelta(0), error="boom")])
    return held.ref


async def _cancelled(engine: Engine) -> ClaimRef:
    held = await claimed_job(engine, job("cancelled by its holder"))
    await engine.cancel([Cancel(id=held.job.id, fence=held.ref.fence)])
    assert await state_of(engine, held.job.id) is State.CANCELLED
    return held.ref
