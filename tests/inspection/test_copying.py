# long: what is kept, what is left, and each place at which a run may end
"""Jobs are copied or moved to another store, once, whatever happens on the way."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from penstock.clock import ManualClock
from penstock.conformance.builders import (
    HOUR,
    MINUTE,
    OTHER,
    QUEUE,
    TTL,
    WORKER,
    assert_conserved,
    claim_one,
    claims,
    counts_of,
    everything,
    job,
    jobs,
    key,
    names,
    push,
    push_one,
    put,
    root,
)
from penstock.conformance.stories import one_of_each
from penstock.engine import Ack, JobFilter, Pushed, Release, Retry
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineUnavailable
from penstock.group import QueueGroup
from penstock.inspection import copy, move, route
from penstock.job import (
    WAITING,
    Callback,
    Delivery,
    Details,
    Job,
    JobId,
    NewJob,
    On,
    QueueKey,
    State,
)
from tests.engines.federated.line import Cut, Line
from tests.inspection.two import all_moved, copied, group_of, moved, opened

FULL = Details(
    context="a label",
    timeout=timedelta(seconds=7),
    callbacks=(Callback(on=On.DONE, type="http", params='{"url": "http://x.test"}'),),
    trace="00-1",
    request_id="r1",
)


@dataclass
class Two:
    """Two stores on one clock, each behind a line that can be cut."""

    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.a = MemoryEngine(clock=self.clock)
        self.b = MemoryEngine(number=1, clock=self.clock)
        self.to_a, self.to_b = Line(self.a), Line(self.b)
        self.group: QueueGroup = group_of({"a": self.to_a.engine, "b": self.to_b.engine})


@pytest.fixture
def two() -> Two:
    return Two()


async def waiting(engine: MemoryEngine) -> list[Job]:
    """The jobs that wait, in the order of their ids."""
    return [one for one in (await everything(engine))[::-1] if one.state in WAITING]


async def test_a_copy_has_all_that_its_job_has(two: Two) -> None:
    full = job(
        "full",
        details=FULL,
        priority=700,
        delay=HOUR,
        dedupe_key="key",
        root=root(3),
        max_attempts=5,
        delivery=Delivery.AT_MOST_ONCE,
    )
    await push(two.a, full, job("plain"))
    two.clock.tick(MINUTE)

    await copied(two.group)

    for old, new in zip(await waiting(two.a), await waiting(two.b), strict=True):
        assert describe(old) == describe(new)


def describe(one: Job) -> tuple[object, ...]:
    """What is to be the same."""
    return (
        one.queue, one.state, one.params, one.details, one.priority, one.run_at, one.dedupe_key, one.root,
        one.max_attempts, one.delivery, one.attempt, one.fence,
    )  # fmt: skip


async def test_copies_stand_in_the_order_of_their_jobs(two: Two) -> None:
    await push(two.a, *jobs("a", "b"), job("c", delay=HOUR), *jobs("d", "e"))

    await copied(two.group, batch=2)

    assert names(await waiting(two.b)) == ["a", "b", "c", "d", "e"]


async def test_only_what_waits_is_copied_and_the_source_is_left_alone(two: Two) -> None:
    await one_of_each(two.a, QUEUE)
    await put(two.a, State.READY, job("other", queue=OTHER))
    before = await everything(two.a)

    one = await copied(two.group)

    assert sorted(names(await everything(two.b))) == ["ready", "scheduled"]
    assert await everything(two.a) == before
    assert (one.copied, one.removed) == (2, 0)
    assert one.left == await counts_of(two.a)


async def test_what_was_copied_is_not_copied_again_even_if_it_has_run_there(two: Two) -> None:
    await push(two.a, *jobs("a", "b"))
    await copied(two.group)
    await claim_one(two.b)
    await push(two.a, job("c"))

    again = await copied(two.group)

    assert (again.copied, again.already_there) == (1, 2)
    assert (await counts_of(two.b)).pushed == 3


async def test_jobs_of_the_same_id_in_other_stores_are_others(two: Two) -> None:
    third = MemoryEngine(number=2, clock=two.clock)
    group = group_of({"a": two.a, "b": two.b, "c": third})
    await push(two.a, job("of a"))
    await push(two.b, job("of b"))

    await copied(group, "a", "c")
    await copied(group, "b", "c")

    assert names(await waiting(third)) == ["of a", "of b"]


async def test_attempts_that_are_spent_stay_spent(two: Two) -> None:
    await push(two.a, job("twice", max_attempts=3), job("never", max_attempts=3))
    held = await claim_one(two.a)
    await two.a.retry([Retry(ref=held.ref, after=HOUR, error="boom")])

    await copied(two.group)

    left = {names([one])[0]: one.max_attempts for one in await waiting(two.b)}
    assert left == {"twice": 2, "never": 3}


async def test_a_released_job_has_all_its_attempts(two: Two) -> None:
    await push(two.a, job(max_attempts=1))
    held = await claim_one(two.a)
    await two.a.release([Release(ref=held.ref)])

    await copied(two.group)

    [there] = await waiting(two.b)
    assert there.max_attempts == 1


async def test_an_equal_job_in_the_target_is_raised(two: Two) -> None:
    await push(two.a, job("copied", dedupe_key="key", priority=900))
    await push(two.b, job("there", dedupe_key="key"))

    one = await moved(two.group)

    [there] = await waiting(two.b)
    assert (one.copied, one.deduplicated, one.removed) == (0, 1, 1)
    assert (names([there]), there.priority) == (["there"], 900)


async def test_a_copy_is_found_by_its_later_twin(two: Two) -> None:
    await push(two.a, job("copied", dedupe_key="key"))
    await moved(two.group)

    [later] = await two.b.push([job("later", dedupe_key="key")])

    assert later.deduplicated


async def test_a_copy_makes_its_root_known(two: Two) -> None:
    await push(two.b, job("old", root=root(1)))
    await push(two.a, job("new", root=root(2)))

    await copied(two.group)

    assert names(await claims(two.b)) == ["new"]


async def test_what_cannot_be_read_stays_and_the_others_go(two: Two) -> None:
    bad, _ = await push(two.a, *jobs("bad", "good"))
    two.a._rows[bad].details = "{"

    one = await moved(two.group)

    assert (one.copied, one.refused, one.removed) == (1, 1, 1)
    assert [left.id for left in await everything(two.a)] == [bad]
    assert names(await waiting(two.b)) == ["good"]


async def test_a_job_whose_key_somebody_else_used_stays(two: Two) -> None:
    id = await push_one(two.a, job())
    taken = key(f"copy-queue {two.a.identity.uuid}-{id}")
    await push(two.b, job("other", idempotency=taken))

    one = await moved(two.group)

    assert (one.refused, one.removed, one.left.ready) == (1, 0, 1)


async def test_a_move_leaves_each_job_in_one_store_and_every_count_right(two: Two) -> None:
    await one_of_each(two.a, QUEUE)

    one = await moved(two.group, batch=1)

    assert (one.copied, one.removed, one.paused) == (2, 2, False)
    assert (one.left.scheduled, one.left.ready, one.left.claimed) == (0, 0, 1)
    assert sorted(names(await everything(two.b))) == ["ready", "scheduled"]
    assert await two.a.paused() == frozenset()
    for engine in (two.a, two.b):
        await assert_conserved(engine)


async def test_nobody_begins_a_job_that_is_in_both_stores(two: Two) -> None:
    seen: list[tuple[frozenset[QueueKey], bool]] = []

    class Watching(MemoryEngine):
        async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
            taken = await claims(two.a)
            seen.append((await two.a.paused(), bool(taken)))
            return await super().push(jobs)

    group = group_of({"a": two.a, "b": Watching(number=1, clock=two.clock)})
    await push(two.a, *jobs("a", "b"))

    await moved(group, batch=1)

    assert seen == [(frozenset({QUEUE}), False)] * 2


async def test_a_queue_that_was_paused_stays_so_and_is_told(two: Two) -> None:
    await push(two.a, job())
    await two.a.pause([QUEUE])

    one = await moved(two.group)

    assert one.paused
    assert await two.a.paused() == {QUEUE}


@pytest.mark.parametrize("cut", [Cut.ON_THE_WAY, Cut.ON_THE_WAY_BACK])
async def test_a_move_that_fails_with_jobs_at_hand_leaves_the_source_paused(
    two: Two, cut: Cut
) -> None:
    await push(two.a, job())
    two.to_b.cut = cut

    with pytest.raises(EngineUnavailable, match="mail stays paused in a"):
        await moved(two.group)

    assert await claims(two.a) == []
    two.to_b.cut = Cut.NOWHERE
    again = await moved(two.group)
    assert again.removed == 1
    assert again.paused
    assert names(await claims(two.b)) == ["a"]


async def test_a_move_that_fails_between_two_batches_lets_the_source_go_on(two: Two) -> None:
    await push(two.a, job())
    way = await route(two.group, QUEUE.type, "a", "b")

    def breaks(_: int) -> None:
        raise EngineUnavailable

    with pytest.raises(EngineUnavailable):
        await move(way, batch=1, tell=breaks)

    assert await two.a.paused() == frozenset()


@pytest.mark.parametrize("stuck", ["east", "west"])
async def test_a_store_that_cannot_be_resumed_keeps_no_other_paused(two: Two, stuck: str) -> None:
    class Stuck(MemoryEngine):
        async def resume(self, queues: Collection[QueueKey]) -> None:
            raise EngineUnavailable

    sound = {"east": "west", "west": "east"}[stuck]
    engines = {stuck: Stuck(clock=two.clock), sound: MemoryEngine(number=2, clock=two.clock)}
    group = group_of({**engines, "b": two.b}, federations={"wide": ("east", "west")})
    for engine in engines.values():
        await push_one(engine, job())

    with pytest.raises(EngineUnavailable):
        await all_moved(await opened(group), "wide")

    assert await engines[sound].paused() == frozenset()
    assert await engines[stuck].paused() == {QUEUE}


async def test_a_move_that_is_cancelled_ends_with_the_jobs_at_hand(two: Two) -> None:
    gate, at_work = asyncio.Event(), asyncio.Event()

    class Slow(MemoryEngine):
        async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
            pushed = await super().push(jobs)
            at_work.set()
            await gate.wait()
            return pushed

    target = Slow(number=1, clock=two.clock)
    await push(two.a, *jobs("a", "b"))
    moving = asyncio.ensure_future(moved(group_of({"a": two.a, "b": target}), batch=1))
    await at_work.wait()

    moving.cancel()
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await moving

    assert names(await waiting(target)) == ["a"]
    assert names(await claims(two.a)) == ["b"]


@pytest.mark.parametrize("cut", [Cut.ON_THE_WAY, Cut.ON_THE_WAY_BACK])
async def test_a_target_that_goes_away_has_each_job_once_in_the_end(two: Two, cut: Cut) -> None:
    await push(two.a, *jobs("a", "b"))
    two.to_b.cut = cut
    with pytest.raises(EngineUnavailable):
        await moved(two.group)
    assert len(await waiting(two.a)) == 2

    two.to_b.cut = Cut.NOWHERE
    await moved(two.group)

    assert await waiting(two.a) == []
    assert names(await waiting(two.b)) == ["a", "b"]


async def test_a_run_that_died_before_it_removed_anything_is_finished_by_the_next(two: Two) -> None:
    class Mortal(MemoryEngine):
        is_dead = True

        async def delete(self, ids: Sequence[JobId]) -> Sequence[bool]:
            if self.is_dead:
                raise EngineUnavailable
            return await super().delete(ids)

        async def resume(self, queues: Collection[QueueKey]) -> None:
            if not self.is_dead:
                await super().resume(queues)

    source = Mortal(clock=two.clock)
    group = group_of({"a": source, "b": two.b})
    await push(source, *jobs("a", "b"))
    with pytest.raises(EngineUnavailable):
        await moved(group)
    assert await claims(source) == []  # they are in both stores, and nobody begins them here

    source.is_dead = False
    one = await moved(group)

    assert (one.already_there, one.removed, one.paused) == (2, 2, True)
    assert await waiting(source) == []
    assert names(await waiting(two.b)) == ["a", "b"]


async def test_no_more_than_a_batch_is_held_at_a_time(two: Two) -> None:
    sizes: list[int] = []

    class Counting(MemoryEngine):
        async def list(
            self, which: JobFilter, *, limit: int, after: JobId | None = None
        ) -> Sequence[Job]:
            sizes.append(limit)
            return await super().list(which, limit=limit, after=after)

        async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
            sizes.append(len(ids))
            return await super().get(ids)

        async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
            sizes.append(len(jobs))
            return await super().push(jobs)

    source, target = (Counting(number=number, clock=two.clock) for number in (0, 1))
    await push(source, *(job(str(n)) for n in range(50)))
    sizes.clear()

    one = await copied(group_of({"a": source, "b": target}), batch=7)

    assert one.copied == 50
    assert max(sizes) == 7


async def test_each_job_is_told_as_it_is_done(two: Two) -> None:
    await push(two.a, *jobs("a", "b", "c"))
    told: list[int] = []

    found = await route(two.group, "mail", "a", "b")
    await copy(found, batch=2, tell=told.append)

    assert (told, found.waiting) == ([2, 1], 3)


async def test_a_job_that_ends_in_the_instant_of_its_copy_keeps_its_record(two: Two) -> None:
    id = await push_one(two.a, job())

    class Slow(MemoryEngine):
        async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
            held = await two.a.claim_ids([id], ttl=TTL, worker=WORKER)
            await two.a.ack([Ack(ref=one.ref) for one in held])
            return await super().push(jobs)

    target = Slow(number=2, clock=two.clock)
    await target.open()
    one = await moved(group_of({"a": two.a, "b": target}))

    [kept] = await two.a.get([id])
    assert kept is not None
    assert (kept.state, one.removed) == (State.DONE, 0)


async def test_a_job_that_is_claimed_before_its_turn_is_left_to_its_holder(two: Two) -> None:
    class Hasty(MemoryEngine):
        async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
            if len(ids) == 2:
                await super().claim_ids(ids[:1], ttl=TTL, worker=WORKER)
            return await super().get(ids)

    source = Hasty(clock=two.clock)
    await push(source, *jobs("a", "b"))

    one = await moved(group_of({"a": source, "b": two.b}))

    assert (one.copied, one.removed, one.left.claimed) == (1, 1, 1)
    assert names(await waiting(two.b)) == ["b"]
