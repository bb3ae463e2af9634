# long: all that two callers who share a commit must not share
"""The writer: what is asked for at the same time shares a commit and nothing else."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from penstock.conformance.builders import (
    HOUR,
    OTHER,
    QUEUE,
    SOON,
    WORKER,
    assert_conserved,
    claimed_job,
    claims,
    counts_of,
    deadline,
    job,
    key,
    push,
    push_one,
    want,
)
from penstock.engine import CONFLICT, Ack, Engine, Pushed, Renew
from penstock.job import JobId, Presence
from tests.engines.sqlite.harness import SqliteHarness

BROKEN = job("broken", dedupe_key="\ud800")  # half a letter: SQLite takes no such text


class Gate:
    """Knows the commits; while it is shut, the writer stands just before the end of one."""

    def __init__(self) -> None:
        self.points: list[str] = []
        self._is_shut = False
        self._passes = threading.Semaphore(0)
        self._standing = threading.Event()

    def __call__(self, point: str) -> None:
        self.points.append(point)
        if point.endswith("before_commit") and self._is_shut:
            self._standing.set()
            assert self._passes.acquire(timeout=SOON), "the gate was never opened"

    async def shut(self, engine: Engine) -> asyncio.Task[Any]:
        """The writer stands in a commit of its own, which ends when the gate opens."""
        self._is_shut = True
        first = asyncio.create_task(engine.announce(Presence(worker="gate", slots=1), HOUR))
        await self._stood()
        self.points.clear()
        return first

    async def next(self) -> None:
        """One commit ends, and the writer stands in the next one."""
        self._passes.release()
        await self._stood()

    def open(self) -> None:
        """The writer goes on."""
        self._is_shut = False
        self._passes.release()

    async def _stood(self) -> None:
        assert await asyncio.to_thread(self._standing.wait, SOON)
        self._standing.clear()

    @property
    def pushes(self) -> int:
        """How many commits with pushes there were since it was shut."""
        return self.points.count("push.after_commit")


@asynccontextmanager
async def at_once(gate: Gate, engine: Engine) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Whatever is put into the list inside is asked for while the writer is busy, and answered after."""
    first = await gate.shut(engine)
    asked: list[asyncio.Task[Any]] = []
    yield asked
    await asyncio.sleep(0)  # each has put its question now
    gate.open()
    async with deadline():
        await asyncio.wait([first, *asked])


async def gated(harness: SqliteHarness) -> tuple[Gate, Engine]:
    gate = Gate()
    return gate, await harness.opened(harness.make(crash_points=gate))


def ask(question: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(question)


async def test_pushes_at_the_same_time_share_one_commit(harness: SqliteHarness) -> None:
    gate, engine = await gated(harness)

    async with at_once(gate, engine) as asked:
        asked += [ask(engine.push([job(str(n))])) for n in range(64)]

    ids = [task.result()[0].id for task in asked]
    assert len(set(ids)) == 64
    assert gate.pushes == 1
    assert (await counts_of(engine)).ready == 64
    await assert_conserved(engine)


async def test_pushes_that_nobody_holds_back_share_commits_too(harness: SqliteHarness) -> None:
    gate, engine = await gated(harness)

    await asyncio.gather(*(engine.push([job(str(n))]) for n in range(64)))

    assert gate.pushes <= 16


async def test_all_verbs_share_a_commit(harness: SqliteHarness) -> None:
    gate, engine = await gated(harness)
    one, two = await claimed_job(engine), await claimed_job(engine)

    async with at_once(gate, engine) as asked:
        asked += [
            ask(engine.ack([Ack(ref=one.ref)])),
            ask(engine.push([job("new")])),
            ask(engine.renew([Renew(ref=two.ref, ttl=HOUR)])),
            ask(engine.pause([OTHER])),
            ask(engine.promote(10)),
        ]

    verbs = ["ack", "push", "renew", "pause", "promote"]
    assert gate.points == [
        "announce.after_commit",
        *(f"{verb}.before_commit" for verb in verbs),
        *(f"{verb}.after_commit" for verb in verbs),
    ]
    await assert_conserved(engine)


async def test_each_caller_gets_the_answers_to_his_own_items(harness: SqliteHarness) -> None:
    gate, engine = await gated(harness)
    held = [await claimed_job(engine, job(str(n))) for n in range(6)]

    async with at_once(gate, engine) as asked:
        asked += [
            ask(engine.ack([Ack(ref=held[0].ref), Ack(ref=held[1].ref)])),
            ask(engine.ack([Ack(ref=held[1].ref)])),
            ask(engine.ack([Ack(ref=held[2].ref), Ack(ref=held[0].ref), Ack(ref=held[3].ref)])),
        ]

    assert [task.result() for task in asked] == [[True, True], [False], [True, False, True]]
    await assert_conserved(engine)


async def test_equal_keys_pushed_at_the_same_time_store_one_job(harness: SqliteHarness) -> None:
    gate, engine = await gated(harness)

    async with at_once(gate, engine) as asked:
        asked += [ask(engine.push([job(dedupe_key="k", idempotency=key())])) for _ in range(3)]
        asked += [ask(engine.push([job(dedupe_key="k")])) for _ in range(3)]

    first, *others = [task.result()[0] for task in asked]
    assert first == Pushed(id=first.id)
    assert others[:2] == [Pushed(id=first.id, replayed=True)] * 2
    assert others[2:] == [Pushed(id=first.id, deduplicated=True)] * 3
    assert (await counts_of(engine)).pushed == 1


async def test_pushes_under_one_key_are_judged_each_for_itself(harness: SqliteHarness) -> None:
    gate, engine = await gated(harness)
    await engine.push([job(idempotency=key(fingerprint="known", item=9))])

    async with at_once(gate, engine) as asked:
        asked += [
            ask(engine.push([job(idempotency=key(item=item)) for item in items]))
            for items in ([0], [1, 9], [1], [0, 1])
        ]
        asked.append(ask(engine.push([job(idempotency=key(fingerprint="other", item=1))])))

    first, fallen, second, again, late = [task.result() for task in asked]
    assert [first, second] == [[Pushed(id=JobId(2))], [Pushed(id=JobId(3))]]
    assert fallen == [CONFLICT] * 2
    assert again == [Pushed(id=JobId(2), replayed=True), Pushed(id=JobId(3), replayed=True)]
    assert late == [CONFLICT]
    assert gate.pushes == 1
    await assert_conserved(engine)


async def test_a_call_that_fails_does_not_fail_those_beside_it(harness: SqliteHarness) -> None:
    gate, engine = await gated(harness)

    async with at_once(gate, engine) as asked:
        asked += [
            ask(engine.push([job("a")])),
            ask(engine.push([job("lost with it"), BROKEN])),
            ask(engine.push([job("b")])),
            ask(engine.pause([OTHER])),
        ]

    assert isinstance(asked[1].exception(), ValueError)
    assert [task.exception() for task in (asked[0], asked[2], asked[3])] == [None] * 3
    assert (await counts_of(engine)).pushed == 2
    assert [pushed.id for pushed in (*asked[0].result(), *asked[2].result())] == [
        held.job.id for held in await claims(engine)
    ]
    assert await engine.paused() == {OTHER}
    await assert_conserved(engine)


async def test_a_call_that_fails_leaves_no_queue_and_no_count_behind(
    harness: SqliteHarness,
) -> None:
    engine = harness.engine

    for new in (BROKEN, job("first of its queue", queue=OTHER)):
        try:
            await engine.push([job("gone", queue=OTHER), new])
        except ValueError:
            assert new is BROKEN

    assert (await counts_of(engine, OTHER)).pushed == 2
    assert QUEUE not in await engine.counts()
    await assert_conserved(engine)


async def test_a_caller_who_goes_away_does_not_break_the_group(harness: SqliteHarness) -> None:
    gate, engine = await gated(harness)

    async with at_once(gate, engine) as asked:
        leaving = ask(engine.push([job("nobody waits for it")]))
        asked += [ask(engine.push([job("a")])), ask(engine.push([job("b")]))]
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)

    assert leaving.cancelled()
    assert [task.exception() for task in asked] == [None, None]
    assert len(await claims(engine)) == 2
    await assert_conserved(engine)


