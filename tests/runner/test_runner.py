# long: one story for each thing that can happen to a running job
"""The runner, over a real store: what it does with jobs, stops, losses and stores that are away."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import cast

import pytest

from penstock.clock import ManualClock
from penstock.engine import Ack, Claimed, Want
from penstock.engines.memory import MemoryEngine
from penstock.errors import Bury, Cancel, EngineUnavailable, Retry
from penstock.events import Kind
from penstock.handler import Context, FunctionHandler
from penstock.job import Callback, Delivery, Job, JobId, On, State
from penstock.policy import Exponential, Policy
from penstock.queue import JobSpec
from penstock.serialization import JSON
from tests.installation import SOON, Installation, installation, running, until

SHORT = Policy(ttl=timedelta(seconds=0.3))
AT_ONCE = Policy(backoff=Exponential(first=timedelta(0)))


class Gate:
    """A handler that says when it began and waits until it may go on."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.open = asyncio.Event()
        self.contexts: list[Context] = []

    async def __call__(self, context: Context) -> JSON:
        self.contexts.append(context)
        self.began.set()
        await self.open.wait()
        return "through"


async def echo(context: Context) -> JSON:
    return {"params": context.params, "attempt": context.attempt}


async def end_of(at: Installation, id: JobId) -> Job:
    async with asyncio.timeout(SOON):
        return await at.inspection.ended(id, timedelta(seconds=SOON))


async def is_state(at: Installation, id: JobId, state: State) -> bool:
    return (await at.job(id)).state is state


async def began(gate: Gate) -> None:
    async with asyncio.timeout(SOON):
        await gate.began.wait()


async def test_a_job_runs_once_and_keeps_its_result() -> None:
    at = await installation({"echo": FunctionHandler(echo)})
    [id] = await at.push(JobSpec("echo", {"a": 1}))

    async with running(at.runner()):
        job = await end_of(at, id)

    assert (job.state, job.result) == (State.DONE, '{"params":{"a":1},"attempt":1}')
    assert [event.kind for event in at.told] == [Kind.PUSHED, Kind.CLAIMED, Kind.DONE]


async def test_a_job_that_is_pushed_while_the_runner_idles_is_picked_up() -> None:
    at = await installation({"echo": FunctionHandler(echo)})

    async with running(at.runner()):
        await until(lambda: _announced(at))
        [id] = await at.push(JobSpec("echo"))
        job = await end_of(at, id)

    assert job.state is State.DONE


async def test_slots_bound_how_many_run_at_once() -> None:
    gate = Gate()
    at = await installation({"gate": FunctionHandler(gate)})
    ids = await at.push(*[JobSpec("gate", {"i": i}) for i in range(5)])

    async with running(at.runner(slots=2)):
        await until(lambda: _counts(at, claimed=2))
        assert len(gate.contexts) <= 2
        gate.open.set()
        for id in ids:
            assert (await end_of(at, id)).state is State.DONE


async def test_a_failure_is_retried_with_its_error_kept() -> None:
    async def fail_once(context: Context) -> JSON:
        if context.attempt == 1:
            raise RuntimeError("not yet")
        return context.attempt

    at = await installation({"fail": FunctionHandler(fail_once)}, policies={"fail": AT_ONCE})
    [id] = await at.push(JobSpec("fail"))

    async with running(at.runner()):
        job = await end_of(at, id)

    assert (job.state, job.result, job.attempt) == (State.DONE, "2", 2)
    assert [e.error for e in at.told if e.kind is Kind.RETRIED] == ["RuntimeError: not yet"]


@pytest.mark.parametrize(
    ("raised", "state", "error"),
    [
        (RuntimeError("broken"), State.DEAD, "RuntimeError: broken"),
        (SystemExit(3), State.DEAD, "SystemExit: 3"),
        (Bury("never"), State.DEAD, "never"),
        (Cancel("not wanted"), State.CANCELLED, "not wanted"),
        (TimeoutError("of its own"), State.DEAD, "TimeoutError: of its own"),
    ],
)
async def test_how_a_handler_that_raises_ends_its_job(
    raised: BaseException, state: State, error: str
) -> None:
    async def fail(context: Context) -> JSON:
        raise raised

    at = await installation({"fail": FunctionHandler(fail)})
    [id] = await at.push(JobSpec("fail", max_attempts=1))

    async with running(at.runner()):
        job = await end_of(at, id)

    assert (job.state, job.error) == (state, error)


