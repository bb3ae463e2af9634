"""Which path leads where."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from penstock.group import QueueGroup
from penstock.inspection import Health, Inspection
from penstock.remote import Remote
from penstock.server.access import Access
from penstock.server.claims import Claims
from penstock.server.legacy import Legacy
from penstock.server.native import Native
from penstock.server.probes import Probes
from penstock.server.problems import Problems
from penstock.server.queues import Queues
from penstock.settings import ServerSettings

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def build(
    group: QueueGroup,
    inspection: Inspection,
    health: Health,
    settings: ServerSettings,
    version: str,
    *,
    remote: Remote,
) -> ASGIApp:
    """The HTTP server as an ASGI application; SettingsError for a wrong line of [server]."""
    router = Router(
        list(routes(group, inspection, health, version, remote=remote)),
        redirect_slashes=False,  # a trailing slash is another path, which is not there
    )
    return Problems(Access(router, settings))


def routes(
    group: QueueGroup, inspection: Inspection, health: Health, version: str, *, remote: Remote
) -> Sequence[Route]:
    """Every path, the busiest first; one that is spelled out before one with a name in its place."""
    native = Native(group, inspection)
    queues = Queues(inspection)
    legacy = Legacy(group, inspection, version)
    probes = Probes(group, health)
    claims = Claims(remote)
    return [
        _path("/v1/jobs", GET=native.jobs, POST=native.push),
        _path("/jobs/add", POST=legacy.add),
        _path("/v1/jobs/batch", POST=native.push_batch),
        _path("/v1/jobs/cancel", POST=native.cancel_all),
        _path("/v1/jobs/retry", POST=native.retry_all),
        _path("/v1/jobs/delete", POST=native.delete_all),
        _path("/v1/jobs/{id}", GET=native.job, DELETE=native.delete),
        _path("/v1/jobs/{id}/cancel", POST=native.cancel),
        _path("/v1/jobs/{id}/retry", POST=native.retry),
        _path("/v1/jobs/{id}/explain", GET=native.explain),
        _path("/v1/jobs/{id}/progress", PUT=claims.progress),
        _path("/v1/claims", POST=claims.claim),
        _path("/v1/claims/ack", POST=claims.ack),
        _path("/v1/claims/renew", POST=claims.renew),
        _path("/v1/claims/release", POST=claims.release),
        _path("/v1/claims/retry", POST=claims.retry),
        _path("/v1/claims/bury", POST=claims.bury),
        _path("/v1/queues", GET=queues.all),
        _path("/v1/queues/{domain}/{type}", GET=queues.one),
        _path("/v1/queues/{domain}/{type}/pause", POST=queues.pause),
        _path("/v1/queues/{domain}/{type}/resume", POST=queues.resume),
        _path("/jobs/status", GET=legacy.totals),
        _path("/jobs/status/{id}", GET=legacy.status),
        _path("/livez", GET=probes.live),
        _path("/readyz", GET=probes.ready),
        _path("/", GET=legacy.root),
    ]


def _path(path: str, **endpoints: Endpoint) -> Route:
    """All methods of a path in one route, so that a 405 can name them all."""

    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await endpoints[method](request)

    return Route(path, endpoint, methods=list(endpoints))
