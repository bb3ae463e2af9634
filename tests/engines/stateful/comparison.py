"""Whether what can be read from an engine is what the model says."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from penstock.conformance.builders import HOUR, MANY
from penstock.engine import Engine, JobFilter
from penstock.job import WAITING, Claim, Counts, Job, State
from tests.engines.stateful import recipes
from tests.engines.stateful.model import Model
from tests.engines.stateful.store import Record

Picture = dict[str, object]
_Time = TypeVar("_Time", datetime, timedelta)


async def compare_jobs(engine: Engine, model: Model) -> None:
    """Each job stands as the model says, and the gone ones are gone."""
    found = await engine.list(JobFilter(), limit=MANY)
    assert [job.id for job in found] == model.matching(JobFilter())
    for job in found:
        assert of_job(job) == of_record(model.jobs[job.id])
    ids = sorted(model.ids.values(), reverse=True)
    by_id = {job.id: job for job in found}
    assert list(await engine.get(ids)) == [by_id.get(id) for id in ids]


async def compare_queues(engine: Engine, model: Model) -> None:
    """Each queue stands as the model says."""
    queues = recipes.QUEUES
    counts = await engine.counts()
    assert {queue: counts.get(queue, Counts()) for queue in queues} == model.counts(queues)
    assert all(each.conserved for each in counts.values())
    ready = await engine.ready([recipes.TYPE], limit=MANY)
    assert set(ready) == model.ready()
    assert [each.priority for each in ready] == sorted(
        (each.priority for each in ready), reverse=True
    )
    oldest = await engine.oldest(queues)
    assert {queue: hours(age) for queue, age in oldest.items()} == {
        queue: hours(age) for queue, age in model.oldest().items()
    }
    assert await engine.paused() == model.paused


def compare_claims(given: Iterable[Claim], model: Model, ttl: timedelta) -> None:
    """The claims were given as the model says, for as long as they were asked for."""
    for one in given:
        assert of_job(one.job) == of_record(model.jobs[one.job.id])
        assert one.job.claimed_at is not None
        assert hours(one.until - one.job.claimed_at) == hours(ttl)


def of_record(record: Record) -> Picture:
    """What the model says."""
    scheduled = record.state is State.SCHEDULED
    return {
        "queue": record.new.queue,
        "params": record.new.params,
        "state": record.state,
        "priority": record.priority,
        "attempt": record.attempt,
        "max_attempts": record.new.max_attempts,
        "fence": record.fence,
        "delivery": record.new.delivery,
        "run_at": hours(record.due - record.pushed_at) if scheduled else None,
        "claimed_at": _since(record.pushed_at, record.claimed_at),
        "finished_at": _since(record.pushed_at, record.finished_at),
        "worker": record.worker,
        "result": record.result,
        "error": _kind(record.error),
        "progress": record.progress,
        "cancel_requested": record.cancel_requested,
        "root": record.root,
        "dedupe_key": _key_of(record),
        "follow_ups": record.follow_ups,
    }


def _key_of(record: Record) -> str | None:
    never_claimed = record.state in WAITING and record.fence == 0
    return record.new.dedupe_key if never_claimed else None


def of_job(job: Job) -> Picture:
    """What the engine says."""
    return {
        "queue": job.queue,
        "params": job.params,
        "state": job.state,
        "priority": job.priority,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "fence": job.fence,
        "delivery": job.delivery,
        "run_at": _since(job.pushed_at, job.run_at),
        "claimed_at": _since(job.pushed_at, job.claimed_at),
        "finished_at": _since(job.pushed_at, job.finished_at),
        "worker": job.worker,
        "result": job.result,
        "error": _kind(job.error),
        "progress": job.progress,
        "cancel_requested": job.cancel_requested,
        "root": job.root,
        "dedupe_key": job.dedupe_key,
        "follow_ups": job.follow_ups,
    }


def hours(duration: timedelta | None) -> int | None:
    """As the model counts: less than half an hour is nothing."""
    return None if duration is None else round(duration / HOUR)


def _since(start: _Time, end: _Time | None) -> int | None:
    return None if end is None else hours(end - start)


def _kind(error: str | None) -> str | None:
    return "lost" if error and error.startswith("lost: ") else error
