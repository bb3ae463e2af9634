"""Pushes, claims and acks while the store's server is killed again and again, and what must be true afterwards.

By hand: `python -m tests.engines.failures.torture postgresql 100` kills a server of that kind so many times.
"""

import asyncio
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

from penstock.conformance.builders import (
    OTHER,
    QUEUE,
    assert_conserved,
    everything,
    name_of,
)
from penstock.engine import Engine
from penstock.job import State
from tests.engines.failures.children import Child, child
from tests.engines.failures.clients import BATCH, TTL, Client, Record
from tests.engines.failures.stores import STORES, Aged, Store

AGE = timedelta(minutes=1)
ANSWERS = 300  # between two kills


@dataclass
class Torture:
    """A store, those who work on it, and who kills its server and them."""

    store: Store
    record: Record = field(default_factory=Record)
    kills: int = 0
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, *, kills: int, answers_between: int) -> None:
        """So many kills, each after so many answers; at each second one the other process is killed too."""
        engine = self.store.engine()
        await engine.open()
        client = Client(engine, "parent", self._hear)
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            tasks.create_task(client.work())
            other = await self._another(stack)
            for self.kills in range(1, kills + 1):
                await self._wait_for(answers_between)
                await asyncio.to_thread(self.store.kill)
                if self.kills % 2 == 0:
                    await self._end(other, killed=True)
                await asyncio.to_thread(self.store.start)
                if self.kills % 2 == 0:
                    other = await self._another(stack)
            await self._wait_for(answers_between)
            client.stop()
            await self._end(other, killed=False)
        await engine.close()

    async def _another(self, stack: AsyncExitStack) -> Child:
        made = await stack.enter_async_context(child("torture", self.store, f"child {self.kills}"))
        made.begin()
        return made

    async def _end(self, other: Child, *, killed: bool) -> None:
        lines = await (other.killed() if killed else other.ended())
        for line in lines:
            self._hear(line)

    def _hear(self, line: str) -> None:
        self.record.hear(line)
        if line != "away":
            self._answered.set()

    async def _wait_for(self, answers: int) -> None:
        before = self.record.answers
        while self.record.answers < before + answers:
            self._answered.clear()
            await self._answered.wait()


async def check(store: Aged, record: Record) -> None:
    """Every answer holds, nothing was torn, done twice or forgotten; what was left is done now."""
    engine = store.engine()
    await engine.open()
    await assert_conserved(engine)
    await _drain(store, engine, record)

    stored = {name_of(found): found for found in await everything(engine)}
    counts = await engine.counts()
    assert len(stored) == sum(each.pushed for each in counts.values()), "something is stored twice"
    there = {found.params: found.id for found in stored.values()}
    assert record.pushed.items() <= there.items(), "an answered push is not there"

    fences = Counter(record.given)
    assert set(fences.values()) <= {1}, "a claim was given twice"
    last = {ref.id: ref.fence for ref in sorted(record.given, key=lambda ref: ref.fence)}
    assert all(last[ref.id] == ref.fence for ref in record.acked), "an acked job was given again"
    assert set(Counter(ref.id for ref in record.acked).values()) <= {1}, "a job was acked twice"

    mine = {name: found for name, found in stored.items() if found.queue == QUEUE}
    assert {found.state for found in mine.values()} <= {State.DONE}
    after = {name for name, found in stored.items() if found.queue == OTHER}
    assert after == {f"after {found.id}" for found in mine.values()}, "a follow-up was torn off"
    batches = Counter(name.rpartition(" ")[0] for name in mine if " one " not in name)
    assert set(batches.values()) <= {BATCH}, "a batch was torn"
    await assert_conserved(engine)
    await engine.close()


async def _drain(store: Aged, engine: Engine, record: Record) -> None:
    """Nobody works any more: what was claimed is reclaimed, and all is done."""
    await store.age(AGE)
    while (await engine.reclaim(1000, ttl=TTL, worker="last")).readied:
        pass
    last = Client(engine, "last", record.hear)
    while (await engine.counts([QUEUE]))[QUEUE].ready:
        await last.run()


async def main(kind: str, kills: int) -> None:
    """Torture a server of this kind, check, and tell the figures."""
    began = time.monotonic()
    with STORES[kind]() as store:
        await store.empty()
        torture = Torture(store)
        await torture.run(kills=kills, answers_between=ANSWERS)
        seconds = time.monotonic() - began
        record = torture.record
        before = len(record.pushed), len(record.given), len(record.acked)
        await check(store, record)
    pushed, given, acked = before
    sys.stdout.write(
        f"{kind}: {kills} kills in {seconds:.0f} s; answered: {pushed} pushes, {given} claims, {acked} acks; "
        f"{record.away} calls while it was away; lost 0, doubled 0\n"
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
