"""What a move costs does not grow with what lies in the store: counted in the commands that its script runs."""

from collections.abc import Awaitable, Callable

import pytest

from penstock.conformance.builders import (
    DAY,
    HOUR,
    MANY,
    OTHER,
    QUEUE,
    TTL,
    assert_conserved,
    claims,
    counts_of,
    everything,
    job,
    key,
    push,
    root,
    want,
)
from penstock.engine import Ack, Cancel, Engine, JobFilter
from penstock.job import Counts, Order, Presence, QueueKey, State
from tests.engines.redis.harness import RedisHarness

pytestmark = [pytest.mark.server, pytest.mark.slow]

FEW, HUGE = 1_000, 100_000
SHARE = 5_000
QUEUES = 5_000

Move = Callable[[Engine], Awaitable[object]]


async def fill(engine: Engine, count: int) -> None:
    """So many jobs more are ready, of three priorities."""
    for start in range(0, count, SHARE):
        new = (job(priority=400 + n % 3) for n in range(start, min(start + SHARE, count)))
        await engine.push([*new])


async def cost(harness: RedisHarness, move: Move) -> int:
    """How many commands the server ran for it."""
    await harness.stranger.config_resetstat()
    await move(harness.engine)
    stats = await harness.stranger.info("commandstats")
    return sum(each["calls"] for name, each in stats.items() if not name.startswith("cmdstat_info"))


def claiming(order: Order) -> Move:
    async def claim(engine: Engine) -> None:
        assert len(await claims(engine, want(limit=10, order=order))) == 10

    return claim


async def push_ten(engine: Engine) -> None:
    await push(engine, *(job(root=root(1), idempotency=key(str(n))) for n in range(10)))


async def ack_ten(engine: Engine) -> None:
    held = await claims(engine, want(limit=10))
    assert all(await engine.ack([Ack(ref=claim.ref) for claim in held]))


async def look_for_ready(engine: Engine) -> None:
    assert len(await engine.ready([QUEUE.type, OTHER.type], limit=10)) == 2


async def list_one_queue(engine: Engine) -> None:
    which = JobFilter(domain=QUEUE.domain, type=QUEUE.type)
    assert len(await engine.list(which, limit=10)) == 10


async def promote_ten(engine: Engine) -> None:
    assert (await engine.promote(10)).count == 10


async def reclaim_ten(engine: Engine) -> None:
    assert (await engine.reclaim(10, ttl=TTL, worker="w")).readied == 10


async def purge_ten(engine: Engine) -> None:
    assert await engine.purge(10) == 10


@pytest.fixture(autouse=True)
def _settings_are_ours(harness: RedisHarness) -> None:
    if not harness.is_private:
        pytest.skip("the statistics of a given server are not ours to reset")


async def test_no_move_costs_more_in_a_long_queue(harness: RedisHarness) -> None:
    moves = [
        *map(claiming, Order), push_ten, ack_ten, look_for_ready, list_one_queue,
    ]  # fmt: skip
    # Every priority is there before: looking through a queue in the order of ids costs a look for each.
    await fill(harness.engine, FEW)
    await push(harness.engine, job(queue=OTHER))
    await push_ten(harness.engine)
    small = [await cost(harness, move) for move in moves]

    await fill(harness.engine, HUGE)

    # A burst is told at most every ten milliseconds, so that a call may run two commands more or less.
    assert [await cost(harness, move) for move in moves] == pytest.approx(small, abs=2)


async def test_upkeep_costs_what_it_moves(harness: RedisHarness) -> None:
    async def have(count: int) -> None:
        await harness.engine.push([job(delay=TTL) for _ in range(count)])
        await harness.engine.push([job() for _ in range(count)])
        await harness.engine.push([job(queue=OTHER) for _ in range(count)])
        await harness.engine.claim([want(ttl=TTL)], "lost")
        done = await claims(harness.engine, want(OTHER))
        await harness.engine.ack([Ack(ref=claim.ref, keep=TTL) for claim in done])
        await harness.age(TTL * 2)

    moves = [promote_ten, reclaim_ten, purge_ten]
    await have(20)
    small = [await cost(harness, move) for move in moves]

    await have(FEW)

    assert [await cost(harness, move) for move in moves] == pytest.approx(small, abs=2)


