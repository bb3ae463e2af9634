"""The rules: how a type of job is run, what a happening means, what follows an end.

Pure functions; no clock, no store.
"""

import random
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import assert_never

from penstock.job import (
    CALLBACK_TYPE,
    Callback,
    Delivery,
    Details,
    FollowUp,
    Job,
    JobId,
    Move,
    NewJob,
    On,
    Order,
    QueueKey,
    describe,
    describe_result,
)
from penstock.serialization import JSONObject, encode

MAX_RESULT = 64 * 1024  # bytes
CALLBACK_TIMEOUT = timedelta(seconds=20)
MAX_PAUSE = timedelta(days=366)  # the longest that a handler or its target may ask for


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponential:
    """Waits that grow: first × factor^(attempt − 1), spread by ± jitter, at most `most`."""

    first: timedelta = timedelta(seconds=5)
    factor: float = 3.0
    most: timedelta = timedelta(hours=1)
    jitter: float = 0.2

    def after(self, attempt: int) -> timedelta:
        """How long to wait after the failure of this attempt (1, 2, …)."""
        grown = self.first.total_seconds() * self._growth(attempt)
        most = self.most.total_seconds()
        wait = _spread(min(grown, most), self.jitter)
        return self.most if wait >= most else timedelta(seconds=wait)

    def _growth(self, attempt: int) -> float:
        try:
            return float(self.factor) ** max(attempt - 1, 0)
        except OverflowError:
            return sys.float_info.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Waits of a list; after its end the last one."""

    steps: Sequence[timedelta]
    jitter: float = 0.2

    def after(self, attempt: int) -> timedelta:
        """How long to wait after the failure of this attempt (1, 2, …)."""
        step = self.steps[min(max(attempt, 1), len(self.steps)) - 1]
        return timedelta(seconds=_spread(step.total_seconds(), self.jitter))


# The retry schedule that the Standard Webhooks specification proposes.
CALLBACK_STEPS = Steps(
    steps=tuple(
        timedelta(seconds=seconds)
        for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the jobs of one type are treated."""

    # Of a claim: about the worker's life, not about the job's length.
    ttl: timedelta = timedelta(seconds=15)
    max_attempts: int = 3
    backoff: Exponential | Steps = field(default_factory=Exponential)
    timeout: timedelta = timedelta(hours=1)
    order: Order = Order.PRIORITY
    keep_done: timedelta = timedelta(days=1)
    keep_dead: timedelta = timedelta(days=7)
    delivery: Delivery = Delivery.AT_LEAST_ONCE


CALLBACK_POLICY = Policy(
    max_attempts=len(CALLBACK_STEPS.steps) + 1, backoff=CALLBACK_STEPS, timeout=CALLBACK_TIMEOUT
)


