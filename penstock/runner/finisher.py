"""Ends claims in batches, as they finish, and keeps trying while the store is away."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from penstock.errors import EngineUnavailable
from penstock.group import End, Store
from penstock.inspection import Health
from penstock.job import Move

log = logging.getLogger(__name__)

BATCH = 500
PATIENCE = 1.0  # seconds between two tries at a store that is away


@dataclass(frozen=True, slots=True)
class Finish:
    """An end, where it goes, and what to do once it is answered."""

    store: Store
    end: End
    settled: Callable[[bool], None]


class Finisher:
    """Takes ends one by one and gives them to their store in batches; a store that is away holds up no other."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._ends: asyncio.Queue[Finish] = asyncio.Queue()

    def put(self, finish: Finish) -> None:
        """The end will be made; `settled` hears whether the claim was held."""
        self._ends.put_nowait(finish)

    async def run(self) -> None:
        """Make ends until cancelled."""
        lines: dict[str, asyncio.Queue[Finish]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                finish = await self._ends.get()
                name = finish.store.name
                if name not in lines:
                    lines[name] = asyncio.Queue()
                    tasks.create_task(self._serve(lines[name]))
                lines[name].put_nowait(finish)

    async def _serve(self, ends: asyncio.Queue[Finish]) -> None:
        """Make the ends of one store."""
        while True:
            batch = [await ends.get()]
            while len(batch) < BATCH and not ends.empty():
                batch.append(ends.get_nowait())
            moves: dict[Move, list[Finish]] = {}
            for finish in batch:
                moves.setdefault(finish.end.outcome.move, []).append(finish)
            for same in moves.values():
                await self._settle(same)

    async def _settle(self, finishes: Sequence[Finish]) -> None:
        """One store, one kind of move: so a try that failed ended none of them, and may be repeated."""
        store = finishes[0].store
        while True:
            self._health.asks(f"finisher:{store.name}")
            try:
                held = await store.finish([finish.end for finish in finishes])
            except EngineUnavailable as error:
                self._health.fails(f"finisher:{store.name}", str(error))
                await asyncio.sleep(PATIENCE)
                continue
            except Exception as error:
                self._health.fails(f"finisher:{store.name}", repr(error))
                log.exception("%d ends failed in store %s", len(finishes), store.name)
                await self._split(finishes)
                return
            self._health.works(f"finisher:{store.name}")
            for finish, answer in zip(finishes, held, strict=True):
                finish.settled(answer)
            return

    async def _split(self, finishes: Sequence[Finish]) -> None:
        """One end that the store cannot take must not hold up the others; its claim runs out and is reclaimed."""
        if len(finishes) == 1:
            finishes[0].settled(False)
            return
        for finish in finishes:
            await self._settle([finish])
