"""The paths under `/v1/queues`."""

from starlette.requests import Request
from starlette.responses import Response

from penstock.inspection import Inspection
from penstock.server import render
from penstock.server.body import nothing
from penstock.server.payload import queue_key
from penstock.server.query import query


class Queues:
    """Queues: list, look at, pause, resume."""

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection

    async def all(self, request: Request) -> Response:
        """Every queue that was ever used or is paused."""
        query(request)
        return render.Json(render.queues(await self._inspection.queues()))

    async def one(self, request: Request) -> Response:
        """One queue, also one never used."""
        query(request)
        view = await self._inspection.queue(queue_key(request.path_params))
        return render.Json(render.queue(view))

    async def pause(self, request: Request) -> Response:
        """Let the queue give no job until it is resumed."""
        query(request)
        await nothing(request)
        [view] = await self._inspection.pause([queue_key(request.path_params)])
        return render.Json(render.queue(view))

    async def resume(self, request: Request) -> Response:
        """Let the queue give jobs again."""
        query(request)
        await nothing(request)
        [view] = await self._inspection.resume([queue_key(request.path_params)])
        return render.Json(render.queue(view))