class Policies:
    """The policy of every type: its own, or the default."""

    def __init__(self, default: Policy, by_type: Mapping[str, Policy] | None = None) -> None:
        self._default = default
        self._by_type = {CALLBACK_TYPE: CALLBACK_POLICY} | dict(by_type or {})

    @property
    def types(self) -> Collection[str]:
        """The types that have a policy of their own."""
        return self._by_type.keys()

    def of(self, type: str) -> Policy:
        """How jobs of this type are treated."""
        return self._by_type.get(type, self._default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The handler came back."""

    result: str | None = None  # JSON text


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The handler failed, or ran out of time."""

    error: str
    permanent: bool = False
    after: timedelta | None = None  # what the handler or its target asked for
    result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The runner stopped before the handler came back."""

    started: bool
    after: timedelta = timedelta(0)  # how long nobody else shall begin it


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """The handler ended because its job was to be cancelled."""

    error: str = "cancelled while running"


Happened = Returned | Failed | Stopped | GaveUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The move to make with a claim: ack, retry, bury, release or cancel."""

    move: Move
    after: timedelta = timedelta(0)
    error: str = ""
    result: str | None = None


def decide(happened: Happened, job: Job, policy: Policy) -> Outcome:
    """What a happening means for the job that was claimed."""
    match happened:
        case Returned(result=result):
            return Outcome(move=Move.ACK, result=result)
        case GaveUp(error=error):
            return Outcome(move=Move.CANCEL, error=error)
        case Stopped():
            return _stopped(happened, job)
        case Failed():
            return _failed(happened, job, policy)
    assert_never(happened)


def expired(job: Job) -> Outcome:
    """How a job ends whose claim ran out and which may not run again."""
    if job.cancel_requested:
        return Outcome(move=Move.CANCEL, error="cancelled; its worker was lost before it stopped")
    if job.delivery is Delivery.AT_MOST_ONCE:
        return Outcome(
            move=Move.BURY,
            error="lost: its worker stopped renewing the claim, and it may not run twice",
        )
    return Outcome(
        move=Move.BURY,
        error=f"lost: its worker stopped renewing the claim on attempt {job.attempt} of {job.max_attempts}",
    )


def follow_ups(
    job: Job, outcome: Outcome, policy: Policy = CALLBACK_POLICY
) -> tuple[FollowUp, ...]:
    """The jobs to push in the commit that ends this one; the policy is that of callbacks."""
    if not job.details.callbacks:
        return ()
    match outcome.move:
        case Move.ACK:
            end, on = "done", On.DONE
        case Move.BURY:
            end, on = "dead", On.FAILED
        case Move.CANCEL:
            end, on = "cancelled", On.FAILED
        case _:
            return ()
    wanted = [callback for callback in job.details.callbacks if callback.on is on]
    ended = _ended(job, outcome, end)
    params = [callback_params(callback, job.id, end, ended) for callback in wanted]
    return tuple(FollowUp(on=on, job=_callback(job, each, policy)) for each in params)


def callback_params(callback: Callback, id: JobId, end: str, ended: JSONObject) -> JSONObject:
    """The params of the job that tells how the job with this id ended; `ended` is that job as JSON shows it."""
    # Params that cannot be read travel as their text: the callback dies of them, and no other job.
    return {
        "job_id": id,
        "command": {"type": callback.type, "params": describe_result(callback.params)},
        "event": f"job.{end}" if callback.report else None,
        "job": ended if callback.report else None,
    }


def keep(policy: Policy, move: Move) -> timedelta:
    """How long a job that ended by this move stays readable."""
    return policy.keep_done if move is Move.ACK else policy.keep_dead


def _stopped(stopped: Stopped, job: Job) -> Outcome:
    if stopped.started and job.delivery is Delivery.AT_MOST_ONCE:
        return Outcome(
            move=Move.BURY, error="lost: the runner stopped while it ran, and it may not run twice"
        )
    return Outcome(move=Move.RELEASE, after=stopped.after)


def _failed(failed: Failed, job: Job, policy: Policy) -> Outcome:
    once = job.delivery is Delivery.AT_MOST_ONCE
    if failed.permanent or once or job.attempt >= job.max_attempts:
        error = f"failed: {failed.error}" if once else failed.error
        return Outcome(move=Move.BURY, error=error, result=failed.result)
    after = failed.after if failed.after is not None else policy.backoff.after(job.attempt)
    after = min(max(after, timedelta(0)), MAX_PAUSE)
    return Outcome(move=Move.RETRY, after=after, error=failed.error)


def _callback(job: Job, params: JSONObject, policy: Policy) -> NewJob:
    return NewJob(
        queue=QueueKey(job.domain, CALLBACK_TYPE),
        params=encode(params),
        details=Details(
            context=job.details.context, trace=job.details.trace, request_id=job.details.request_id
        ),
        priority=job.priority,
        max_attempts=policy.max_attempts,
        delivery=policy.delivery,
    )


def _ended(job: Job, outcome: Outcome, end: str) -> JSONObject:
    """The job as the event shows it, without finished_at: that is the callback's own pushed_at, in the same commit."""
    shown = describe(job)
    error = job.error if outcome.move is Move.ACK else outcome.error or None  # as engines keep it
    return {**shown, "state": end, "result": describe_result(outcome.result), "error": error}


def _spread(seconds: float, jitter: float) -> float:
    return seconds * random.uniform(1 - jitter, 1 + jitter)
