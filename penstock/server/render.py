"""From jobs to answers, purely."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from starlette.responses import Response

from penstock.inspection import CallbackState, Moved, Page, QueueView, Reason, Totals
from penstock.job import WAITING, Job, JobId, Move, NewJob, State, describe, timestamp
from penstock.policy import Exponential, Policy, Steps
from penstock.server.problems import document
from penstock.server.pushing import Entry, Stored

# Of the Queue Server: 0 waiting, 1 working, 3 done, 99 failed.
WORKER_STATUS = {
    State.SCHEDULED: 0,
    State.READY: 0,
    State.CLAIMED: 1,
    State.DONE: 3,
    State.SUPERSEDED: 3,
    State.DEAD: 99,
    State.CANCELLED: 99,
}

MOVED = {Move.CANCEL: "cancelled", Move.REQUEUE: "retried", Move.DELETE: "deleted"}

_encode = msgspec.json.Encoder().encode


class Json(Response):
    """An answer of JSON that is encoded already."""

    media_type = "application/json"


def running(version: str) -> bytes:
    """The Queue Server's greeting."""
    return _encode({"version": version, "status": "running"})


def added(id: JobId) -> bytes:
    """The Queue Server's answer to a push."""
    return _encode({"status": "OK", "job_id": id})


def totals(counted: Totals) -> bytes:
    """The Queue Server's four numbers."""
    numbers = {
        "waiting": counted.waiting,
        "working": counted.working,
        "max_threads": counted.slots,
        "free_threads": max(0, counted.slots - counted.working),
    }
    return _encode({"status": 200, "data": numbers})


def status(job: Job) -> bytes:
    """What the Queue Server tells of one job."""
    shown = {
        "id": job.id,
        "worker_status": WORKER_STATUS[job.state],
        "time_added": _plain_time(job.pushed_at),
        "time_completed": _plain_time(job.finished_at) if job.state.ended else None,
        "priority": job.priority,
    }
    return _encode({"status": 200, "data": shown})


def job(shown: Job, callbacks: Sequence[CallbackState]) -> bytes:
    """The job, and what became of its callbacks."""
    return _encode(_job(shown, callbacks))


def jobs(page: Page, callbacks: Sequence[Sequence[CallbackState]]) -> bytes:
    """The jobs of a page, each with what became of its callbacks."""
    told = [_job(job, states) for job, states in zip(page.jobs, callbacks, strict=True)]
    return _encode({"jobs": told, "next": page.next})


def moved(counted: Moved, move: Move, *, dry_run: bool) -> bytes:
    """What became of many jobs, or would become of them."""
    asked = {"asked": counted.asked} if move is Move.CANCEL else {}
    return _encode(
        {
            "matched": counted.matched,
            MOVED[move]: counted.moved,
            **asked,
            "refused": counted.refused,
            "unknown": counted.unknown,
            "dry_run": dry_run,
        }
    )


def reasons(told: Sequence[Reason]) -> bytes:
    """Why a job stands where it stands."""
    return _encode({"reasons": [{"code": one.code, "detail": one.detail} for one in told]})


def queue(view: QueueView) -> bytes:
    """One queue."""
    return _encode(_queue(view))


def queues(views: Sequence[QueueView]) -> bytes:
    """Many queues, in their order."""
    return _encode({"queues": [_queue(view) for view in views]})


def accepted(stored: Stored, kept: Job | None = None) -> bytes:
    """The job as it stood when it was pushed, whatever has become of it: a replay, of the kept job, tells the same."""
    shown = _as_pushed(stored)
    if kept is not None:
        shown["max_attempts"] = kept.max_attempts
    return _encode(shown)


def deduplicated(stored: Stored, now: Job | None) -> bytes:
    """The equal job that was waiting, and whether anything of this push was dropped for it."""
    shown: dict[str, object] = _as_pushed(stored)
    if now is not None:
        shown = {**describe(_as_waiting(now)), "callbacks": []}
    return _encode({**shown, "deduplicated": True, **_dropped(stored)})


