# long: one story for each thing that a remote worker can do
"""Remote workers over a real store: they claim, end, renew and tell; and change nothing that they do not hold."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest

from penstock.clock import ManualClock
from penstock.engine import Ack, Held, ReadyQueue
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineUnavailable, UnknownJob, WrongState
from penstock.events import Events, Kind
from penstock.group import QueueGroup, Store
from penstock.handler import Context, FunctionHandler, Registry
from penstock.job import (
    CALLBACK_TYPE,
    Callback,
    ClaimRef,
    Delivery,
    Details,
    Job,
    JobId,
    NewJob,
    On,
    Presence,
    Progress,
    QueueKey,
    Root,
    State,
)
from penstock.policy import Exponential, Failed, Policies, Policy, Returned, Stopped
from penstock.queue import JobSpec
from penstock.remote import Remote, Wish
from tests.installation import Installation, installation
from tests.remote.workers import DONE, FAILED, TTL, claimed, ended, held, place, staying, wish

SECOND = timedelta(seconds=1)
HALF = Progress(percent=50, message="half")
STEADY = Policy(backoff=Exponential(first=timedelta(seconds=7), jitter=0))


async def reclaimed(at: Installation) -> None:
    """Every claim is expired and taken back."""
    at.clock.tick(TTL + SECOND)
    await at.upkeep().reclaim(at.store)


async def states(at: Installation, *ids: JobId) -> list[State]:
    return [(await at.job(id)).state for id in ids]


async def test_a_job_of_a_type_without_a_handler_here_is_claimed_for_whoever_asks() -> None:
    at = await place()
    [id] = await at.push(JobSpec("mail", {"to": "a"}))

    [given] = await claimed(at.remote, wish(worker="far-1", ttl=timedelta(minutes=2)))

    assert (given.job.id, given.job.params, given.job.attempt) == (id, '{"to":"a"}', 1)
    assert given.until == at.clock.now() + timedelta(minutes=2)
    job = await at.job(id)
    assert (job.state, job.worker) == (State.CLAIMED, "far-1")


async def test_a_type_with_a_handler_here_can_be_claimed_as_well() -> None:
    async def nothing(context: Context) -> None:
        return None

    at = await installation({"mail": FunctionHandler(nothing)})
    await at.push(JobSpec("mail"))

    assert len(await claimed(at.remote)) == 1


async def test_other_types_and_other_domains_are_left_alone() -> None:
    at = await place()
    ids = await at.push(JobSpec("mail"), JobSpec("other"), JobSpec("mail", domain="acme"))

    wanted = Wish(types=frozenset({"mail"}), domains=frozenset({"acme"}))
    [given] = await claimed(at.remote, wanted)

    assert given.job.id == ids[2]
    assert await states(at, *ids) == [State.READY, State.READY, State.CLAIMED]


async def test_nothing_is_given_where_nothing_is_ready() -> None:
    at = await place()
    await at.push(JobSpec("mail", delay=SECOND))

    assert list(await claimed(at.remote)) == []


async def test_as_many_are_given_as_are_wanted_the_first_first() -> None:
    at = await place()
    await at.push(*[JobSpec("mail", priority=priority) for priority in (100, 900, 500)])
    await at.push(*[JobSpec("mail", {"i": i}, domain="other", priority=300) for i in range(300)])

    two = await claimed(at.remote, wish(limit=2))
    rest = await claimed(at.remote, wish(limit=1000))

    assert [given.job.priority for given in two] == [900, 500]
    assert len(rest) == 301
    assert {given.job.attempt for given in rest} == {1}


async def test_an_answer_that_has_become_large_waits_for_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("penstock.remote.remote.PORTION", 2)
    monkeypatch.setattr("penstock.remote.remote.MOST", 1000)
    at = await place()
    await at.push(*[JobSpec("mail", {"i": i, "text": "x" * 300}) for i in range(10)])

    given = [len(await claimed(at.remote, wish(limit=10))) for _ in range(3)]

    assert given == [4, 4, 2]


async def test_workers_take_fair_turns_although_each_asks_for_itself() -> None:
    at = await place()
    for domain in ("noisy", "quiet"):
        await at.push(*[JobSpec("mail", {"i": i}, domain=domain) for i in range(4)])

    given = [await claimed(at.remote, wish(limit=1, worker=f"w{n}")) for n in range(6)]

    domains = [one.job.domain for [one] in given]
    assert sorted(domains) == ["noisy"] * 3 + ["quiet"] * 3


async def test_superseded_jobs_do_not_hide_those_behind_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("penstock.group.fetcher.ROUNDS", 1)
    at = await place()
    old = Root(signature="s", timestamp=at.clock.now())
    new = Root(signature="s", timestamp=at.clock.now() + SECOND)
    await at.push(*[JobSpec("mail", {"i": i}, root=old) for i in range(2500)])
    [wanted] = await at.push(JobSpec("mail", {"i": -1}, root=new))

    assert [given.job.id for given in await claimed(at.remote)] == [wanted]


async def test_a_job_that_cannot_be_read_is_buried_and_given_to_nobody() -> None:
    at = await place()
    pushed = await at.engine.push(
        [NewJob(queue=QueueKey("default", "mail"), params=text) for text in ("[]", "{}")]
    )

    given = await claimed(at.remote)

    assert [one.job.id for one in given] == [pushed[1].id]
    job = await at.job(pushed[0].id)
    assert job.state is State.DEAD
    assert (job.error or "").startswith("cannot run: ")


async def test_an_ack_ends_the_job_with_its_result() -> None:
    at = await place()
    [id] = await at.push(JobSpec("mail"))
    [given] = await claimed(at.remote)

    answer = await ended(at.remote, Returned(result="false"), given)

    job = await at.job(id)
    assert (answer, job.state, job.result, job.worker) == ([True], State.DONE, "false", "far")
    assert [event.kind for event in at.told] == [Kind.PUSHED, Kind.CLAIMED, Kind.DONE]


async def test_the_callbacks_of_a_job_follow_its_end() -> None:
    at = await place()
    callback = Callback(on=On.DONE, type="mail", params="{}", report=False)
    details = Details(callbacks=(callback,))
    await at.engine.push([NewJob(queue=QueueKey("default", "mail"), details=details)])
    [given] = await claimed(at.remote)

    await ended(at.remote, DONE, given)

    job = await at.job(given.job.id)
    [state] = await at.inspection.callbacks(job)
    assert (state.on, state.state) == ("done", "ready")
    follow_up = await at.job(state.id)
    assert follow_up.type == CALLBACK_TYPE


async def test_a_failure_is_tried_again_after_the_backoff_of_its_type_or_as_asked() -> None:
    at = await installation({}, accepts=lambda type: True, policies={"mail": STEADY})
    ids = await at.push(JobSpec("mail"), JobSpec("mail", {"i": 2}), JobSpec("mail", {"i": 3}))
    one, two, three = await claimed(at.remote)

    await at.remote.finish(
        [
            (one.claim, FAILED),
            (two.claim, Failed(error="busy", after=timedelta(seconds=90))),
            (three.claim, Failed(error="at once", after=timedelta(0))),
        ]
    )

    jobs = [await at.job(id) for id in ids]
    assert [job.state for job in jobs] == [State.SCHEDULED, State.SCHEDULED, State.READY]
    assert [job.error for job in jobs] == ["broken", "busy", "at once"]
    waits = [job.run_at - at.clock.now() for job in jobs[:2] if job.run_at]
    assert waits == [timedelta(seconds=7), timedelta(seconds=90)]


async def test_a_failure_on_the_last_attempt_is_the_end() -> None:
    at = await place()
    [id] = await at.push(JobSpec("mail", max_attempts=1))
    [given] = await claimed(at.remote)

    assert await ended(at.remote, FAILED, given) == [True]

    job = await at.job(id)
    assert (job.state, job.error) == (State.DEAD, "broken")


async def test_a_failure_of_what_may_run_once_is_the_end() -> None:
    once = Policy(delivery=Delivery.AT_MOST_ONCE)
    at = await installation({}, accepts=lambda type: True, policies={"mail": once})
    ids = await at.push(JobSpec("mail"), JobSpec("mail", {"i": 2}))
    failed, unbegun = await claimed(at.remote)

    await at.remote.finish([(failed.claim, FAILED), (unbegun.claim, Stopped(started=False))])

    assert await states(at, *ids) == [State.DEAD, State.READY]
    assert (await at.job(ids[0])).error == "failed: broken"


async def test_a_burial_is_final() -> None:
    at = await place()
    [id] = await at.push(JobSpec("mail"))
    [given] = await claimed(at.remote)

    await ended(at.remote, Failed(error="never", permanent=True), given)

    job = await at.job(id)
    assert (job.state, job.error) == (State.DEAD, "never")


async def test_a_released_job_is_ready_with_its_attempt_given_back() -> None:
    at = await place()
    ids = await at.push(JobSpec("mail"), JobSpec("mail", {"i": 2}))
    one, two = await claimed(at.remote)

    later = Stopped(started=False, after=SECOND)
    answer = await at.remote.finish([(one.claim, Stopped(started=False)), (two.claim, later)])

    jobs = [await at.job(id) for id in ids]
    assert list(answer) == [True, True]
    assert [job.state for job in jobs] == [State.READY, State.SCHEDULED]
    assert [job.attempt for job in jobs] == [0, 0]


@pytest.mark.parametrize("happened", [FAILED, Stopped(started=False)])
async def test_what_was_to_be_cancelled_ends_so_when_it_is_let_go(
    happened: Failed | Stopped,
) -> None:
    at = await place()
    [id] = await at.push(JobSpec("mail"))
    [given] = await claimed(at.remote)
    await at.inspection.cancel(id)

    assert await held(at.remote, given) == [Held.CANCEL_ASKED]
    assert await ended(at.remote, happened, given) == [True]

    assert await states(at, id) == [State.CANCELLED]


async def test_a_claim_that_was_lost_changes_nothing_whatever_it_says() -> None:
    at = await place()
    [id] = await at.push(JobSpec("mail"))
    [late] = await claimed(at.remote)
    await reclaimed(at)
    [fresh] = await claimed(at.remote, wish(worker="other"))
    before = await at.job(id)

    buried = Failed(error="x", permanent=True)
    answers = [
        await ended(at.remote, happened, late)
        for happened in (DONE, FAILED, buried, Stopped(started=False))
    ]

    assert answers == [[False]] * 4
    assert await held(at.remote, late) == [Held.LOST]
    assert await at.job(id) == before
    assert [event.kind for event in at.told].count(Kind.LOST) == 4
    assert await ended(at.remote, DONE, fresh) == [True]


async def test_a_claim_past_its_time_holds_until_it_is_taken() -> None:
    at = await place()
    await at.push(JobSpec("mail"))
    [given] = await claimed(at.remote)
    at.clock.tick(TTL + SECOND)

    assert await ended(at.remote, DONE, given) == [True]


async def test_a_late_end_of_what_was_reclaimed_and_not_yet_claimed_is_lost() -> None:
    at = await place()
    [id] = await at.push(JobSpec("mail"))
    [late] = await claimed(at.remote)
    await reclaimed(at)

    assert await ended(at.remote, DONE, late) == [False]
    assert await states(at, id) == [State.READY]


async def test_a_repeated_end_is_false_and_not_counted_as_lost() -> None:
    at = await place()
    [id] = await at.push(JobSpec("mail"))
    [given] = await claimed(at.remote)
    await ended(at.remote, DONE, given)
    before = await at.job(id)

    answers = [await ended(at.remote, happened, given) for happened in (DONE, FAILED)]

    assert answers == [[False], [False]]
    assert await at.job(id) == before
    assert Kind.LOST not in [event.kind for event in at.told]


async def test_each_claim_is_answered_in_its_place_whatever_stands_beside_it() -> None:
    at, other = await place(), await place()
    for made in (at, other):
        await made.push(*[JobSpec("mail", {"i": i}) for i in range(4)])
    one, two, gone, late = await claimed(at.remote)
    [foreign, *_] = await claimed(other.remote)
    await at.remote.finish([(late.claim, Stopped(started=False))])
    await ended(at.remote, DONE, gone)
    await at.inspection.delete(gone.job.id)

    texts = [late.claim, one.claim, "nonsense", foreign.claim, one.claim, gone.claim, two.claim]
    answer = await at.remote.finish([(text, DONE) for text in texts])

    assert list(answer) == [False, True, False, False, False, False, True]
    assert await states(other, foreign.job.id) == [State.CLAIMED]


async def test_two_who_end_one_claim_at_once_are_told_apart() -> None:
    at = await place()
    await at.push(JobSpec("mail"))
    [given] = await claimed(at.remote)

    answers = await asyncio.gather(*(ended(at.remote, DONE, given) for _ in range(8)))

    assert sorted(held for [held] in answers) == [False] * 7 + [True]


async def test_no_claims_are_no_answers() -> None:
    at = await place()

    assert await at.remote.finish([]) == []
    assert await at.remote.renew([], TTL) == []


async def test_a_renewed_claim_holds_for_longer_and_others_do_not() -> None:
    at = await place()
    ids = await at.push(JobSpec("mail"), JobSpec("mail", {"i": 2}))
    kept, left = await claimed(at.remote)
    at.clock.tick(TTL - SECOND)

    answer = await at.remote.renew([kept.claim, "nonsense", kept.claim], TTL)
    at.clock.tick(2 * SECOND)
    await at.upkeep().reclaim(at.store)

    assert list(answer) == [Held.HELD, Held.LOST, Held.LOST]
    assert await states(at, *ids) == [State.CLAIMED, State.READY]
    assert await held(at.remote, left) == [Held.LOST]


async def test_progress_shows_and_prolongs_nothing() -> None:
    at = await place()
    [id] = await at.push(JobSpec("mail"))
    [given] = await claimed(at.remote)
    at.clock.tick(TTL - SECOND)

    await at.remote.progress(id, HALF, None)
    shown = (await at.job(id)).progress
    await at.remote.progress(id, Progress(percent=75), given.claim)
    at.clock.tick(2 * SECOND)
    await at.upkeep().reclaim(at.store)

    assert shown == HALF
    assert await states(at, id) == [State.READY]


async def test_progress_of_what_is_not_claimed_or_by_another_is_refused() -> None:
    at = await place()
    one, two = await at.push(JobSpec("mail"), JobSpec("mail", {"i": 2}))

    with pytest.raises(WrongState, match="job 1 is ready"):
        await at.remote.progress(one, HALF, None)
    late, other = await claimed(at.remote)
    await reclaimed(at)
    await claimed(at.remote)
    for claim in (late.claim, other.claim, "nonsense"):
        with pytest.raises(WrongState, match="not held by this claim"):
            await at.remote.progress(one, HALF, claim)
    for unknown in (JobId(99), JobId(10**13 * 5)):
        with pytest.raises(UnknownJob):
            await at.remote.progress(unknown, HALF, late.claim)

    assert (await at.job(one)).progress is (await at.job(two)).progress is None


class Hasty(MemoryEngine):
    """A store in which claims end just after their jobs were read."""

    ends: Sequence[Ack] = ()

    async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
        found = await super().get(ids)
        ends, self.ends = self.ends, ()
        await self.ack(ends)
        return found


async def test_what_ends_between_two_steps_is_lost() -> None:
    engine = Hasty(clock=ManualClock())
    at = await installation({}, accepts=lambda type: True, engine=engine)
    await at.push(JobSpec("mail"), JobSpec("mail", {"i": 2}))
    one, two = await claimed(at.remote)

    engine.ends = [Ack(ref=ClaimRef(one.job.id, one.job.fence))]
    assert await ended(at.remote, FAILED, one) == [False]
    engine.ends = [Ack(ref=ClaimRef(two.job.id, two.job.fence))]
    with pytest.raises(WrongState, match="no longer claimed"):
        await at.remote.progress(two.job.id, HALF, two.claim)

    assert await states(at, one.job.id, two.job.id) == [State.DONE, State.DONE]


async def test_a_worker_that_has_gone_holds_nothing() -> None:
    at = await place()
    [id] = await at.push(JobSpec("mail"))
    gone = staying()
    gone.set_result(None)

    assert list(await at.remote.claim(wish(), timedelta(0), gone)) == []

    job = await at.job(id)
    assert (job.state, job.attempt) == (State.READY, 0)


class Away(MemoryEngine):
    """A store that cannot be reached for a while."""

    away = False

    async def ready(
        self, types: Collection[str], domains: Collection[str] | None = None, *, limit: int
    ) -> Sequence[ReadyQueue]:
        self._check()
        return await super().ready(types, domains, limit=limit)

    async def announce(self, presence: Presence, ttl: timedelta) -> None:
        self._check()
        await super().announce(presence, ttl)

    def _check(self) -> None:
        if self.away:
            raise EngineUnavailable("away for a test")


def two_stores(one: MemoryEngine, two: MemoryEngine) -> QueueGroup:
    policies = Policies(Policy())
    stores = {
        name: Store(name, engine, policies, Events())
        for name, engine in {"one": one, "two": two}.items()
    }
    return QueueGroup(
        stores,
        default="one",
        routes={"fast": "two"},
        policies=policies,
        registry=Registry(),
        accepts=lambda type: True,
    )


async def test_claims_of_several_stores_stand_side_by_side() -> None:
    group = two_stores(MemoryEngine(), MemoryEngine(number=1))
    remote = Remote(group)
    await group.push([JobSpec("mail"), JobSpec("fast")])

    given = await claimed(remote, wish("mail", "fast"))

    assert {one.job.id for one in given} == {1, 10**13 + 1}
    assert await held(remote, *given) == [Held.HELD, Held.HELD]
    assert await ended(remote, DONE, *given) == [True, True]


async def test_a_store_that_is_away_is_told_only_where_no_other_has_jobs() -> None:
    one, two = Away(), MemoryEngine(number=1)
    group = two_stores(one, two)
    remote = Remote(group)
    await group.push([JobSpec("fast")])
    one.away = True

    assert len(await claimed(remote, wish("mail", "fast"))) == 1
    assert list(await claimed(remote, wish("fast"))) == []
    with pytest.raises(EngineUnavailable, match="away for a test"):
        await claimed(remote, wish("mail", "fast"))


async def test_a_remote_worker_counts_as_a_runner_without_slots() -> None:
    at = await place()

    await claimed(at.remote, wish("mail", "other"))
    await claimed(at.remote, wish("more"))

    present = await at.engine.workers()
    assert {runner.types for runner in present} == {
        frozenset({"mail", "other"}),
        frozenset({"more"}),
    }
    assert (await at.inspection.totals()).slots == 0


async def test_a_worker_that_comes_again_and_again_is_announced_now_and_then() -> None:
    class Counting(MemoryEngine):
        announced = 0

        async def announce(self, presence: Presence, ttl: timedelta) -> None:
            self.announced += 1

    now = [100.0]
    engine = Counting(clock=ManualClock())
    at = await installation({}, engine=engine)
    remote = Remote(at.group, lambda: now[0])

    for _ in range(100):
        await claimed(remote)
        now[0] += 0.5

    assert 3 <= engine.announced <= 8
