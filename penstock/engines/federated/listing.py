"""One list of jobs over partitions whose ids are in no common order: newest push first, going on below any job."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice

from penstock.engine import Engine, JobFilter
from penstock.engines.federated.partitions import Partitions
from penstock.job import Job, JobId, first_id, store_number

REMEMBERED = 1000  # ends of pages, so that a list goes on also where the last job is gone by then

_Age = tuple[datetime, JobId]


class Listing:
    """Lists jobs page by page."""

    def __init__(self, partitions: Partitions) -> None:
        self._partitions = partitions
        self._ends: OrderedDict[JobId, datetime] = OrderedDict()

    async def page(
        self, which: JobFilter, *, limit: int, after: JobId | None = None
    ) -> Sequence[Job]:
        """Up to `limit` jobs of the partitions that can be reached, those pushed last first, older than `after`.

        Where nothing is known of `after` any more, only lower ids are listed.
        """
        end = None if after is None else await self._end(after)
        asked = partial(_read, which, limit, after, end)
        replies = (await self._partitions.ask_live(asked)).some()
        jobs = list(islice(merge(*replies.values(), key=_age, reverse=True), limit))
        if jobs:
            self._remember(jobs[-1])
        return jobs

    async def _end(self, after: JobId) -> _Age | None:
        """When the job was pushed after which the list goes on."""
        if after in self._ends:
            return self._ends[after], after
        home = self._partitions.home(after)
        if home is None:
            return None
        replies = await self._partitions.ask({home: partial(_pushed_at, after)})
        pushed_at = replies.every()[home]
        return None if pushed_at is None else (pushed_at, after)

    def _remember(self, job: Job) -> None:
        self._ends[job.id] = job.pushed_at
        self._ends.move_to_end(job.id)
        while len(self._ends) > REMEMBERED:
            self._ends.popitem(last=False)


async def _read(
    which: JobFilter, limit: int, after: JobId | None, end: _Age | None, engine: Engine
) -> Sequence[Job]:
    """The next jobs of one partition."""
    if after is not None and end is not None and store_number(after) != engine.identity.number:
        after = await _below(engine, end)
    return await engine.list(which, limit=limit, after=after)


async def _below(engine: Engine, end: _Age) -> JobId:
    """The id below which the jobs of this partition are older than `end`.

    Ids of one partition are in the order of their pushes, so halving finds it: some twenty looks at a million jobs.
    """
    [*newest] = await engine.list(JobFilter(), limit=1)
    older = first_id(engine.identity.number)
    newer = newest[0].id + 2 if newest else older + 1
    while newer - older > 1:
        middle = JobId((older + newer) // 2)
        [*found] = await engine.list(JobFilter(), limit=1, after=middle)
        if found and _age(found[0]) >= end:
            newer = found[0].id + 1
        else:
            older = middle
    return older


async def _pushed_at(id: JobId, engine: Engine) -> datetime | None:
    [job] = await engine.get([id])
    return job.pushed_at if job else None


def _age(job: Job) -> _Age:
    return job.pushed_at, job.id