async def test_a_handler_may_ask_for_a_later_retry() -> None:
    async def later(context: Context) -> JSON:
        raise Retry("busy", after=timedelta(minutes=5))

    at = await installation({"later": FunctionHandler(later)})
    [id] = await at.push(JobSpec("later"))

    async with running(at.runner()):
        await until(lambda: is_state(at, id, State.SCHEDULED))

    job = await at.job(id)
    assert job.run_at == at.clock.now() + timedelta(minutes=5)
    assert job.error == "busy"


async def test_false_is_a_failure_and_none_is_none() -> None:
    async def answer(context: Context) -> JSON:
        return context.params["answer"]

    at = await installation({"answer": FunctionHandler(answer)})
    bad, good = await at.push(
        JobSpec("answer", {"answer": False}, max_attempts=1), JobSpec("answer", {"answer": None})
    )

    async with running(at.runner()):
        assert (await end_of(at, bad)).error == "the handler returned False"
        assert (await end_of(at, good)).state is State.DONE


async def test_a_job_out_of_time_fails_and_its_slot_is_free_again() -> None:
    gate = Gate()
    at = await installation({"gate": FunctionHandler(gate), "echo": FunctionHandler(echo)})
    slow, quick = await at.push(
        JobSpec("gate", max_attempts=1, timeout=timedelta(seconds=0.05)), JobSpec("echo")
    )

    async with running(at.runner(slots=1)):
        assert (await end_of(at, slow)).error == "timed out after 0.05 s"
        assert (await end_of(at, quick)).state is State.DONE


async def test_a_blocking_handler_out_of_time_fails_but_keeps_its_slot_until_it_returns() -> None:
    leave = threading.Event()

    def block(context: Context) -> JSON:
        leave.wait(SOON)
        return None

    at = await installation({"block": FunctionHandler(block), "echo": FunctionHandler(echo)})
    slow, quick = await at.push(
        JobSpec("block", max_attempts=1, timeout=timedelta(seconds=0.05), priority=900),
        JobSpec("echo"),
    )

    async with running(at.runner(slots=1)):
        assert (await end_of(at, slow)).error == "timed out after 0.05 s"
        assert (await at.job(quick)).state is State.READY
        leave.set()
        assert (await end_of(at, quick)).state is State.DONE


async def test_a_result_that_is_no_json_is_kept_as_its_text() -> None:
    async def odd(context: Context) -> JSON:
        return cast(JSON, {1, 2})

    at = await installation({"odd": FunctionHandler(odd)})
    [id] = await at.push(JobSpec("odd"))

    async with running(at.runner()):
        job = await end_of(at, id)

    assert job.state is State.DONE
    assert '"text":"{1, 2}"' in (job.result or "")


async def test_a_long_result_is_cut_and_says_so() -> None:
    async def long(context: Context) -> JSON:
        return "x" * 100_000

    at = await installation({"long": FunctionHandler(long)})
    [id] = await at.push(JobSpec("long"))

    async with running(at.runner()):
        job = await end_of(at, id)

    assert (job.result or "").startswith('{"truncated":true')
    assert len(job.result or "") < 64 * 1024


async def test_a_row_that_cannot_be_read_is_buried_and_the_others_run() -> None:
    at = await installation({"echo": FunctionHandler(echo)})
    bad, good = await at.push(JobSpec("echo"), JobSpec("echo"))
    assert isinstance(at.engine, MemoryEngine)
    at.engine._rows[bad].params = "{"

    async with running(at.runner()):
        assert (await end_of(at, good)).state is State.DONE
        job = await end_of(at, bad)

    assert job.state is State.DEAD
    assert "cannot" in (job.error or "")


async def test_a_running_job_that_is_asked_to_cancel_is_stopped() -> None:
    gate = Gate()
    at = await installation({"gate": FunctionHandler(gate)}, policies={"gate": SHORT})
    [id] = await at.push(JobSpec("gate"))

    async with running(at.runner()):
        await began(gate)
        assert (await at.inspection.cancel(id)).cancel_requested
        job = await end_of(at, id)

    assert (job.state, job.error) == (State.CANCELLED, "cancelled while running")
    assert gate.contexts[0].cancelled.is_set()


async def test_progress_travels_with_the_heartbeat() -> None:
    gate = Gate()
    at = await installation({"gate": FunctionHandler(gate)}, policies={"gate": SHORT})
    [id] = await at.push(JobSpec("gate"))

    async def shown() -> bool:
        progress = (await at.job(id)).progress
        return progress is not None and progress.percent == 40

    async with running(at.runner()):
        await began(gate)
        gate.contexts[0].report(40, "half way")
        await until(shown)
        gate.open.set()


