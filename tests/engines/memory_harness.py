"""What the conformance suite needs around the memory engine, or around one made from it."""

from datetime import timedelta

from penstock.clock import ManualClock
from penstock.engine import Engine
from penstock.engines.memory import MemoryEngine
from penstock.job import JobId


class MemoryHarness:
    """An engine in memory, on a clock that only moves when it is told to."""

    def __init__(
        self,
        kind: type[MemoryEngine] = MemoryEngine,
        *,
        number: int = 0,
        clock: ManualClock | None = None,
    ) -> None:
        self._kind = kind
        self._number = number
        self.clock = clock or ManualClock()
        self.engine = kind(number=number, clock=self.clock)

    async def age(self, duration: timedelta) -> None:
        """The clock goes on, and everything stored stays behind."""
        self.clock.tick(duration)

    async def crash(self) -> None:
        """Nothing is left of it; a new one is empty."""
        self.engine = self._kind(number=self._number, clock=self.clock)
        await self.engine.open()

    async def reopen(self) -> None:
        """The object is the store, so it is the same one."""
        await self.engine.close()
        await self.engine.open()

    async def second(self) -> Engine:
        """No other process can work on it, and the cases that want one say so."""
        raise NotImplementedError("the memory engine is not shared; the case needs Feature.SHARED")

    async def spoil(self, id: JobId) -> None:
        """The text of the row is cut off."""
        row = self.engine._rows[id]
        row.params = row.details = "{"
