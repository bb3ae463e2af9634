"""The partitions of a federation: who can be reached, who is left alone for a while, and what each has missed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from penstock.engine import Engine, Feature
from penstock.engines.federated.missed import Missed
from penstock.engines.federated.ring import Ring
from penstock.errors import EngineError, EngineUnavailable, StoreMismatch, UnsupportedFeature
from penstock.job import JobId, store_number

log = logging.getLogger(__name__)

REST = 5.0  # seconds that a partition is left alone after it could not be reached

T = TypeVar("T")
Ask: TypeAlias = Callable[[Engine], Awaitable[T]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A store that holds a part of the jobs."""

    name: str
    engine: Engine
    weight: int  # its share of the new jobs; of weight 0 it gets none, and is drained


@dataclass(frozen=True, slots=True)
class Replies(Generic[T]):
    """What partitions answered, by their names, and why the others did not."""

    answers: Mapping[str, T]
    troubles: Mapping[str, EngineError]

    def every(self) -> Mapping[str, T]:
        """All answers; the trouble of the first that did not answer."""
        for name, trouble in self.troubles.items():
            raise _told(name, trouble) from trouble
        return self.answers

    def some(self) -> Mapping[str, T]:
        """The answers that there are; the trouble where there is none, or where one partition cannot do it at all."""
        if any(isinstance(trouble, UnsupportedFeature) for trouble in self.troubles.values()):
            return self.every()
        return self.answers or self.every() or _refuse_nothing()


class Partitions:
    """All partitions of a federation. `now` tells monotonic seconds."""

    def __init__(self, partitions: Sequence[Partition], now: Callable[[], float]) -> None:
        self._partitions = {partition.name: partition for partition in partitions}
        self._missed = {partition.name: Missed(now) for partition in partitions}
        self._now = now
        self._ejected: dict[str, float] = {}
        self._in_trouble: set[str] = set()
        self._numbers: dict[int, str] = {}
        self._unmet: set[str] = set()
        self.promised: frozenset[Feature] = frozenset()  # by all that were met
        self.ring = Ring({partition.name: partition.weight for partition in partitions})

    @property
    def engines(self) -> Mapping[str, Engine]:
        """The engine of each, by its name."""
        return {name: partition.engine for name, partition in self._partitions.items()}

    @property
    def names(self) -> Sequence[str]:
        """All of them."""
        return list(self._partitions)

    @property
    def ejected(self) -> frozenset[str]:
        """Those that failed a moment ago."""
        now = self._now()
        return frozenset(name for name, until in self._ejected.items() if until > now)

    @property
    def live(self) -> Sequence[str]:
        """Those that did not."""
        ejected = self.ejected
        return [name for name in self._partitions if name not in ejected]

    @property
    def returns_in(self) -> float | None:
        """Seconds until the first one that is left alone is asked again."""
        now = self._now()
        return min((until - now for until in self._ejected.values() if until > now), default=None)

    def weight(self, name: str) -> int:
        """Its share of the new jobs."""
        return self._partitions[name].weight

    def missed(self, name: str) -> Missed:
        """What it has to be told before anything else."""
        return self._missed[name]

    def home(self, id: JobId) -> str | None:
        """The partition that issued this id; None where none of ours did."""
        return self._numbers.get(store_number(id))

    def number_all(self) -> None:
        """The partitions, which are open, are known by their numbers; StoreMismatch where two have the same."""
        self._numbers = {}
        for name, partition in self._partitions.items():
            number = partition.engine.identity.number
            other = self._numbers.setdefault(number, name)
            if other != name:
                raise StoreMismatch(f"partitions {other} and {name} both have the number {number}")

    def meet(self) -> None:
        """It is known what those promise that are open. EngineUnavailable where none is."""
        self._unmet = set(self._partitions)
        promises: list[frozenset[Feature]] = []
        away: EngineUnavailable | None = None
        for name, engine in self.engines.items():
            try:
                promises.append(engine.features)
                self._unmet.remove(name)
            except EngineUnavailable as error:
                away = error
        if away is not None and not promises:
            raise away
        self.promised = frozenset.intersection(*promises)

    async def ask(self, asked: Mapping[str, Ask[T]]) -> Replies[T]:
        """Ask these partitions, all at once; each first hears what it has missed.

        One that could not be reached is left alone for 5 s by whoever asks the `live` ones; one that answers is back.
        """
        calls = (self._call(name, ask) for name, ask in asked.items())
        found = await asyncio.gather(*calls, return_exceptions=True)
        answers: dict[str, T] = {}
        troubles: dict[str, EngineError] = {}
        for name, one in zip(asked, found, strict=True):
            if isinstance(one, EngineError):
                troubles[name] = one
            elif isinstance(one, BaseException):
                raise one
            else:
                answers[name] = one
        return Replies(answers, troubles)

    async def ask_live(self, ask: Ask[T]) -> Replies[T]:
        """Ask each that is not left alone."""
        return await self.ask(dict.fromkeys(self.live, ask))

    async def ask_all(self, ask: Ask[T]) -> Replies[T]:
        """Ask each, also one that is left alone."""
        return await self.ask(dict.fromkeys(self._partitions, ask))

    async def _call(self, name: str, ask: Ask[T]) -> T:
        partition = self._partitions[name]
        try:
            await self._welcome(name)
            await self._missed[name].tell(partition.engine)
            answer = await ask(partition.engine)
        except UnsupportedFeature:
            raise
        except EngineError as error:
            self._fails(name, error)
            raise
        self._works(name)
        return answer

    async def _welcome(self, name: str) -> None:
        """One that was away at the start is open by now. Jobs that were delayed meanwhile could be for it."""
        if name not in self._unmet:
            return
        engine = self._partitions[name].engine
        await engine.paused()  # any verb opens it
        if Feature.DELAY in self.promised - engine.features:
            raise EngineUnavailable(
                "it cannot delay jobs, as all others can; restart to do without"
            )
        self.promised &= engine.features
        self._unmet.discard(name)

    def _fails(self, name: str, error: EngineError) -> None:
        if name not in self._in_trouble:
            log.warning("partition %s: %s", name, error)
            self._in_trouble.add(name)
        if isinstance(error, EngineUnavailable):
            self._ejected[name] = self._now() + REST

    def _works(self, name: str) -> None:
        self._ejected.pop(name, None)
        if name in self._in_trouble:
            log.info("partition %s works again", name)
            self._in_trouble.remove(name)


def _told(name: str, trouble: EngineError) -> EngineError:
    return type(trouble)(f"partition {name}: {trouble}")


def _refuse_nothing() -> Mapping[str, T]:
    raise EngineUnavailable(
        f"no partition can be reached; each is asked again within {REST:g} s of its failure"
    )