async def test_a_worker_that_lost_its_claim_is_stopped_and_changes_nothing() -> None:
    gate = Gate()
    at = await installation({"gate": FunctionHandler(gate)}, policies={"gate": SHORT})
    [id] = await at.push(JobSpec("gate"))
    async with running(at.runner()):
        await began(gate)
        at.clock.tick(timedelta(minutes=1))
        await at.engine.reclaim(10, ttl=timedelta(minutes=1), worker="other")
        [other] = await at.engine.claim_ids([id], ttl=timedelta(hours=1), worker="other")

        async with asyncio.timeout(SOON):
            await gate.contexts[0].cancelled.wait()

        job = await at.job(id)
        assert (job.state, job.worker) == (State.CLAIMED, "other")
        assert await at.engine.ack([Ack(ref=other.ref)]) == [True]


async def test_a_claim_is_kept_alive_longer_than_its_ttl() -> None:
    gate = Gate()
    at = await installation({"gate": FunctionHandler(gate)}, policies={"gate": SHORT})
    [id] = await at.push(JobSpec("gate"))

    async with running(at.runner()):
        await began(gate)
        for _ in range(4):
            at.clock.tick(SHORT.ttl * 0.9)
            await until(lambda: _renewed(at))
            reclaimed = await at.engine.reclaim(10, ttl=SHORT.ttl, worker="upkeep")
            assert reclaimed.readied == 0
        gate.open.set()
        assert (await end_of(at, id)).attempt == 1


async def test_a_handler_that_holds_up_the_loop_costs_no_other_its_claim() -> None:
    gate = Gate()

    async def hold_up(context: Context) -> JSON:
        busy(SHORT.ttl)
        return None

    handlers = {"gate": FunctionHandler(gate), "busy": FunctionHandler(hold_up)}
    at = await installation(handlers, policies={"gate": SHORT, "busy": SHORT})
    [id] = await at.push(JobSpec("gate"))

    async with running(at.runner()):
        await began(gate)
        [other] = await at.push(JobSpec("busy"))
        await end_of(at, other)
        at.clock.tick(SHORT.ttl * 0.9)
        await until(lambda: _renewed(at))
        gate.open.set()
        assert (await end_of(at, id)).attempt == 1

    assert Kind.LOST not in [event.kind for event in at.told]


def busy(duration: timedelta) -> None:
    """As a handler that counts something: nothing else runs meanwhile."""
    end = time.monotonic() + duration.total_seconds()
    while time.monotonic() < end:
        continue


async def test_stopping_claims_nothing_more_and_lets_jobs_end() -> None:
    gate = Gate()
    at = await installation({"gate": FunctionHandler(gate)})
    first, second = await at.push(JobSpec("gate"), JobSpec("gate"))
    runner = at.runner(slots=1)

    async with running(runner):
        await began(gate)
        runner.stop()
        gate.open.set()
        assert (await end_of(at, first)).state is State.DONE

    assert (await at.job(second)).state is State.READY


async def test_what_does_not_end_in_the_grace_is_released_with_its_attempt() -> None:
    gate = Gate()
    at = await installation({"gate": FunctionHandler(gate)})
    [id] = await at.push(JobSpec("gate"))

    async with running(at.runner(grace=timedelta(0))):
        await began(gate)

    job = await at.job(id)
    assert (job.state, job.attempt, job.fence) == (State.READY, 0, 1)
    assert list(await at.engine.workers()) == []


async def test_a_second_stop_ends_the_grace() -> None:
    gate = Gate()
    at = await installation({"gate": FunctionHandler(gate)})
    [id] = await at.push(JobSpec("gate"))
    runner = at.runner(grace=timedelta(hours=1))

    async with running(runner):
        await began(gate)
        runner.stop()

    assert (await at.job(id)).state is State.READY


async def test_a_handler_that_cancels_itself_fails_and_its_slot_is_free_again() -> None:
    async def cancel(context: Context) -> JSON:
        raise asyncio.CancelledError

    at = await installation({"cancel": FunctionHandler(cancel), "echo": FunctionHandler(echo)})
    bad, good = await at.push(JobSpec("cancel", max_attempts=1, priority=900), JobSpec("echo"))

    async with running(at.runner(slots=1)):
        assert (await end_of(at, bad)).state is State.DEAD
        assert (await end_of(at, good)).state is State.DONE