def batch(entries: Sequence[Entry], path: str) -> bytes:
    """What became of each job of a batch, in its place."""
    return _encode({"jobs": [_entry(entry, path) for entry in entries]})


def replayed(stored: Sequence[Stored]) -> Mapping[str, str]:
    """The header that tells a repeated push from the first one."""
    again = bool(stored) and all(one.pushed.replayed for one in stored)
    return {"Idempotency-Replayed": "true"} if again else {}


def _job(shown: Job, callbacks: Sequence[CallbackState]) -> dict[str, object]:
    told = [{"on": back.on, "job_id": back.id, "state": back.state} for back in callbacks]
    return {**describe(shown), "callbacks": told, "deduplicated": False}


def _queue(view: QueueView) -> dict[str, object]:
    return {
        "domain": view.queue.domain,
        "type": view.queue.type,
        "store": view.store,
        "engine": view.engine,
        "paused": view.paused,
        "counts": {state.value: getattr(view.counts, state) for state in State},
        "oldest_ready_seconds": None if view.oldest is None else view.oldest.total_seconds(),
        "policy": _policy(view.policy),
    }


def _policy(policy: Policy) -> dict[str, object]:
    return {
        "max_attempts": policy.max_attempts,
        "backoff": _backoff(policy.backoff),
        "timeout": policy.timeout.total_seconds(),
        "ttl": policy.ttl.total_seconds(),
        "order": policy.order,
        "delivery": policy.delivery,
        "keep_done": policy.keep_done.total_seconds(),
        "keep_dead": policy.keep_dead.total_seconds(),
    }


def _backoff(backoff: Exponential | Steps) -> dict[str, object]:
    if isinstance(backoff, Steps):
        steps = [step.total_seconds() for step in backoff.steps]
        return {"steps": steps, "jitter": backoff.jitter}
    return {
        "first": backoff.first.total_seconds(),
        "factor": backoff.factor,
        "most": backoff.most.total_seconds(),
        "jitter": backoff.jitter,
    }


def _entry(entry: Entry, path: str) -> dict[str, object]:
    if not isinstance(entry, Stored):
        return {"problem": document(entry, path)}
    pushed = entry.pushed
    return {"id": pushed.id, "deduplicated": pushed.deduplicated, **_dropped(entry)}


def _dropped(stored: Stored) -> dict[str, object]:
    if stored.pushed.deduplicated and stored.new.details.callbacks:
        return {"callbacks_kept": False}
    return {}


def _as_pushed(stored: Stored) -> dict[str, object]:
    new, pushed_at = stored.new, stored.pushed.at
    run_at = _run_at(new, pushed_at)
    scheduled = new.delay or new.run_at if pushed_at is None else run_at
    return {
        "id": stored.pushed.id,
        "type": new.queue.type,
        "domain": new.queue.domain,
        "context": new.details.context,
        "priority": new.priority,
        "state": State.SCHEDULED if scheduled else State.READY,
        "attempt": 0,
        "max_attempts": new.max_attempts,
        "params": msgspec.Raw(new.params.encode()),
        "pushed_at": timestamp(pushed_at),
        "run_at": timestamp(run_at),
        "claimed_at": None,
        "finished_at": None,
        "worker": None,
        "result": None,
        "error": None,
        "progress": None,
        "cancel_requested": False,
        "callbacks": [],
        "deduplicated": False,
    }


def _run_at(new: NewJob, pushed_at: datetime | None) -> datetime | None:
    """When the job was to run, if that was later than its push."""
    if pushed_at is None:
        return new.run_at
    due = new.run_at or pushed_at + new.delay
    return due if due > pushed_at else None


def _as_waiting(job: Job) -> Job:
    """The job as it stood before anybody claimed it."""
    if job.state in WAITING and job.attempt == 0:
        return job
    return replace(
        job,
        state=State.READY,
        attempt=0,
        run_at=None,
        claimed_at=None,
        finished_at=None,
        worker=None,
        result=None,
        error=None,
        progress=None,
        cancel_requested=False,
    )


def _plain_time(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
