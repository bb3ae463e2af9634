"""The paths of remote workers: `/v1/claims`, and a job's progress."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from penstock.engine import Held
from penstock.job import timestamp
from penstock.remote import Given, Remote
from penstock.serialization import JSONObject
from penstock.server import claims_payload as payload
from penstock.server import render
from penstock.server.body import json_object
from penstock.server.payload import job_id


class Claims:
    """Claims: take, end, renew."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def claim(self, request: Request) -> Response:
        """Claim jobs, and wait for some if asked to."""
        asked = payload.wish(await json_object(request))
        async with _watched(request) as gone:
            given = await self._remote.claim(asked.wish, asked.wait, gone)
            if gone.done():
                raise ClientDisconnect
        return render.Json(_given(given))

    async def ack(self, request: Request) -> Response:
        """End jobs as done."""
        return await self._ended(request, payload.acks)

    async def release(self, request: Request) -> Response:
        """Give jobs back that were not begun."""
        return await self._ended(request, payload.releases)

    async def retry(self, request: Request) -> Response:
        """End attempts that failed."""
        return await self._ended(request, payload.retries)

    async def bury(self, request: Request) -> Response:
        """End jobs as dead."""
        return await self._ended(request, payload.burials)

    async def renew(self, request: Request) -> Response:
        """Hold jobs for longer."""
        renewal = payload.renewal(await json_object(request))
        return render.Json(_renewed(await self._remote.renew(renewal.claims, renewal.ttl)))

    async def progress(self, request: Request) -> Response:
        """Show how far a claimed job is."""
        id = job_id(request.path_params["id"])
        progress, claim = payload.progress(await json_object(request))
        await self._remote.progress(id, progress, claim)
        return Response(status_code=204)

    async def _ended(
        self, request: Request, read: Callable[[JSONObject], Sequence[payload.End]]
    ) -> Response:
        held = await self._remote.finish(read(await json_object(request)))
        return render.Json(msgspec.json.encode({"held": held}))


@asynccontextmanager
async def _watched(request: Request) -> AsyncIterator[asyncio.Future[None]]:
    """Done once the client has gone; the body must have been read."""
    gone = asyncio.ensure_future(_until_gone(request))
    try:
        yield gone
    finally:
        gone.cancel()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _given(given: Sequence[Given]) -> bytes:
    claims = [
        {
            "claim": one.claim,
            "until": timestamp(one.until),
            "job": msgspec.Raw(render.job(one.job, ())),  # it has not ended: no callbacks yet
        }
        for one in given
    ]
    return msgspec.json.encode({"claims": claims})


def _renewed(held: Sequence[Held]) -> bytes:
    told = {
        "held": [one is not Held.LOST for one in held],
        "cancel": [one is Held.CANCEL_ASKED for one in held],
    }
    return msgspec.json.encode(told)
