"""What people may see and do: one job, the counts, who works; cancel, requeue, delete, pause; waiting for an end."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from penstock.engine import Cancel, CancelAnswer
from penstock.errors import EngineUnavailable, UnknownJob, WrongState
from penstock.group import QueueGroup, Store
from penstock.job import CALLBACK_TYPE, Job, JobId, Move, State
from penstock.policy import Outcome, follow_ups, keep

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(milliseconds=100)
SILENCE = timedelta(seconds=5)  # a part that waits for its store any longer does not work


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The whole installation in four numbers; callbacks are not counted."""

    waiting: int
    working: int
    slots: int  # of all live runners


@dataclass(frozen=True, slots=True)
class CallbackState:
    """What became of one callback."""

    on: str
    id: JobId
    state: str | None  # None: its own job is gone


class Health:
    """Whether every loop and store of this process works: what `readyz` tells. A change is logged."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._troubles: dict[str, str] = {}
        self._asked_at: dict[str, float] = {}

    @property
    def troubles(self) -> Mapping[str, str]:
        """What does not work now, and why; also what has waited for its store for too long."""
        now = self._now()
        waits = {part: now - since for part, since in self._asked_at.items()}
        silent = {
            part: f"no answer for {seconds:.0f} s"
            for part, seconds in waits.items()
            if seconds > SILENCE.total_seconds()
        }
        return silent | self._troubles

    def asks(self, part: str) -> None:
        """The part waits for its store, until it works or fails."""
        self._asked_at[part] = self._now()

    def works(self, part: str) -> None:
        """The part has just done its work."""
        self._asked_at.pop(part, None)
        if self._troubles.pop(part, None) is not None:
            log.info("%s works again", part)

    def fails(self, part: str, why: str) -> None:
        """The part could not do its work and goes on trying."""
        self._asked_at.pop(part, None)
        if part not in self._troubles:
            log.warning("%s: %s", part, why)
        self._troubles[part] = why


class Inspection:
    """Answers about jobs and queues, over all stores."""

    def __init__(self, group: QueueGroup) -> None:
        self._group = group
        self._watch = _Watch(group)

    async def job(self, id: JobId) -> Job:
        """The job; UnknownJob where there is none."""
        [job] = await self._group.store_of(id).engine.get([id])
        if job is None:
            raise UnknownJob(f"no job {id}: it was never pushed, or retention has removed it")
        return job

    async def callbacks(self, job: Job) -> Sequence[CallbackState]:
        """The callbacks that were pushed when the job ended."""
        if not job.follow_ups:
            return ()
        engine = self._group.store_of(job.id).engine
        found = await engine.get([follow_up.id for follow_up in job.follow_ups])
        return [
            CallbackState(follow_up.on, follow_up.id, None if other is None else other.state)
            for follow_up, other in zip(job.follow_ups, found, strict=True)
        ]

    async def ended(self, id: JobId, timeout: timedelta) -> Job:
        """The job once it has ended, or as it stands when the time is up."""
        job = await self.job(id)
        if job.state.ended or timeout <= timedelta(0):
            return job
        await self._watch.until_ended(id, timeout)
        return await self.job(id)

    def stop_waiting(self) -> None:
        """Whoever waits for an end is answered now, as the job stands: the process is to stop."""
        self._watch.stop()

    async def totals(self) -> Totals:
        """How many jobs wait and run, and how many could run at once."""
        waiting = working = slots = 0
        for store in self._group.stores.values():
            for queue, counts in (await store.engine.counts()).items():
                if queue.type != CALLBACK_TYPE:
                    waiting += counts.scheduled + counts.ready
                    working += counts.claimed
        for presence in await self._runners():
            slots += presence
        return Totals(waiting=waiting, working=working, slots=slots)

    async def cancel(self, id: JobId) -> Job:
        """The job ended cancelled, or, claimed, asked to stop; WrongState where it had ended before."""
        job = await self.job(id)
        outcome = Outcome(move=Move.CANCEL, error="cancelled while it waited")
        policies = self._group.policies
        wish = Cancel(
            id=id,
            error=outcome.error,
            keep=keep(policies.of(job.type), Move.CANCEL),
            follow_ups=follow_ups(job, outcome, policies.of(CALLBACK_TYPE)),
        )
        engine = self._group.store_of(id).engine
        [answer] = await engine.cancel([wish])
        [now] = await engine.get([id])
        if answer is CancelAnswer.REFUSED:
            state = "gone" if now is None else now.state
            raise WrongState(f"job {id} is {state}; only a waiting or claimed job can be cancelled")
        # Retention may keep a cancelled job for no time at all.
        return now or replace(job, state=State.CANCELLED, error=outcome.error, run_at=None)

    async def requeue(self, id: JobId) -> Job:
        """The dead job is ready again; WrongState in any other state."""
        [moved] = await self._group.store_of(id).engine.requeue([id])
        job = await self.job(id)
        if not moved:
            raise WrongState(f"job {id} is {job.state}; only a dead job can be retried")
        return job

    async def delete(self, id: JobId) -> Job:
        """The job, which is gone now; WrongState for a claimed one."""
        job = await self.job(id)
        [gone] = await self._group.store_of(id).engine.delete([id])
        if not gone:
            now = await self.job(id)
            raise WrongState(f"job {id} is {now.state}; cancel it first")
        return job

    async def _runners(self) -> Sequence[int]:
        seen: dict[str, int] = {}
        for store in self._group.stores.values():
            for presence in await store.engine.workers():
                seen[presence.worker] = presence.slots
        return list(seen.values())


class _Watch:
    """One look for everybody who waits: a bounded cost, however many wait; none where nobody does."""

    def __init__(self, group: QueueGroup) -> None:
        self._group = group
        self._waiting: dict[JobId, asyncio.Event] = {}
        self._waiters: dict[JobId, int] = {}
        self._looking: asyncio.Task[None] | None = None
        self._over = False

    def stop(self) -> None:
        """Nobody waits any more, now or later."""
        self._over = True
        for event in self._waiting.values():
            event.set()

    async def until_ended(self, id: JobId, timeout: timedelta) -> None:
        """Return once the job has ended, at the timeout, or when nobody shall wait any more."""
        if self._over:
            return
        event = self._waiting.setdefault(id, asyncio.Event())
        self._waiters[id] = self._waiters.get(id, 0) + 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait_for(event.wait(), timeout.total_seconds())
        except TimeoutError:
            return
        finally:
            self._leave(id)

    def _leave(self, id: JobId) -> None:
        self._waiters[id] -= 1
        if self._waiters[id] == 0:
            del self._waiters[id], self._waiting[id]
        if not self._waiting and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        while True:
            began = time.monotonic()
            for store in self._group.stores.values():
                await self._try_to_look_into(store)
            # Looking takes a sixth of the time at most, however many wait for however large jobs.
            took = time.monotonic() - began
            await asyncio.sleep(max(LOOK_EVERY.total_seconds(), 5 * took))

    async def _try_to_look_into(self, store: Store) -> None:
        try:
            await self._look_into(store)
        except EngineUnavailable:
            return  # the next look may reach it
        except Exception:
            log.exception("cannot look into store %s for jobs that have ended", store.name)

    async def _look_into(self, store: Store) -> None:
        ids = [id for id in self._waiting if self._group.store_of(id) is store]
        for id, job in zip(ids, await store.engine.get(ids) if ids else [], strict=True):
            if (job is None or job.state.ended) and id in self._waiting:
                self._waiting[id].set()
