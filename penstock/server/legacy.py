"""The Queue Server's own paths: the same requests, the same shapes."""

from starlette.requests import Request
from starlette.responses import Response

from penstock.group import QueueGroup
from penstock.inspection import Inspection
from penstock.server import render
from penstock.server.body import json_or_form
from penstock.server.caller import caller
from penstock.server.payload import job_id, legacy_job
from penstock.server.pushing import push


class Legacy:
    """`/`, `/jobs/add`, `/jobs/status`, `/jobs/status/{id}`."""

    def __init__(self, group: QueueGroup, inspection: Inspection, version: str) -> None:
        self._group = group
        self._inspection = inspection
        self._running = render.running(version)

    async def root(self, request: Request) -> Response:
        """We are here."""
        return render.Json(self._running)

    async def add(self, request: Request) -> Response:
        """Push a command."""
        body = await json_or_form(request)
        stored = await push(self._group, legacy_job(body), caller(request, body))
        return render.Json(render.added(stored.pushed.id), headers=render.replayed([stored]))

    async def totals(self, request: Request) -> Response:
        """How much waits and runs."""
        return render.Json(render.totals(await self._inspection.totals()))

    async def status(self, request: Request) -> Response:
        """Where one job stands."""
        job = await self._inspection.job(job_id(request.path_params["id"]))
        return render.Json(render.status(job))