async def test_a_caller_who_goes_away_in_the_midst_of_the_commit_changes_nothing(
    harness: SqliteHarness,
) -> None:
    gate, engine = await gated(harness)
    first = await gate.shut(engine)
    asked = [ask(engine.push([job(str(n))])) for n in range(3)]
    await asyncio.sleep(0)
    await gate.next()

    asked[0].cancel()
    await asyncio.gather(asked[0], return_exceptions=True)
    gate.open()

    async with deadline():
        answers = await asyncio.gather(first, *asked[1:])
    assert [len(found or ()) for found in answers] == [0, 1, 1]
    assert (await counts_of(engine)).pushed == 3


async def test_whoever_reads_does_not_wait_for_the_writer(harness: SqliteHarness) -> None:
    gate, engine = await gated(harness)
    id = await push_one(engine, job("a", queue=OTHER))
    first = await gate.shut(engine)

    async with deadline():
        [found] = await engine.get([id])
        ready = await engine.ready([OTHER.type], limit=1)
        counts = await counts_of(engine, OTHER)

    assert found is not None
    assert ready[0].queue == OTHER
    assert counts.ready == 1
    assert not first.done()
    gate.open()
    await first


async def test_a_large_group_is_committed_in_pieces(harness: SqliteHarness) -> None:
    gate, engine = await gated(harness)

    async with at_once(gate, engine) as asked:
        asked += [ask(push(engine, *[job()] * 500)) for _ in range(10)]

    assert gate.pushes == 3  # at most 2000 in one
    assert len({id for task in asked for id in task.result()}) == 5000


def test_one_event_loop_after_the_other_may_use_an_engine(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)

    async def use() -> JobId:
        await harness.engine.open()
        id = await push_one(harness.engine, job())
        await harness.engine.wait(HOUR)
        await harness.engine.close()
        return id

    assert [asyncio.run(use()) for _ in range(3)] == [1, 2, 3]


async def test_nothing_is_written_where_nothing_changes(harness: SqliteHarness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.ack([Ack(ref=held.ref)])
    before = harness.ask("select last_now, wakes from store"), _log(harness)

    await engine.promote(10)
    await engine.reclaim(10, ttl=HOUR, worker=WORKER)
    await engine.purge(10)
    await engine.ack([Ack(ref=held.ref)])
    await engine.claim([want()], WORKER)
    await engine.delete([JobId(404)])

    assert (harness.ask("select last_now, wakes from store"), _log(harness)) == before


def _log(harness: SqliteHarness) -> bytes:
    return harness.path.with_name(f"{harness.path.name}-wal").read_bytes()
