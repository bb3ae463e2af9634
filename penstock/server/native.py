"""The paths under `/v1`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from penstock.group import QueueGroup
from penstock.inspection import Inspection, Moved
from penstock.job import Job, JobId, Move
from penstock.server import render
from penstock.server.body import json_object, nothing
from penstock.server.caller import caller
from penstock.server.payload import (
    LISTED_BY,
    batch,
    job_id,
    listing,
    many,
    native_job,
    waiting,
)
from penstock.server.pushing import Stored, glimpse, push, push_batch
from penstock.server.query import query

MoveAll: TypeAlias = Callable[[Sequence[JobId]], Awaitable[Moved]]


class Native:
    """Jobs: push, look at, list, explain, wait for, cancel, retry, delete."""

    def __init__(self, group: QueueGroup, inspection: Inspection) -> None:
        self._group = group
        self._inspection = inspection

    async def push(self, request: Request) -> Response:
        """Push one job."""
        body = await json_object(request)
        stored = await push(self._group, native_job(body), caller(request, body))
        headers = {"Location": f"/v1/jobs/{stored.pushed.id}", **render.replayed([stored])}
        if not stored.pushed.deduplicated:
            kept = await self._kept(stored)
            return render.Json(render.accepted(stored, kept), 202, headers)
        twin = await glimpse(self._inspection, stored.pushed.id)
        return render.Json(render.deduplicated(stored, twin), 200, headers)

    async def push_batch(self, request: Request) -> Response:
        """Push many jobs."""
        body = await json_object(request)
        entries = await push_batch(self._group, batch(body), caller(request, body))
        stored = [entry for entry in entries if isinstance(entry, Stored)]
        return render.Json(
            render.batch(entries, request.scope["path"]), 202, render.replayed(stored)
        )

    async def job(self, request: Request) -> Response:
        """One job; with `wait`, once it has ended or the time is up."""
        query(request, ("wait",))
        wait = waiting(request.query_params.getlist("wait"))
        return await self._shown(await self._inspection.ended(_id(request), wait))

    async def jobs(self, request: Request) -> Response:
        """A page of jobs, newest first."""
        asked = listing(query(request, LISTED_BY))
        page = await self._inspection.jobs(asked.which, limit=asked.limit, after=asked.after)
        return render.Json(render.jobs(page, await self._inspection.callbacks_of(page.jobs)))

    async def explain(self, request: Request) -> Response:
        """Why a job stands where it stands."""
        query(request)
        return render.Json(render.reasons(await self._inspection.explain(_id(request))))

    async def cancel(self, request: Request) -> Response:
        """End a waiting job, or ask a claimed one to stop."""
        return await self._shown(await self._inspection.cancel(await _named(request)))

    async def retry(self, request: Request) -> Response:
        """Make a dead job ready again."""
        return await self._shown(await self._inspection.requeue(await _named(request)))

    async def delete(self, request: Request) -> Response:
        """Remove a job for good."""
        return await self._shown(await self._inspection.delete(await _named(request)))

    async def cancel_all(self, request: Request) -> Response:
        """End many waiting jobs, and ask claimed ones to stop."""
        return await self._moved(request, Move.CANCEL, self._inspection.cancel_all)

    async def retry_all(self, request: Request) -> Response:
        """Make many dead jobs ready again."""
        return await self._moved(request, Move.REQUEUE, self._inspection.requeue_all)

    async def delete_all(self, request: Request) -> Response:
        """Remove many jobs for good."""
        return await self._moved(request, Move.DELETE, self._inspection.delete_all)

    async def _kept(self, stored: Stored) -> Job | None:
        """The job that an earlier push has stored, maybe under another configuration."""
        pushed = stored.pushed
        return await glimpse(self._inspection, pushed.id) if pushed.replayed else None

    async def _moved(self, request: Request, move: Move, move_all: MoveAll) -> Response:
        query(request)
        asked = many(await json_object(request))
        foresee = self._inspection.foresee
        moving = foresee(move, asked.ids) if asked.dry_run else move_all(asked.ids)
        return render.Json(render.moved(await moving, move, dry_run=asked.dry_run))

    async def _shown(self, job: Job) -> Response:
        return render.Json(render.job(job, await self._inspection.callbacks(job)))


async def _named(request: Request) -> JobId:
    """The job that only the path names: a `dry_run` must not be overheard."""
    query(request)
    await nothing(request)
    return _id(request)


def _id(request: Request) -> JobId:
    return job_id(request.path_params["id"])