async def test_a_handler_that_cannot_be_cancelled_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("penstock.runner.executor.LAST_WORDS", timedelta(milliseconds=10))
    gate = Gate()

    async def stubborn(context: Context) -> JSON:
        while not gate.open.is_set():
            try:
                await gate(context)
            except asyncio.CancelledError:
                continue
        return None

    at = await installation({"stubborn": FunctionHandler(stubborn)})
    [id] = await at.push(JobSpec("stubborn"))

    async with running(at.runner(grace=timedelta(0))):
        await began(gate)

    job = await at.job(id)
    assert (job.state, job.attempt) == (State.READY, 0)
    gate.open.set()


class Late(MemoryEngine):
    """Something happens while a claim is on its way."""

    meanwhile: Callable[[], None]

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        claimed = await super().claim(wants, worker)
        self.meanwhile()
        return claimed


async def test_what_is_claimed_while_the_runner_is_told_to_stop_is_given_back_unstarted() -> None:
    gate = Gate()
    engine = Late(clock=ManualClock())
    once = Policy(delivery=Delivery.AT_MOST_ONCE)
    at = await installation({"gate": FunctionHandler(gate)}, policies={"gate": once}, engine=engine)
    [id] = await at.push(JobSpec("gate"))
    runner = at.runner(grace=timedelta(hours=1))
    told = asyncio.Event()

    def stop() -> None:
        runner.stop()
        told.set()

    engine.meanwhile = stop
    async with running(runner), asyncio.timeout(SOON):
        await told.wait()

    job = await at.job(id)
    assert (job.state, job.attempt, job.fence) == (State.READY, 0, 1)
    assert gate.contexts == []


async def test_an_at_most_once_job_that_was_stopped_ends_dead() -> None:
    gate = Gate()
    once = Policy(delivery=Delivery.AT_MOST_ONCE)
    at = await installation({"gate": FunctionHandler(gate)}, policies={"gate": once})
    [id] = await at.push(JobSpec("gate"))

    async with running(at.runner(grace=timedelta(0))):
        await began(gate)

    job = await at.job(id)
    assert job.state is State.DEAD
    assert (job.error or "").startswith("lost")


async def test_the_end_of_a_job_pushes_its_callback_in_the_same_commit() -> None:
    async def fail(context: Context) -> JSON:
        raise Bury("no")

    at = await installation({"fail": FunctionHandler(fail), "echo": FunctionHandler(echo)})
    callbacks = (
        Callback(on=On.DONE, type="echo", params="{}", report=False),
        Callback(on=On.FAILED, type="echo", params='{"a":1}', report=True),
    )
    [id] = await at.push(JobSpec("fail", callbacks=callbacks))

    async with running(at.runner()):
        job = await end_of(at, id)

    [told] = job.follow_ups
    callback = await at.job(told.id)
    assert (told.on, callback.type) == (On.FAILED, "callback")
    assert '"event":"job.dead"' in callback.params
    assert f'"job_id":{id}' in callback.params


class Flaky(MemoryEngine):
    """A store that is away for the next few claims and acks."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock=clock)
        self.away = 0

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        self._may_fail()
        return await super().claim(wants, worker)

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        self._may_fail()
        return await super().ack(ends)

    def _may_fail(self) -> None:
        if self.away:
            self.away -= 1
            raise EngineUnavailable("away for a test")


async def test_the_runner_survives_a_store_that_is_away_and_says_so() -> None:
    gate = Gate()
    engine = Flaky(ManualClock())
    at = await installation({"gate": FunctionHandler(gate)}, engine=engine)
    engine.away = 1
    [id] = await at.push(JobSpec("gate"))

    async with running(at.runner()):
        await until(lambda: _troubled(at, "fetcher:main"))
        await began(gate)
        engine.away = 1
        gate.open.set()
        await until(lambda: _troubled(at, "finisher:main"))
        job = await end_of(at, id)

    assert (job.state, job.attempt) == (State.DONE, 1)
    assert at.health.troubles == {}
    assert [event.kind for event in at.told].count(Kind.LOST) == 0


async def _announced(at: Installation) -> bool:
    return bool(await at.engine.workers())


async def _counts(at: Installation, *, claimed: int) -> bool:
    return any(counts.claimed == claimed for counts in (await at.engine.counts()).values())


async def _renewed(at: Installation) -> bool:
    assert isinstance(at.engine, MemoryEngine)
    rows = [row for row in at.engine._rows.values() if row.state is State.CLAIMED]
    return all(row.held_until - at.clock.now() > SHORT.ttl * 0.9 for row in rows)


async def _troubled(at: Installation, part: str) -> bool:
    return part in at.health.troubles
