"""The finisher: batches, and one bad end among good ones."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from penstock.clock import ManualClock
from penstock.engine import Ack
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineError, EngineUnavailable
from penstock.group import End
from penstock.handler import FunctionHandler
from penstock.job import Claim, Move, State
from penstock.policy import Outcome
from penstock.queue import JobSpec
from penstock.runner.finisher import Finish, Finisher
from tests.installation import SOON, Installation, installation, until

HANDLERS = {"t": FunctionHandler(lambda context: None)}


class Counting(MemoryEngine):
    """Counts the calls, and refuses batches that hold one poisoned job."""

    def __init__(self) -> None:
        super().__init__(clock=ManualClock())
        self.batches: list[int] = []
        self.poisoned: int | None = None

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        self.batches.append(len(ends))
        if any(end.ref.id == self.poisoned for end in ends):
            raise EngineError("cannot store this one")
        return await super().ack(ends)


async def claims(at: Installation, count: int) -> Sequence[Claim]:
    ids = await at.push(*[JobSpec("t", {"i": i}) for i in range(count)])
    return await at.engine.claim_ids(ids, ttl=timedelta(seconds=15), worker="w1")


async def finish(at: Installation, ended: Sequence[Claim]) -> list[bool]:
    finisher = Finisher(at.health)
    held: list[bool] = []
    told = asyncio.Event()

    def settled(answer: bool) -> None:
        held.append(answer)
        if len(held) == len(ended):
            told.set()

    for claim in ended:
        finisher.put(Finish(at.store, End(claim, Outcome(move=Move.ACK)), settled))
    task = asyncio.ensure_future(finisher.run())
    async with asyncio.timeout(SOON):
        await told.wait()
    task.cancel()
    return held


async def test_what_waits_is_ended_in_one_batch() -> None:
    engine = Counting()
    at = await installation(HANDLERS, engine=engine)

    held = await finish(at, await claims(at, 10))

    assert held == [True] * 10
    assert engine.batches == [10]


async def test_an_end_that_the_store_cannot_take_does_not_hold_up_the_others() -> None:
    engine = Counting()
    at = await installation(HANDLERS, engine=engine)
    found = await claims(at, 3)
    engine.poisoned = found[1].job.id

    held = await finish(at, found)

    assert held == [True, False, True]
    states = [(await at.job(claim.job.id)).state for claim in found]
    assert states == [State.DONE, State.CLAIMED, State.DONE]


async def test_a_lost_claim_is_told_to_whoever_held_it() -> None:
    at = await installation(HANDLERS)
    [claim] = await claims(at, 1)

    assert await finish(at, [claim, claim]) == [True, False]


class Away(MemoryEngine):
    """A store that cannot be reached for an ack."""

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        raise EngineUnavailable("away for a test")


async def test_a_store_that_is_away_holds_up_no_other() -> None:
    away = await installation(HANDLERS, engine=Away(clock=ManualClock()), store="away")
    here = await installation(HANDLERS)
    finisher = Finisher(here.health)
    settled = asyncio.Event()
    ack = Outcome(move=Move.ACK)
    [lost], [kept] = await claims(away, 1), await claims(here, 1)

    finisher.put(Finish(away.store, End(lost, ack), lambda held: None))
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(finisher.run())
        await until(lambda: _troubled(here, "finisher:away"))
        finisher.put(Finish(here.store, End(kept, ack), lambda held: settled.set()))
        async with asyncio.timeout(SOON):
            await settled.wait()
        task.cancel()

    assert (await here.job(kept.job.id)).state is State.DONE


async def _troubled(at: Installation, part: str) -> bool:
    return part in at.health.troubles
