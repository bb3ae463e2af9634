"""The desk where all of it is asked: each question and each move, over all stores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from penstock.engine import CancelAnswer
from penstock.errors import UnknownJob, WrongState
from penstock.group import QueueGroup, Store, answers_of
from penstock.inspection import explain, moves, queues
from penstock.inspection.explain import Reason
from penstock.inspection.jobs import JobWish, Page, page_of
from penstock.inspection.moves import CANCELLED, Moved
from penstock.inspection.queues import QueueView
from penstock.inspection.waiting import Watch
from penstock.job import CALLBACK_TYPE, Job, JobId, Move, QueueKey, State


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


class Inspection:
    """Answers about jobs and queues, over all stores."""

    def __init__(self, group: QueueGroup) -> None:
        self._group = group
        self._watch = Watch(group)

    async def job(self, id: JobId) -> Job:
        """The job; UnknownJob where there is none."""
        [job] = await self._group.store_of(id).engine.get([id])
        if job is None:
            raise UnknownJob(f"no job {id}: it was never pushed, or retention has removed it")
        return job

    async def jobs(self, which: JobWish, *, limit: int, after: str | None = None) -> Page:
        """Up to `limit` (1 to 1000) jobs of all stores, newest first, after the `next` of another page.

        A page of large jobs, or of a context, may hold fewer, and a `next` all the same: only a page
        without one is the last. BadJob names a wrong argument.
        """
        return await page_of(self._group, which, limit=limit, after=after)

    async def callbacks(self, job: Job) -> Sequence[CallbackState]:
        """The callbacks that were pushed when the job ended."""
        [callbacks] = await self.callbacks_of([job])
        return callbacks

    async def callbacks_of(self, jobs: Sequence[Job]) -> Sequence[Sequence[CallbackState]]:
        """The callbacks of each job, in its place; one look into each store."""
        # A callback lives in the store of its job.
        wanted: dict[Store, list[JobId]] = {}
        for job in jobs:
            ids = [follow_up.id for follow_up in job.follow_ups]
            if ids:
                wanted.setdefault(self._group.store_of(job.id), []).extend(ids)
        states: dict[JobId, str] = {}
        for store, ids in wanted.items():
            found = await store.engine.get(ids)
            states |= {other.id: other.state for other in found if other is not None}
        return [
            tuple(CallbackState(each.on, each.id, states.get(each.id)) for each in job.follow_ups)
            for job in jobs
        ]

    async def explain(self, id: JobId) -> Sequence[Reason]:
        """Why the job is not further, the most telling reason first; UnknownJob where there is none."""
        return explain.reasons(await explain.facts_of(self._group, await self.job(id)))

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
        stores = self._group.stores.values()
        for _, all_counts in await answers_of(self._group, stores, lambda at: at.engine.counts()):
            for queue, counts in all_counts.items():
                if queue.type != CALLBACK_TYPE:
                    waiting += counts.scheduled + counts.ready
                    working += counts.claimed
        for presence in await self._runners():
            slots += presence
        return Totals(waiting=waiting, working=working, slots=slots)

    async def queues(self) -> Sequence[QueueView]:
        """Every queue that was ever used or is paused, by domain and type; callbacks once of each store."""
        return await queues.all_queues(self._group)

    async def queue(self, key: QueueKey) -> QueueView:
        """The queue, also one never used; callbacks of all stores added up. BadJob for a bad name."""
        [view] = await queues.some_queues(self._group, [key])
        return view

    async def queues_of(self, type: str) -> Sequence[QueueKey]:
        """The queues of this type that were ever used or are paused, of all domains."""
        return await queues.keys_of(self._group, type)

    async def pause(self, keys: Sequence[QueueKey]) -> Sequence[QueueView]:
        """The queues, which give no claims until they are resumed; pushes go on. BadJob for a bad name."""
        await queues.pause(self._group, keys)
        return await queues.some_queues(self._group, keys)

    async def resume(self, keys: Sequence[QueueKey]) -> Sequence[QueueView]:
        """The queues, which give claims again. BadJob for a bad name."""
        await queues.resume(self._group, keys)
        return await queues.some_queues(self._group, keys)

    async def cancel(self, id: JobId) -> Job:
        """The job ended cancelled, or, claimed, asked to stop; WrongState where it had ended before."""
        job = await self.job(id)
        engine = self._group.store_of(id).engine
        [answer] = await engine.cancel([moves.cancel_of(job, self._group.policies)])
        [now] = await engine.get([id])
        if answer is CancelAnswer.REFUSED:
            state = "gone" if now is None else now.state
            raise WrongState(f"job {id} is {state}; only a waiting or claimed job can be cancelled")
        # Retention may keep a cancelled job for no time at all.
        return now or replace(job, state=State.CANCELLED, error=CANCELLED.error, run_at=None)

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

    async def cancel_all(self, ids: Sequence[JobId]) -> Moved:
        """The waiting ones have ended cancelled, the claimed ones are asked to stop; the rest is counted."""
        return await moves.cancel_all(self._group, ids)

    async def requeue_all(self, ids: Sequence[JobId]) -> Moved:
        """The dead ones are ready again; the rest is counted."""
        return await moves.requeue_all(self._group, ids)

    async def delete_all(self, ids: Sequence[JobId]) -> Moved:
        """Those that nobody holds are gone; the rest is counted."""
        return await moves.delete_all(self._group, ids)

    async def foresee(self, move: Move, ids: Sequence[JobId]) -> Moved:
        """What cancelling, requeuing or deleting these jobs would do now; nothing is changed."""
        return await moves.foresee(self._group, move, ids)

    async def _runners(self) -> Sequence[int]:
        seen: dict[str, int] = {}
        stores = self._group.stores.values()
        for _, runners in await answers_of(self._group, stores, lambda at: at.engine.workers()):
            for presence in runners:
                seen[presence.worker] = presence.slots
        return list(seen.values())
