"""A store that is watched while remote workers wait for it."""

import asyncio
from collections.abc import Collection, Sequence

from penstock.clock import ManualClock
from penstock.engine import Claimed, ReadyQueue, Want
from penstock.engines.memory import MemoryEngine
from tests.installation import Installation, installation


class Watched(MemoryEngine):
    """A store that counts what it is asked, and can be away or hold back the answer to a claim."""

    def __init__(self) -> None:
        super().__init__(clock=ManualClock())
        self.looks = self.claims = 0
        self.error: Exception | None = None
        self.claiming = asyncio.Event()
        self.may_claim = asyncio.Event()
        self.may_claim.set()

    async def ready(
        self, types: Collection[str], domains: Collection[str] | None = None, *, limit: int
    ) -> Sequence[ReadyQueue]:
        self.looks += 1
        if self.error is not None:
            raise self.error
        return await super().ready(types, domains, limit=limit)

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        self.claims += 1
        claimed = await super().claim(wants, worker)
        self.claiming.set()
        await self.may_claim.wait()
        return claimed


async def watched() -> tuple[Installation, Watched]:
    engine = Watched()
    return await installation({}, accepts=lambda type: True, engine=engine), engine
