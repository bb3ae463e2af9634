"""Is this process alive, and can it do its work: for load balancers and supervisors."""

import asyncio
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from penstock.errors import EngineError
from penstock.group import QueueGroup, Store
from penstock.inspection import Health
from penstock.job import first_id
from penstock.server.problems import NotReady
from penstock.server.render import Json

PATIENCE = timedelta(seconds=5)


class Probes:
    """`/livez`, `/readyz`."""

    def __init__(self, group: QueueGroup, health: Health) -> None:
        self._group = group
        self._health = health

    async def live(self, request: Request) -> Response:
        """The process answers."""
        return Json(b'{"status":"live"}')

    async def ready(self, request: Request) -> Response:
        """Every loop works and every store answers; NotReady, naming what does not."""
        troubles = dict(self._health.troubles)
        for name, store in self._group.stores.items():
            troubles |= await _trouble(name, store)
        if troubles:
            raise NotReady(troubles)
        return Json(b'{"status":"ready"}')


async def _trouble(name: str, store: Store) -> dict[str, str]:
    """Nothing, if the store answers; else what is wrong with it."""
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await store.engine.get([first_id(store.engine.identity.number)])
    except TimeoutError:
        return {f"store {name}": f"no answer within {PATIENCE.total_seconds():g} s"}
    except EngineError as error:
        return {f"store {name}": str(error)}
    return {}
