"""A verb whose answer is lost may have happened: what its caller does then, and that nothing is doubled by it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

import pytest

from penstock.conformance.builders import (
    HOUR,
    MINUTE,
    OTHER,
    TTL,
    WORKER,
    assert_conserved,
    claim,
    claim_one,
    claimed_job,
    claims,
    counts_of,
    job,
    key,
    name_of,
    names,
    push_one,
    read,
    state_of,
)
from penstock.conformance.stories import then
from penstock.engine import Ack, Bury, Cancel, CancelAnswer, Engine, Held, Release, Renew, Retry
from penstock.errors import EngineUnavailable
from penstock.job import Claim, Counts, Delivery, On, State
from tests.engines.failures.proxy import MOST_EXCHANGES, Fault, Proxy
from tests.engines.failures.stores import Store

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_connection")]

Lose = Callable[[Callable[[], Awaitable[object]], Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
async def direct(store: Store) -> AsyncIterator[Engine]:
    """Another engine on the store, whose connections nobody cuts."""
    made = store.engine()
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def lose_answer(proxy: Proxy, engine: Engine) -> Lose:
    """Asks until it has happened and the answer was lost."""

    async def lose(
        ask: Callable[[], Awaitable[object]], has_happened: Callable[[], Awaitable[bool]]
    ) -> None:
        for exchange in range(MOST_EXCHANGES):
            await engine.paused()  # what was lost is replaced
            proxy.cut(Fault.ANSWER, after=exchange)
            with pytest.raises(EngineUnavailable):
                await ask()
            await proxy.settled()
            if await has_happened():
                return
        raise AssertionError("whatever was cut, it has not happened")

    return lose


async def test_the_key_settles_a_push(engine: Engine, direct: Engine, lose_answer: Lose) -> None:
    new = [job(str(item), idempotency=key(item=item)) for item in range(3)]
    await push_one(engine, job("before"))

    async def is_stored() -> bool:
        return (await counts_of(direct)).pushed > 1

    await lose_answer(lambda: engine.push(new), is_stored)
    answers = await engine.push(new)

    assert [answer.replayed for answer in answers] == [True] * 3
    assert names(await claims(direct)) == ["before", "0", "1", "2"]
    assert (await counts_of(direct)).pushed == 4
    await assert_conserved(direct)


async def test_a_repeated_ack_is_not_held_and_the_job_is_done_once(
    engine: Engine, direct: Engine, lose_answer: Lose
) -> None:
    held = await claimed_job(engine)
    ack = Ack(ref=held.ref, result="1", follow_ups=then(On.DONE, job("after", queue=OTHER)))

    async def is_done() -> bool:
        return await state_of(direct, held.job.id) is State.DONE

    await lose_answer(lambda: engine.ack([ack]), is_done)

    assert await engine.ack([ack]) == [False]
    assert await counts_of(direct) == Counts(done=1, pushed=1)
    assert await counts_of(direct, OTHER) == Counts(ready=1, pushed=1)
    await assert_conserved(direct)


async def test_lost_claims_are_reclaimed_and_never_given_twice_at_one_fence(
    engine: Engine, direct: Engine, store: Store, lose_answer: Lose
) -> None:
    id = await push_one(engine, job())

    async def is_claimed() -> bool:
        return await state_of(direct, id) is State.CLAIMED

    await lose_answer(lambda: claim(engine), is_claimed)
    assert await claims(engine) == []
    await store.age(MINUTE)
    assert (await engine.reclaim(10, ttl=TTL, worker=WORKER)).readied == 1

    [again] = await claims(engine)
    assert (again.job.fence, again.job.attempt) == (2, 2)
    assert await engine.ack([Ack(ref=again.ref)]) == [True]
    await assert_conserved(direct)


async def test_a_lost_claim_of_an_at_most_once_job_never_runs(
    engine: Engine, direct: Engine, store: Store, lose_answer: Lose
) -> None:
    id = await push_one(engine, job(delivery=Delivery.AT_MOST_ONCE))

    async def is_claimed() -> bool:
        return await state_of(direct, id) is State.CLAIMED

    await lose_answer(lambda: claim(engine), is_claimed)
    await store.age(MINUTE)
    reclaimed = await engine.reclaim(10, ttl=TTL, worker=WORKER)

    assert (reclaimed.readied, [name_of(last) for last in reclaimed.last]) == (0, ["a"])
    assert await engine.bury([Bury(ref=reclaimed.last[0].ref, error="lost")]) == [True]
    assert await claims(engine) == []
    await assert_conserved(direct)


async def test_what_upkeep_took_over_unheard_comes_again(
    engine: Engine, direct: Engine, store: Store, lose_answer: Lose
) -> None:
    held = await claimed_job(engine, job(max_attempts=1))
    await store.age(MINUTE)

    async def is_taken_over() -> bool:
        return (await read(direct, held.job.id)).fence > held.ref.fence

    await lose_answer(lambda: engine.reclaim(10, ttl=TTL, worker=WORKER), is_taken_over)
    await store.age(MINUTE)
    [last] = (await engine.reclaim(10, ttl=TTL, worker=WORKER)).last

    assert last.job.attempt == 1
    assert await engine.bury([Bury(ref=last.ref, error="lost")]) == [True]
    await assert_conserved(direct)


async def test_other_repeated_ends_are_not_held_either(
    engine: Engine, direct: Engine, lose_answer: Lose
) -> None:
    b, c, r, g = [await claimed_job(engine, job(name)) for name in ("b", "c", "r", "g")]
    ends: dict[Claim, tuple[Callable[[], Awaitable[Sequence[object]]], object]] = {
        b: (lambda: engine.bury([Bury(ref=b.ref, error="boom")]), False),
        c: (
            lambda: engine.cancel([Cancel(id=c.ref.id, fence=c.ref.fence)]),
            CancelAnswer.REFUSED,
        ),
        r: (lambda: engine.retry([Retry(ref=r.ref, after=HOUR, error="boom")]), Held.LOST),
        g: (lambda: engine.release([Release(ref=g.ref)]), Held.LOST),
    }

    for held, (end, not_held) in ends.items():

        async def has_ended(held: Claim = held) -> bool:
            return await state_of(direct, held.job.id) is not State.CLAIMED

        await lose_answer(end, has_ended)
        assert await end() == [not_held]
    assert await engine.renew([Renew(ref=g.ref, ttl=TTL)]) == [Held.LOST]

    counts = await counts_of(direct)
    assert counts == Counts(dead=1, cancelled=1, scheduled=1, ready=1, pushed=4)
    [given_back] = await claims(direct)
    assert (given_back.job.fence, given_back.job.attempt) == (2, 1)
    await assert_conserved(direct)


async def test_the_next_call_works_after_every_connection_was_cut(
    engine: Engine, proxy: Proxy
) -> None:
    id = await push_one(engine, job())

    proxy.cut_all()
    await proxy.settled()
    with suppress(EngineUnavailable):
        await engine.paused()  # the one that may find it cut
    held = await claim_one(engine)

    assert held.job.id == id
    assert await engine.ack([Ack(ref=held.ref)]) == [True]
