"""Those who wait for jobs: answered as soon as there are any, each once, at a bounded cost."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest

from penstock.engine import Claimed, ReadyQueue, Want
from penstock.engines.sqlite import SqliteEngine
from penstock.errors import EngineUnavailable
from penstock.job import State
from penstock.policy import Policy
from penstock.queue import JobSpec
from penstock.remote import Wish
from penstock.remote.polls import AT_ONCE
from tests.installation import SOON, installation
from tests.remote.watched import Watched, watched
from tests.remote.workers import NOW, Waiting, place, staying, wish

MOMENT = timedelta(milliseconds=10)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _looks_only_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.remote.polls.LOOK_EVERY", timedelta(hours=1))


async def nobody_looks() -> None:
    """All background work has ended."""
    async with asyncio.timeout(SOON):
        while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110  tasks tell nobody that they ended
            await asyncio.sleep(0)


async def test_who_waits_is_given_a_job_as_soon_as_it_is_pushed() -> None:
    at = await place()
    waiting = await Waiting(at.remote).begun()

    [id] = await at.push(JobSpec("mail"))

    assert [given.job.id for given in await waiting.answer()] == [id]
    await nobody_looks()


async def test_who_waits_is_given_a_job_that_another_process_pushed(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    here, there = (SqliteEngine(url, look_every=timedelta(hours=1)) for _ in range(2))
    at = await installation({}, accepts=lambda type: True, engine=here)
    far = await installation({}, accepts=lambda type: True, engine=there)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(at.remote.claim(wish(), timedelta(seconds=60), staying()))
        await at.inspection.totals()  # by now it waits

        [id] = await far.push(JobSpec("mail"))

    assert [given.job.id for given in task.result()] == [id]
    await here.close()
    await there.close()


async def test_who_waits_is_given_a_job_whose_time_has_come() -> None:
    at = await place()
    [id] = await at.push(JobSpec("mail", delay=SECOND))
    waiting = await Waiting(at.remote).begun()

    at.clock.tick(SECOND)
    await at.upkeep().promote(at.store)

    assert [given.job.id for given in await waiting.answer()] == [id]


async def test_a_wait_ends_with_nothing_when_its_time_is_up() -> None:
    at = await place()

    assert list(await Waiting(at.remote, wait=MOMENT).answer()) == []
    await nobody_looks()


async def test_each_is_given_its_own_and_the_others_wait_on() -> None:
    at = await place()
    acme = Wish(types=frozenset({"mail"}), domains=frozenset({"acme"}))
    other, mine, there = [
        await Waiting(at.remote, wanted).begun() for wanted in (wish("other"), wish(), acme)
    ]

    [id] = await at.push(JobSpec("mail"))

    assert [given.job.id for given in await mine.answer()] == [id]
    await asyncio.sleep(0)
    assert not other.is_over
    assert not there.is_over
    await at.push(JobSpec("other"), JobSpec("mail", domain="acme"))
    assert len(await other.answer()) == len(await there.answer()) == 1


async def test_who_waits_longest_is_served_first() -> None:
    at = await place()
    waiting = [await Waiting(at.remote, wish(worker=f"w{n}")).begun() for n in range(20)]

    for n in range(0, 20, 5):
        ids = await at.push(*[JobSpec("mail", {"n": n, "i": i}) for i in range(50)])
        for one in waiting[n : n + 5]:
            assert len(await one.answer()) == 10
        assert {(await at.job(id)).state for id in ids} == {State.CLAIMED}
        assert not any(one.is_over for one in waiting[n + 5 :])


async def test_who_has_gone_while_it_waited_claims_nothing() -> None:
    at = await place()
    waiting = await Waiting(at.remote).begun()

    waiting.go()
    assert list(await waiting.answer()) == []
    [id] = await at.push(JobSpec("mail"))

    await nobody_looks()
    assert (await at.job(id)).state is State.READY


async def test_who_goes_while_something_is_claimed_for_it_holds_nothing() -> None:
    at, engine = await watched()
    waiting = await Waiting(at.remote).begun()
    engine.may_claim.clear()
    [id] = await at.push(JobSpec("mail"))
    async with asyncio.timeout(SOON):
        await engine.claiming.wait()

    waiting.go()
    assert list(await waiting.answer()) == []
    engine.may_claim.set()
    await nobody_looks()

    job = await at.job(id)
    assert (job.state, job.attempt) == (State.READY, 0)


async def test_all_who_wait_are_answered_at_once_when_the_process_stops() -> None:
    at = await place()
    waiting = [await Waiting(at.remote).begun() for _ in range(5)]

    at.remote.stop_waiting()

    assert [list(await one.answer()) for one in waiting] == [[]] * 5
    await nobody_looks()


async def test_who_comes_when_the_process_stops_waits_only_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("penstock.remote.polls.PATIENCE", 0.02)
    at = await place()
    at.remote.stop_waiting()

    assert list(await Waiting(at.remote).answer()) == []
    [id] = await at.push(JobSpec("mail"))
    assert [given.job.id for given in await Waiting(at.remote).answer()] == [id]


@pytest.mark.parametrize("error", [EngineUnavailable("away"), KeyError("away")])
async def test_the_trouble_of_a_store_reaches_all_who_wait_for_it(error: Exception) -> None:
    at, engine = await watched()
    waiting = [await Waiting(at.remote).begun() for _ in range(3)]

    engine.error = error
    await at.push(JobSpec("mail"))

    for one in waiting:
        with pytest.raises(type(error), match="away"):
            await one.answer()
    await nobody_looks()


async def test_a_queue_that_is_said_to_be_ready_and_gives_nothing_keeps_nobody_busy() -> None:
    class Lying(Watched):
        async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
            self.claims += 1
            return Claimed((), 0)

    engine = Lying()
    at = await installation({}, accepts=lambda type: True, engine=engine)
    await at.push(JobSpec("mail"))
    waiting = [await Waiting(at.remote).begun() for _ in range(50)]
    before = engine.claims

    await at.push(JobSpec("mail", {"i": 2}))
    for _ in range(200):
        await asyncio.sleep(0)

    assert engine.claims - before <= 3 * AT_ONCE
    for one in waiting:
        one.go()
        await one.answer()


async def test_many_who_wait_cost_as_much_as_few() -> None:
    at, engine = await watched()
    waiting = [
        Waiting(at.remote, Wish(types=frozenset({f"type{n}"}), worker=f"w{n}")) for n in range(1000)
    ]
    for one in waiting:
        await one.begun()
    looks = engine.looks

    for n in range(10):
        await at.push(JobSpec("unwanted", {"n": n}))
        for _ in range(20):
            await asyncio.sleep(0)
    unwanted = engine.looks - looks
    [id] = await at.push(JobSpec("type999"))

    assert [given.job.id for given in await waiting[999].answer()] == [id]
    assert unwanted <= 3 * 10
    assert engine.claims == 1
    at.remote.stop_waiting()
    for one in waiting:
        await one.answer()


async def test_one_job_is_not_claimed_for_by_all_who_wait() -> None:
    at, engine = await watched()
    waiting = [await Waiting(at.remote).begun() for _ in range(1000)]
    before = engine.looks

    await at.push(JobSpec("mail"))

    assert len(await waiting[0].answer()) == 1
    for _ in range(100):
        await asyncio.sleep(0)
    assert engine.looks - before <= 30
    at.remote.stop_waiting()


async def test_what_nobody_wants_does_not_hide_what_somebody_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("penstock.remote.polls.HEADS", 1)
    at = await place()
    here = Wish(types=frozenset({"mail"}), domains=frozenset({"here"}))
    there = Wish(types=frozenset({"other"}), domains=frozenset({"there"}))
    await at.push(JobSpec("mail", domain="there", priority=900), JobSpec("other", domain="here"))
    mine, other = [await Waiting(at.remote, wanted).begun() for wanted in (here, there)]

    await at.push(JobSpec("mail", domain="here", priority=1))
    await at.push(JobSpec("other", domain="there", priority=1))

    assert len(await mine.answer()) == 1
    assert len(await other.answer()) == 1


async def test_a_job_that_comes_between_its_own_look_and_its_wait_is_not_missed() -> None:
    class Slow(Watched):
        def __init__(self) -> None:
            super().__init__()
            self.seen = asyncio.Event()
            self.go = asyncio.Event()

        async def ready(
            self, types: Collection[str], domains: Collection[str] | None = None, *, limit: int
        ) -> Sequence[ReadyQueue]:
            found = await super().ready(types, domains, limit=limit)
            if set(types) == {"mail"} and not self.seen.is_set():
                self.seen.set()
                await self.go.wait()
            return found

    engine = Slow()
    at = await installation({}, accepts=lambda type: True, engine=engine)
    other = await Waiting(at.remote, wish("other")).begun()
    waiting = Waiting(at.remote)
    async with asyncio.timeout(SOON):
        await engine.seen.wait()
    [id] = await at.push(JobSpec("mail"))
    await other.begun()  # by now the wake-up is over

    engine.go.set()

    assert [given.job.id for given in await waiting.answer()] == [id]
    other.go()


async def test_no_time_to_wait_is_an_answer_at_once() -> None:
    at = await place()

    assert list(await Waiting(at.remote, wait=NOW).answer()) == []


async def test_a_ttl_begins_with_the_claim_and_not_with_the_wait() -> None:
    at = await installation({}, accepts=lambda type: True, policies={"mail": Policy()})
    waiting = await Waiting(at.remote).begun()
    at.clock.tick(timedelta(minutes=1))

    await at.push(JobSpec("mail"))
    [given] = await waiting.answer()

    assert given.until - at.clock.now() == timedelta(seconds=30)
