"""The paths under `/v1`."""

from starlette.requests import Request
from starlette.responses import Response

from penstock.group import QueueGroup
from penstock.inspection import Inspection
from penstock.job import Job, JobId
from penstock.server import render
from penstock.server.body import json_object
from penstock.server.caller import caller
from penstock.server.payload import batch, job_id, native_job, waiting
from penstock.server.pushing import Stored, glimpse, push, push_batch


class Native:
    """Jobs: push, look at, wait for, cancel, retry, delete."""

    def __init__(self, group: QueueGroup, inspection: Inspection) -> None:
        self._group = group
        self._inspection = inspection

    async def push(self, request: Request) -> Response:
        """Push one job."""
        body = await json_object(request)
        stored = await push(self._group, native_job(body), caller(request, body))
        headers = {"Location": f"/v1/jobs/{stored.pushed.id}", **render.replayed([stored])}
        if not stored.pushed.deduplicated:
            return render.Json(render.accepted(stored), 202, headers)
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
        wait = waiting(request.query_params.getlist("wait"))
        return await self._shown(await self._inspection.ended(_id(request), wait))

    async def cancel(self, request: Request) -> Response:
        """End a waiting job, or ask a claimed one to stop."""
        return await self._shown(await self._inspection.cancel(_id(request)))

    async def retry(self, request: Request) -> Response:
        """Make a dead job ready again."""
        return await self._shown(await self._inspection.requeue(_id(request)))

    async def delete(self, request: Request) -> Response:
        """Remove a job for good."""
        return await self._shown(await self._inspection.delete(_id(request)))

    async def _shown(self, job: Job) -> Response:
        return render.Json(render.job(job, await self._inspection.callbacks(job)))


def _id(request: Request) -> JobId:
    return job_id(request.path_params["id"])
