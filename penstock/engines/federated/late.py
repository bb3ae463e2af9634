"""A partition whose store may be away when the process starts: taken in as soon as it can be reached."""

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from typing import cast

from penstock.engine import Engine, Feature, StoreIdentity
from penstock.errors import EngineUnavailable, PenstockError

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds after a try to open it in which all are told what came of that

Opening = Callable[[Engine], Awaitable[None]]

_VERBS = {name for name, member in vars(Engine).items() if inspect.iscoroutinefunction(member)} - {
    "open",
    "close",
}


def late_engine(
    engine: Engine,
    opening: Opening,
    *,
    name: str,
    number: int,
    now: Callable[[], float] = time.monotonic,
) -> Engine:
    """The engine of a store that a process can do without: open, or opened by the first verb that finds it there.

    Until then its verbs raise EngineUnavailable, its features too, and its identity is the number that it must have.
    What is wrong with a store that can be reached is raised by `open`, and refuses the start; of one that comes later
    it is logged, and the store stays out until that is mended. `opening` opens it, or raises what is wrong with it.
    """
    return cast(Engine, _Late(engine, opening, name, number, now))


class _Late:
    """Everything that is not said here is said by the engine behind it."""

    def __init__(
        self, engine: Engine, opening: Opening, name: str, number: int, now: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._name = name
        self._number = number
        self._open = opening
        self._now = now
        self._turn = asyncio.Lock()
        self._is_open = False
        self._is_wanted = False  # from its open to its close
        self._tried_at = 0.0
        self._trouble: PenstockError | None = None

    @property
    def features(self) -> frozenset[Feature]:
        """What the open store promises; EngineUnavailable before."""
        if not self._is_open:
            raise self._out()
        return self._engine.features

    @property
    def identity(self) -> StoreIdentity:
        """Who the open store is; before, its number, and no uuid."""
        if not self._is_open:
            return StoreIdentity(uuid="", number=self._number)
        return self._engine.identity

    async def open(self) -> None:
        """The store is open, or away. Raises what is wrong with one that can be reached."""
        # Of the loop that opens it, which may be another than before.
        self._turn = asyncio.Lock()
        self._is_wanted = True
        await self._look()
        if self._trouble is not None and not isinstance(self._trouble, EngineUnavailable):
            raise self._trouble

    async def close(self) -> None:
        """The store is not open, and no verb opens it."""
        self._is_open = self._is_wanted = False
        await self._engine.close()

    def __getattr__(self, name: str) -> object:
        member: Callable[..., Awaitable[object]] = getattr(self._engine, name)
        if self._is_open or name not in _VERBS:
            return member

        async def when_open(*arguments: object, **options: object) -> object:
            if self._is_wanted:
                await self._take_in()
            return await member(*arguments, **options)

        return when_open

    async def _take_in(self) -> None:
        """It is open. EngineUnavailable where it is not to be had, whatever the reason."""
        async with self._turn:
            await self._look()
        if not self._is_open:
            raise self._out()

    async def _look(self) -> None:
        rests = self._trouble is not None and self._now() - self._tried_at < PAUSE
        if not self._is_open and not rests:
            await self._try()

    async def _try(self) -> None:
        """It is open and in order, or its trouble is known."""
        try:
            await self._open(self._engine)
        except PenstockError as error:
            await self._engine.close()
            self._tell(error)
            self._trouble = error
        else:
            if self._trouble is not None:
                log.info("store %s is back, and was taken in", self._name)
            self._is_open, self._trouble = self._is_wanted, None
            if not self._is_wanted:  # it was closed meanwhile
                await self._engine.close()
        finally:
            self._tried_at = self._now()

    def _tell(self, error: PenstockError) -> None:
        """Once of each trouble in a row."""
        if str(error) == str(self._trouble):
            return
        if isinstance(error, EngineUnavailable):
            log.warning("store %s is away; taken in when it is back: %s", self._name, error)
        else:
            log.error("store %s stays out until this is mended: %s", self._name, error)

    def _out(self) -> EngineUnavailable:
        return EngineUnavailable(f"store {self._name} was not taken in: {self._trouble}")
