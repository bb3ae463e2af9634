"""A network between a federation and one of its partitions, that can be cut: the engine behind it is a real one."""

import inspect
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import cast

from penstock.engine import Engine
from penstock.errors import EngineUnavailable


class Cut(Enum):
    """Where a line is cut."""

    NOWHERE = auto()
    ON_THE_WAY = auto()  # what is asked never arrives
    ON_THE_WAY_BACK = auto()  # what is asked is done, and nobody hears of it


class Line:
    """What the federation talks to instead of the engine."""

    def __init__(self, engine: Engine) -> None:
        self._behind = engine
        self.cut = Cut.NOWHERE
        self.asked: list[str] = []  # the verbs that were tried, in order

    @property
    def engine(self) -> Engine:
        """The line, as an engine."""
        return cast(Engine, self)

    def times(self, verb: str) -> int:
        """How often the verb was tried."""
        return self.asked.count(verb)

    def __getattr__(self, name: str) -> object:
        member: Callable[..., Awaitable[object]] = getattr(self._behind, name)
        if not inspect.iscoroutinefunction(member) or name in {"open", "close"}:
            return member

        async def carried(*arguments: object, **options: object) -> object:
            self.asked.append(name)
            if self.cut is Cut.ON_THE_WAY:
                raise EngineUnavailable("the line is cut")
            answer = await member(*arguments, **options)
            if self.cut is Cut.ON_THE_WAY_BACK:
                raise EngineUnavailable("the line is cut")
            return answer

        return carried
