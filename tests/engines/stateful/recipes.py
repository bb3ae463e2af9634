"""What the machine asks for: few keys, few times, few names, so that they meet often.

Every duration is a whole number of hours: the time that really passes on the way changes no answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from penstock.conformance.builders import DAY, HOUR, MANY, NOTHING
from penstock.engine import Ack, Bury, Cancel, JobFilter, Release, Renew, Retry, Want
from penstock.job import (
    ClaimRef,
    Delivery,
    FollowUp,
    Idempotency,
    JobId,
    NewJob,
    On,
    Order,
    Progress,
    QueueKey,
    Root,
    State,
)

TYPE = "mail"
NORTH, SOUTH = QUEUES = QueueKey("north", TYPE), QueueKey("south", TYPE)
WORKERS = ("anna", "bert")
NO_JOB = JobId(987_654_321)
NO_CLAIM = ClaimRef(NO_JOB, 1)
START = datetime(2026, 1, 1, tzinfo=UTC)

_Value = TypeVar("_Value")


def one_of(*values: _Value) -> SearchStrategy[_Value]:
    """One of these; the more often a value is named, the more often it is drawn."""
    return st.sampled_from(values)


def among(choices: Callable[[Any], Sequence[_Value]]) -> SearchStrategy[_Value]:
    """One of what the machine has just now."""
    return st.runner().flatmap(lambda machine: st.sampled_from(choices(machine)))


def some(what: SearchStrategy[_Value], most: int = 3) -> SearchStrategy[Sequence[_Value]]:
    """A batch."""
    return st.lists(what, min_size=1, max_size=most)


queues = one_of(NORTH, NORTH, SOUTH)
roots = [
    Root(signature=signature, timestamp=START + n * HOUR)
    for signature, generations in {"wall": 3, "roof": 2}.items()
    for n in range(generations)
]
idempotencies = [
    Idempotency(key=key, fingerprint=fingerprint, item=item)
    for key in ("red", "blue")
    for fingerprint in ("left", "right", "front")
    for item in (0, 1)
]
new_jobs = st.builds(
    NewJob,
    queue=queues,
    priority=one_of(500, 500, 100, 900),
    delay=one_of(NOTHING, NOTHING, NOTHING, HOUR, 2 * HOUR),
    dedupe_key=one_of(None, None, None, "a", "b", "c"),
    root=one_of(*[None] * len(roots), *roots),
    max_attempts=one_of(2, 1, 3),
    delivery=one_of(Delivery.AT_LEAST_ONCE, Delivery.AT_LEAST_ONCE, Delivery.AT_MOST_ONCE),
    idempotency=one_of(*[None] * 2 * len(idempotencies), *idempotencies),
)
follow_ups = st.just(()) | st.lists(
    st.builds(FollowUp, on=one_of(*On), job=new_jobs), max_size=2
).map(tuple)

ttls = one_of(HOUR, 2 * HOUR)
afters = one_of(NOTHING, HOUR)
keeps = one_of(HOUR, DAY, NOTHING)
ages = one_of(HOUR, HOUR, 2 * HOUR, DAY, 28 * DAY)
limits = one_of(MANY, MANY, 1, 2)
workers = one_of(*WORKERS)
texts = one_of("1", "[2]", None)
errors = one_of("boom", "bang")
filters = st.builds(
    JobFilter,
    domain=one_of(None, "north", "nowhere"),
    type=one_of(None, TYPE, "nothing"),
    state=one_of(None, *State),
)
wants = st.lists(
    st.builds(
        Want,
        queue=queues,
        limit=one_of(1, 2, 3, MANY),
        ttl=ttls,
        order=one_of(Order.PRIORITY, Order.PRIORITY, Order.FIFO),
        floor=one_of(0, 0, 0, 500, 900),
        keep=keeps,
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda want: want.queue,
)
rounds = some(st.tuples(some(new_jobs, 4), wants, workers))


def renewals(refs: SearchStrategy[ClaimRef]) -> SearchStrategy[Sequence[Renew]]:
    """Signs of life of these claims."""
    progress = st.none() | st.builds(Progress, percent=one_of(0.0, 12.5), message=one_of("", "on"))
    return some(st.builds(Renew, ref=refs, ttl=st.none() | ttls, progress=progress))


def acks(refs: SearchStrategy[ClaimRef]) -> SearchStrategy[Sequence[Ack]]:
    """These claims are done."""
    return some(st.builds(Ack, ref=refs, result=texts, keep=keeps, follow_ups=follow_ups))


def buries(refs: SearchStrategy[ClaimRef]) -> SearchStrategy[Sequence[Bury]]:
    """These claims are dead."""
    return some(
        st.builds(Bury, ref=refs, error=errors, result=texts, keep=keeps, follow_ups=follow_ups)
    )


def cancels(
    ids: SearchStrategy[JobId], refs: SearchStrategy[ClaimRef] | None = None
) -> SearchStrategy[Sequence[Cancel]]:
    """These jobs are not wanted, says somebody, or a holder of these claims."""
    cancel = st.builds(
        Cancel,
        id=ids,
        error=st.none() | errors,
        result=texts,
        keep=keeps,
        follow_ups=follow_ups,
    )
    if refs is None:
        return some(cancel)
    by_holder = st.builds(
        lambda cancel, ref: replace(cancel, id=ref.id, fence=ref.fence), cancel, refs
    )
    return some(by_holder | cancel)


def retries(refs: SearchStrategy[ClaimRef]) -> SearchStrategy[Sequence[Retry]]:
    """These attempts failed."""
    return some(st.builds(Retry, ref=refs, after=afters, error=errors))


def releases(refs: SearchStrategy[ClaimRef]) -> SearchStrategy[Sequence[Release]]:
    """These claims are given back."""
    return some(st.builds(Release, ref=refs, after=afters))
