"""A partition that is away hides its own jobs and no others; those that are there answer as one store."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from penstock.conformance.builders import (
    HOUR,
    OTHER,
    QUEUE,
    SECOND,
    TTL,
    WORKER,
    claim,
    claims,
    counts_of,
    deadline,
    everything,
    job,
    names,
    push,
    push_one,
    want,
)
from penstock.engine import (
    Ack,
    Engine,
    Feature,
    JobFilter,
    ReadyQueue,
)
from penstock.engines.federated import FederatedEngine, Partition
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineError, EngineUnavailable, StoreMismatch
from penstock.job import Counts, Presence, State
from tests.engines.federated.line import Cut
from tests.engines.federated.wide import Wide


async def test_what_concerns_others_works_without_a_partition(wide: Wide) -> None:
    engine = wide.engine
    await push(engine, wide.job_for("east", "e"), wide.job_for("west", "w"))
    await push(engine, job("later", delay=SECOND, queue=OTHER, dedupe_key="1"))
    await engine.announce(Presence(worker=WORKER, slots=2), HOUR)
    wide.lines["west"].cut = Cut.ON_THE_WAY
    wide.clock.tick(2 * SECOND)

    assert (await counts_of(engine)).pushed == 1
    assert names(await everything(engine, JobFilter(type=QUEUE.type))) == ["e"]
    assert await engine.ready([QUEUE.type], limit=9) == [ReadyQueue(queue=QUEUE, priority=500)]
    assert list(await engine.oldest([QUEUE])) == [QUEUE]
    assert await engine.paused() == frozenset()
    assert [one.worker for one in await engine.workers()] == [WORKER]
    assert (await engine.promote(9)).next_in is None
    assert names(await claims(engine)) == ["e"]
    assert (await engine.reclaim(9, ttl=TTL, worker=WORKER)).readied == 0
    assert await engine.purge(9) == 0
    await engine.announce(Presence(worker=WORKER, slots=2), HOUR)
    assert await engine.forget(WORKER) == 1


READING: dict[str, Callable[[Engine], Awaitable[object]]] = {
    "claim": lambda at: at.claim([want()], WORKER),
    "reclaim": lambda at: at.reclaim(9, ttl=TTL, worker=WORKER),
    "promote": lambda at: at.promote(9),
    "purge": lambda at: at.purge(9),
    "ready": lambda at: at.ready([QUEUE.type], limit=9),
    "wait": lambda at: at.wait(HOUR),
    "list": lambda at: at.list(JobFilter(), limit=9),
    "counts": lambda at: at.counts(),
    "oldest": lambda at: at.oldest([QUEUE]),
    "paused": lambda at: at.paused(),
    "announce": lambda at: at.announce(Presence(worker=WORKER, slots=1), HOUR),
    "forget": lambda at: at.forget(WORKER),
    "workers": lambda at: at.workers(),
}


@pytest.mark.parametrize("verb", READING)
async def test_where_no_partition_answers_the_caller_is_told(wide: Wide, verb: str) -> None:
    for line in wide.lines.values():
        line.cut = Cut.ON_THE_WAY

    with pytest.raises(EngineUnavailable, match=r"partition (east|west): the line is cut"):
        await READING[verb](wide.engine)
    with pytest.raises(EngineUnavailable, match="no partition can be reached"):
        await READING[verb](wide.engine)


@pytest.mark.parametrize("verb", READING)
async def test_who_failed_is_not_asked_again_for_five_seconds(wide: Wide, verb: str) -> None:
    wide.lines["west"].cut = Cut.ON_THE_WAY
    await push(wide.engine, *[job()] * 3)
    await wide.engine.counts()
    wide.lines["west"].asked.clear()

    async with deadline():
        await READING[verb](wide.engine) if verb != "wait" else await wide.engine.wait(SECOND)
    assert wide.lines["west"].asked == []

    wide.pass_by(6)
    wide.lines["west"].cut = Cut.NOWHERE
    async with deadline():
        await READING[verb](wide.engine) if verb != "wait" else await wide.engine.wait(SECOND)
    assert wide.lines["west"].times(verb) == 1


async def test_a_claim_is_given_although_the_next_partition_is_away(wide: Wide) -> None:
    await push(wide.engine, wide.job_for("east", "e"), wide.job_for("west", "w"))
    wide.lines["west"].cut = Cut.ON_THE_WAY_BACK

    given = [names((await claim(wide.engine)).claims) for _ in range(2)]

    assert sorted(given) == [[], ["e"]]


async def test_a_wait_ends_when_a_partition_is_to_be_asked_again(wide: Wide) -> None:
    wide.lines["west"].cut = Cut.ON_THE_WAY
    await wide.engine.counts()
    while await wide.engine.wait(timedelta(0)):
        pass
    wide.pass_by(4.99)

    async with deadline():
        assert await wide.engine.wait(HOUR)


async def test_a_job_in_any_partition_ends_a_wait(wide: Wide) -> None:
    for name in ("east", "west"):
        while await wide.engine.wait(timedelta(0)):
            pass
        waiting = asyncio.create_task(wide.engine.wait(HOUR))
        await asyncio.sleep(0)

        await wide.stores[name].push([job()])

        async with deadline():
            assert await waiting


async def test_a_batch_is_not_promised_to_be_whole_nor_in_order(wide: Wide) -> None:
    assert wide.stores["east"].features == {
        Feature.ATOMIC, Feature.ORDER, Feature.DELAY, Feature.WAIT,
    }  # fmt: skip
    assert wide.engine.features == {Feature.DELAY, Feature.WAIT}


async def test_a_federation_is_known_by_its_partitions(wide: Wide) -> None:
    another = wide.another()
    await another.open()

    assert another.identity == wide.engine.identity
    assert wide.engine.identity.number == -1


async def test_partitions_of_one_number_are_refused() -> None:
    engine = FederatedEngine(
        [Partition(name=name, engine=MemoryEngine(number=3), weight=1) for name in ("a", "b")]
    )

    with pytest.raises(StoreMismatch, match="a and b both have the number 3"):
        await engine.open()


async def test_every_partition_is_closed_also_where_one_cannot_be(wide: Wide) -> None:
    async def fail() -> None:
        raise EngineError("boom")

    closed: list[str] = []

    async def close() -> None:
        closed.append("east")

    wide.lines["east"].__dict__["close"] = close
    wide.lines["west"].__dict__["close"] = fail

    with pytest.raises(EngineError, match="boom"):
        await wide.engine.close()
    assert closed == ["east"]
    del wide.lines["west"].__dict__["close"]


async def test_counts_are_sums(wide: Wide) -> None:
    await push(wide.engine, *(job(dedupe_key=str(n)) for n in range(10)))
    await push(wide.engine, job(queue=OTHER))
    await claims(wide.engine, want(limit=4))

    assert await wide.engine.counts() == {
        QUEUE: Counts(pushed=10, ready=6, claimed=4),
        OTHER: Counts(pushed=1, ready=1),
    }
    assert await wide.engine.counts([OTHER]) == {OTHER: Counts(pushed=1, ready=1)}


async def test_a_worker_is_told_once_with_all_that_it_takes(wide: Wide) -> None:
    await wide.engine.announce(Presence(worker="w", slots=3, types=frozenset("ab")), HOUR)
    await wide.stores["west"].announce(Presence(worker="w", slots=3, types=frozenset("bc")), HOUR)

    assert await wide.engine.workers() == [Presence(worker="w", slots=3, types=frozenset("abc"))]


async def test_the_highest_head_of_any_partition_is_told(wide: Wide) -> None:
    low = job(dedupe_key=wide.key_of("east"), priority=100)
    high = job(dedupe_key=wide.key_of("west"), priority=900)
    await push(wide.engine, low, high, job(queue=OTHER, priority=500))

    assert await wide.engine.ready([QUEUE.type, OTHER.type], limit=9) == [
        ReadyQueue(queue=QUEUE, priority=900),
        ReadyQueue(queue=OTHER, priority=500),
    ]
    assert len(await wide.engine.ready([QUEUE.type, OTHER.type], limit=1)) == 1


async def test_state_and_end_of_a_job_are_those_of_its_partition(wide: Wide) -> None:
    id = await push_one(wide.engine, wide.job_for("west"))
    [held] = await wide.engine.claim_ids([id], ttl=TTL, worker=WORKER)

    await wide.engine.ack([Ack(ref=held.ref, result="1")])

    [job] = await wide.stores["west"].get([id])
    assert job is not None
    assert (job.state, job.result) == (State.DONE, "1")
