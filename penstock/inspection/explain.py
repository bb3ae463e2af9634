"""Why a job stands where it stands: from facts to reasons, purely; and the gathering of the facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from penstock.group import QueueGroup, Store
from penstock.job import Job, Order, State, timestamp

COUNTED = 1000  # jobs before one; more are only told to be more
SHOWN = 300  # characters of an error


class ReasonCode(StrEnum):
    """The kind of a reason, for programs."""

    FINISHED = "finished"
    CLAIMED = "claimed"
    SCHEDULED = "scheduled"
    PAUSED = "paused"
    NO_RUNNER = "no_runner"
    BEHIND = "behind"
    NEXT = "next"  # nothing stands in its way


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a job is not further yet: a code for programs, a sentence for people."""

    code: ReasonCode
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the reasons are told from."""

    job: Job
    store: str
    paused: bool = False
    runners: int = 0  # live ones that announced the job's type in its store
    ahead: int | None = None  # ready jobs that come before it, counted up to COUNTED + 1
    order: Order = Order.PRIORITY
    moved_to: str | None = None  # the store where jobs of its type live, if it is another by now


def reasons(facts: Facts) -> Sequence[Reason]:
    """Why the job is not further, the most telling first; never none."""
    job = facts.job
    if job.state.ended:
        return [_finished(job)]
    if job.state is State.CLAIMED:
        return [_claimed(job)]
    hindrances = _hindrances(facts)
    if job.state is State.SCHEDULED:
        return [_scheduled(job), *hindrances]
    if facts.ahead:
        return [*hindrances, _behind(facts, facts.ahead)]
    return hindrances or [_next(facts)]


async def facts_of(group: QueueGroup, job: Job) -> Facts:
    """What can be known of this job's place now."""
    store = group.store_of(job.id)
    if job.state.ended or job.state is State.CLAIMED:
        return Facts(job=job, store=store.name)
    order = group.policies.of(job.type).order
    [ahead] = await store.engine.ahead([job.id], order, most=COUNTED + 1)
    return Facts(
        job=job,
        store=store.name,
        paused=job.queue in await store.engine.paused(),
        runners=sum(job.type in runner.types for runner in await store.engine.workers()),
        ahead=ahead,
        order=order,
        moved_to=_moved_to(group, job, store),
    )


def _hindrances(facts: Facts) -> Sequence[Reason]:
    found: list[Reason] = []
    if facts.paused:
        told = f"queue {facts.job.queue} is paused; resume it, and its jobs are claimed again"
        found.append(Reason(ReasonCode.PAUSED, told))
    if facts.moved_to is not None or not facts.runners:
        found.append(_no_runner(facts))
    return found


def _no_runner(facts: Facts) -> Reason:
    type, store = facts.job.type, facts.store
    if facts.moved_to is not None:
        moved = f"jobs of type {type} live in store {facts.moved_to} by now"
        told = f"{moved}; no runner takes those that are left in store {store}"
    else:
        told = f"no live runner takes jobs of type {type} from store {store}; start one"
    return Reason(ReasonCode.NO_RUNNER, told)


def _moved_to(group: QueueGroup, job: Job, store: Store) -> str | None:
    if store in group.holders_of(job.type):
        return None
    return group.store_of_type(job.type).name


def _finished(job: Job) -> Reason:
    told = f"the job ended {job.state} at {timestamp(job.finished_at)}"
    # The error of a done job is that of an attempt before.
    error = None if job.state is State.DONE else job.error
    return Reason(ReasonCode.FINISHED, f"{told}: {_short(error)}" if error else told)


def _claimed(job: Job) -> Reason:
    attempt = f"attempt {job.attempt} of {job.max_attempts}"
    told = f"worker {job.worker} has held it since {timestamp(job.claimed_at)}, {attempt}"
    asked = "; it was asked to stop" if job.cancel_requested else ""
    return Reason(ReasonCode.CLAIMED, told + asked)


def _scheduled(job: Job) -> Reason:
    told = f"it waits until {timestamp(job.run_at)}, {_why_scheduled(job)}"
    return Reason(ReasonCode.SCHEDULED, told)


def _why_scheduled(job: Job) -> str:
    if job.attempt and job.error:
        failed = f"attempt {job.attempt} of {job.max_attempts} failed"
        return f"to be tried again: {failed}: {_short(job.error)}"
    return "as its worker gave it back" if job.fence else "as it was pushed to run then"


def _behind(facts: Facts, ahead: int) -> Reason:
    number = f"more than {COUNTED:,}" if ahead > COUNTED else f"{ahead:,}"
    comes = "may come" if facts.order is Order.RANDOM else "comes" if ahead == 1 else "come"
    jobs = "job" if ahead == 1 else "jobs"
    queue = f"in queue {facts.job.queue}"
    return Reason(ReasonCode.BEHIND, f"{number} ready {jobs} {comes} before it {queue}")


def _next(facts: Facts) -> Reason:
    many = facts.runners > 1
    runners = f"{facts.runners:,} live runners take" if many else "1 live runner takes"
    told = f"it is the next of queue {facts.job.queue}; {runners} such jobs, as slots are free"
    return Reason(ReasonCode.NEXT, told)


def _short(error: str) -> str:
    return error if len(error) <= SHOWN else f"{error[:SHOWN]}…"