async def test_a_look_for_ready_queues_does_not_look_at_all_there_are(
    harness: RedisHarness,
) -> None:
    async def look(engine: Engine) -> None:
        found = await engine.ready([QUEUE.type], limit=10)
        assert [each.priority for each in found] == [500] * 10

    await push(harness.engine, *(job(queue=_tenant(n)) for n in range(20)))
    small = await cost(harness, look)

    await push(harness.engine, *(job(queue=_tenant(n)) for n in range(QUEUES)))

    assert await cost(harness, look) <= small + 2


async def test_every_queue_of_many_has_its_turn(harness: RedisHarness) -> None:
    queues = {_tenant(n) for n in range(40)}
    await push(harness.engine, *(job(queue=queue) for queue in queues))

    seen = [await harness.engine.ready([QUEUE.type], limit=5) for _ in range(100)]

    assert {each.queue for found in seen for each in found} == queues
    assert all(len({each.queue for each in found}) == 5 for found in seen)


async def test_queues_that_are_not_ready_any_more_are_passed_once(harness: RedisHarness) -> None:
    engine = harness.engine
    ids = await push(engine, *(job(queue=_tenant(n), priority=900) for n in range(2_500)))
    await push(engine, *(job(queue=_tenant(n), priority=100) for n in range(10)))
    await engine.cancel([Cancel(id=id) for id in ids])

    looks = 1
    while len(found := await engine.ready([QUEUE.type], limit=10)) < 10:
        looks += 1

    assert looks <= 3
    assert {each.queue for each in found} == {_tenant(n) for n in range(10)}
    assert {each.priority for each in found} == {100}


async def test_paused_queues_are_in_nobodys_way(harness: RedisHarness) -> None:
    engine = harness.engine
    queues = [_tenant(n) for n in range(2_500)]
    await engine.pause(queues[10:])
    await push(engine, *(job(queue=queue) for queue in queues))

    looks = 1
    while len(found := await engine.ready([QUEUE.type], limit=10)) < 10:
        looks += 1

    assert looks <= 3
    assert {each.queue for each in found} == set(queues[:10])
    await engine.resume(queues)
    assert len(await engine.ready([QUEUE.type], limit=5_000)) == 2_500


async def test_what_goes_over_all_queues_or_claims_goes_over_every_page(
    harness: RedisHarness,
) -> None:
    engine = harness.engine
    queues = [_tenant(n) for n in range(1_200)]
    ids = await push(engine, *(job(queue=queue) for queue in queues))

    assert [each.id for each in await everything(engine)] == ids[::-1]
    assert await engine.counts() == dict.fromkeys(queues, Counts(ready=1, pushed=1))
    assert await engine.counts(queues) == dict.fromkeys(queues, Counts(ready=1, pushed=1))
    await engine.announce(Presence(worker="w", slots=1), HOUR)
    await engine.claim_ids(ids, ttl=HOUR, worker="w")
    assert await engine.forget("w") == 1_200
    assert (await engine.reclaim(2_000, ttl=TTL, worker="v")).readied == 1_200


async def test_finished_jobs_leave_nothing_when_they_were_kept_long_enough(
    harness: RedisHarness,
) -> None:
    engine, server = harness.engine, harness.stranger

    async def use(count: int) -> None:
        keyed = [
            job(dedupe_key=str(n), idempotency=key(str(n)), root=root(n, f"family {n}"))
            for n in range(count)
        ]
        await engine.push(keyed)
        done = await claims(engine, want(limit=count))
        await engine.ack([Ack(ref=claim.ref, result='"x"', keep=DAY) for claim in done])

    await use(10)
    await harness.age(DAY * 30)
    await engine.purge(MANY)
    before, memory = set(await harness.names()), (await server.info("memory"))["used_memory"]

    await use(SHARE)
    while_kept = (await server.info("memory"))["used_memory"]
    assert await counts_of(engine) == Counts(done=SHARE, deleted=10, pushed=SHARE + 10)
    await harness.age(DAY * 30)
    while await engine.purge(1_000):
        pass

    after = (await server.info("memory"))["used_memory"]
    assert set(await harness.names()) == before
    assert after - memory < (while_kept - memory) / 10
    assert not [each for each in await everything(engine) if each.state is State.DONE]
    await assert_conserved(engine)


def _tenant(number: int) -> QueueKey:
    return QueueKey(f"tenant-{number:04d}", QUEUE.type)
