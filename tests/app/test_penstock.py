# long: the whole of what users do with Penstock in Python, as they do it
"""The composition root: what it builds, what users ask of it, and what it refuses."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from penstock.app import Penstock
from penstock.engine import Pushed
from penstock.errors import (
    BadJob,
    Bury,
    SettingsError,
    StoreMismatch,
    UnknownJob,
    WrongState,
)
from penstock.handler import Context, FunctionHandler
from penstock.job import CALLBACK_TYPE, Job, JobId, State
from penstock.queue import JobSpec
from penstock.serialization import JSON
from penstock.settings import QueueSettings, RunnerSettings, Settings, StoreSettings
from tests.installation import SOON, running


async def echo(context: Context) -> JSON:
    return context.params


ECHO = {"echo": FunctionHandler(echo)}


def two_stores(tmp_path: Path) -> Settings:
    return Settings(
        stores={
            "disk": StoreSettings(url=f"sqlite:///{tmp_path}/a.db"),
            "fast": StoreSettings(url="memory://", number=1, accept_volatile=True),
        },
        queues={"default": QueueSettings(store="disk"), "purge": QueueSettings(store="fast")},
    )


async def test_from_a_file_to_a_result(tmp_path: Path) -> None:
    config = tmp_path / "penstock.toml"
    config.write_text('[stores.main]\nurl = "sqlite:///jobs.db"\n')

    async with Penstock.from_config(config, ECHO) as penstock:
        pushed = await penstock.push(JobSpec("echo", {"a": 1}))
        runner = penstock.runner()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(runner.run())
            job = await penstock.inspection.ended(pushed.id, timedelta(seconds=SOON))
            runner.stop()

    assert (job.state, job.result) == (State.DONE, '{"a":1}')
    assert (tmp_path / "jobs.db").exists()


async def test_each_type_lives_in_its_store_and_its_id_says_which(tmp_path: Path) -> None:
    async with Penstock(two_stores(tmp_path), {**ECHO, "purge": ECHO["echo"]}) as penstock:
        mail, purge = await penstock.push([JobSpec("echo"), JobSpec("purge")])

        assert penstock.group.store_of(mail.id).name == "disk"
        assert penstock.group.store_of(purge.id).name == "fast"
        assert purge.id == 10**13 + 1
        assert (await penstock.inspection.totals()).waiting == 2


async def test_any_type_may_be_pushed_without_a_handler(tmp_path: Path) -> None:
    async with Penstock(two_stores(tmp_path)) as penstock:
        pushed = await penstock.push(JobSpec("elsewhere", {"anything": [1]}))

        assert (await penstock.job(pushed)).type == "elsewhere"


async def test_handlers_we_ship_are_there(tmp_path: Path) -> None:
    penstock = Penstock(two_stores(tmp_path))

    assert {"http", "exec", CALLBACK_TYPE} <= set(penstock.registry.types)


async def test_a_store_that_loses_jobs_must_be_accepted() -> None:
    settings = Settings(stores={"main": StoreSettings(url="memory://")})

    with pytest.raises(SettingsError, match="accept_volatile = true"):
        async with Penstock(settings):
            pass


async def test_a_store_keeps_its_number(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    async with Penstock(Settings(stores={"main": StoreSettings(url=url)})):
        pass

    with pytest.raises(StoreMismatch, match="number"):
        async with Penstock(Settings(stores={"main": StoreSettings(url=url, number=3)})):
            pass


async def test_closing_twice_or_unopened_is_fine(tmp_path: Path) -> None:
    penstock = Penstock(two_stores(tmp_path))

    await penstock.close()
    await penstock.open()
    await penstock.open()
    await penstock.close()
    await penstock.close()


def test_what_is_closed_says_how_to_open_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        _ = Penstock(two_stores(tmp_path)).group


async def refuse(context: Context) -> JSON:
    raise Bury("never")


BOTH = {**ECHO, "refuse": FunctionHandler(refuse)}


async def test_the_result_of_a_done_job_is_what_its_handler_returned(tmp_path: Path) -> None:
    async with Penstock(two_stores(tmp_path), BOTH) as penstock, running(penstock.runner()):
        pushed = await penstock.push(JobSpec("echo", {"a": [1]}))

        assert await penstock.result(pushed, wait=SOON) == {"a": [1]}
        assert await penstock.result(pushed.id) == {"a": [1]}
        assert (await penstock.job(int(pushed.id))).state is State.DONE


async def test_a_job_that_is_not_done_has_no_result_but_a_state_and_an_error(
    tmp_path: Path,
) -> None:
    async with Penstock(two_stores(tmp_path), BOTH) as penstock:
        pushed = await penstock.push(JobSpec("refuse"))
        with pytest.raises(WrongState, match="job 1 is ready; only a done job has a result"):
            await penstock.result(pushed)
        async with running(penstock.runner()):
            with pytest.raises(WrongState, match="job 1 is dead: never; only"):
                await penstock.result(pushed, wait=timedelta(seconds=SOON))


async def test_a_wait_ends_with_the_job_or_with_its_time(tmp_path: Path) -> None:
    async with Penstock(two_stores(tmp_path), BOTH) as penstock:
        pushed = await penstock.push(JobSpec("echo"))
        early = await penstock.wait(pushed, timeout=0.001)
        async with running(penstock.runner()):
            ended = await penstock.wait(pushed, timeout=timedelta(seconds=SOON))

    assert (early.state, ended.state) == (State.READY, State.DONE)


async def test_a_job_is_cancelled_and_a_dead_one_is_tried_again(tmp_path: Path) -> None:
    async with Penstock(two_stores(tmp_path), BOTH) as penstock:
        waiting, dead = await penstock.push([JobSpec("echo"), JobSpec("refuse")])

        assert (await penstock.cancel(waiting)).state is State.CANCELLED
        with pytest.raises(WrongState, match="only a waiting or claimed job can be cancelled"):
            await penstock.cancel(waiting.id)
        with pytest.raises(WrongState, match="only a dead job can be retried"):
            await penstock.retry(dead)
        async with running(penstock.runner()):
            assert (await penstock.wait(dead, timeout=SOON)).state is State.DEAD
        assert (await penstock.retry(dead)).state is State.READY


@pytest.mark.parametrize("id", [99, 10**13 * 5, -1, 10**30])
async def test_an_id_that_nobody_gave_is_unknown(tmp_path: Path, id: int) -> None:
    async with Penstock(two_stores(tmp_path)) as penstock:
        for ask in (penstock.job, penstock.result, penstock.cancel, penstock.retry):
            with pytest.raises(UnknownJob, match=f"no job {id}"):
                await ask(id)


@pytest.mark.parametrize("id", ["1", None, True, JobSpec("echo")])
async def test_what_is_no_id_is_said(tmp_path: Path, id: object) -> None:
    async with Penstock(two_stores(tmp_path)) as penstock:
        with pytest.raises(TypeError, match="is no id of a job"):
            await penstock.job(cast("int", id))


@pytest.mark.parametrize("wait", [-1, float("nan"), "5", True])
async def test_what_is_no_time_to_wait_is_said(tmp_path: Path, wait: object) -> None:
    async with Penstock(two_stores(tmp_path)) as penstock:
        pushed = await penstock.push(JobSpec("echo"))

        with pytest.raises((TypeError, ValueError), match="wait"):
            await penstock.result(pushed, wait=cast("float", wait))


def test_code_without_a_loop_pushes_reads_and_closes(tmp_path: Path) -> None:
    penstock = Penstock(two_stores(tmp_path), BOTH)

    one = penstock.push_sync(JobSpec("echo", {"a": 1}), priority=900)
    many = penstock.push_sync([JobSpec("echo"), JobSpec("purge")])

    assert penstock.sync(lambda: penstock.job(one)).priority == 900
    assert [pushed.id for pushed in many] == [JobId(2), JobId(10**13 + 1)]
    penstock.close_sync()
    penstock.close_sync()
    assert "penstock" not in {thread.name for thread in threading.enumerate()}


def test_many_threads_with_one_key_push_one_job(tmp_path: Path) -> None:
    penstock = Penstock(two_stores(tmp_path))
    together = threading.Barrier(16)

    def push(number: int) -> Pushed:
        together.wait(SOON)
        return penstock.push_sync(JobSpec("echo"), idempotency_key="k")

    with ThreadPoolExecutor(16) as threads:
        pushed = list(threads.map(push, range(16)))

    assert {one.id for one in pushed} == {1}
    assert [one.replayed for one in pushed].count(False) == 1
    penstock.close_sync()


def test_errors_reach_code_without_a_loop(tmp_path: Path) -> None:
    penstock = Penstock(two_stores(tmp_path))

    with pytest.raises(BadJob, match="priority: is not within"):
        penstock.push_sync(JobSpec("echo"), priority=5000)
    with pytest.raises(TypeError, match=r"push JobSpec\("):
        penstock.push_sync(cast("JobSpec", JobSpec))
    with pytest.raises(TypeError, match=r"write `penstock\.sync\(lambda: "):
        penstock.sync(cast("Callable[[], Awaitable[Job]]", penstock.job(JobId(1))))

    assert penstock.sync(penstock.inspection.totals).waiting == 0
    penstock.close_sync()


def test_what_lives_in_memory_is_there_after_a_close_and_another_open(tmp_path: Path) -> None:
    penstock = Penstock(two_stores(tmp_path), BOTH)
    pushed = penstock.push_sync(JobSpec("purge"))
    penstock.close_sync()

    async def main() -> State:
        async with penstock:
            return (await penstock.job(pushed)).state

    assert asyncio.run(main()) is State.READY


async def test_a_thread_pushes_while_the_loop_that_opened_it_runs(tmp_path: Path) -> None:
    async with Penstock(two_stores(tmp_path), BOTH) as penstock, running(penstock.runner()):

        def in_a_thread() -> JSON:
            pushed = penstock.push_sync(JobSpec("echo", {"from": "a thread"}))
            return penstock.sync(lambda: penstock.result(pushed, wait=SOON))

        assert await asyncio.to_thread(in_a_thread) == {"from": "a thread"}
        with pytest.raises(RuntimeError, match=r"await penstock\.push"):
            penstock.push_sync(JobSpec("echo"))


async def test_a_handler_that_blocks_pushes_from_its_thread(tmp_path: Path) -> None:
    def fan_out(context: Context) -> JSON:
        return penstock.push_sync(JobSpec("echo")).id

    penstock = Penstock(two_stores(tmp_path), {**BOTH, "fan_out": fan_out})
    async with penstock, running(penstock.runner()):
        pushed = await penstock.push(JobSpec("fan_out"))
        child = await penstock.result(pushed, wait=SOON)

        assert isinstance(child, int)
        assert await penstock.result(child, wait=SOON) == {}


async def test_another_loop_is_answered_without_a_deadlock(tmp_path: Path) -> None:
    async with Penstock(two_stores(tmp_path)) as penstock:

        async def elsewhere() -> Pushed:
            return await penstock.push(JobSpec("echo"))

        pushed = await asyncio.to_thread(lambda: asyncio.run(elsewhere()))

        assert (await penstock.job(pushed)).state is State.READY


async def test_whoever_waits_from_elsewhere_is_answered_when_it_is_closed(tmp_path: Path) -> None:
    penstock = Penstock(two_stores(tmp_path))
    async with penstock:
        pushed = await penstock.push(JobSpec("echo"))
        began = asyncio.Event()

        async def wait() -> State:
            began.set()
            return (await penstock.wait(pushed, timeout=3600)).state

        waiting = asyncio.create_task(asyncio.to_thread(penstock.sync, wait))
        await began.wait()

    assert await waiting is State.READY


async def test_a_store_that_cannot_be_opened_is_said_to_whoever_pushes(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    stores = {"main": StoreSettings(url=f"sqlite:///{tmp_path}/file/below.db")}
    penstock = Penstock(Settings(stores=stores))

    with pytest.raises(SettingsError, match=r"\[stores.main\] .* it cannot be opened"):
        await asyncio.to_thread(penstock.push_sync, JobSpec("echo"))

    (tmp_path / "file").unlink()
    (tmp_path / "file").mkdir()
    assert (await asyncio.to_thread(penstock.push_sync, JobSpec("echo"))).id == 1
    await asyncio.to_thread(penstock.close_sync)


async def test_settings_may_change_until_it_is_open(tmp_path: Path) -> None:
    penstock = Penstock(two_stores(tmp_path), BOTH)
    other = Settings(
        stores={"main": StoreSettings(url=f"sqlite:///{tmp_path}/b.db")},
        runner=RunnerSettings(slots=3),
    )

    penstock.configure(other, worker="w1")

    async with penstock:
        assert (list(penstock.group.stores), penstock.worker) == (["main"], "w1")
        with pytest.raises(RuntimeError, match="is open"):
            penstock.configure(other)
    assert (tmp_path / "b.db").exists()
    assert not (tmp_path / "a.db").exists()


def test_nothing_is_built_before_it_is_opened(tmp_path: Path) -> None:
    settings = Settings(stores={"main": StoreSettings(url="sqlite://nonsense")})

    penstock = Penstock(settings)

    with pytest.raises(SettingsError, match=r"\[stores.main\] .* names no file"):
        penstock.push_sync(JobSpec("echo"))


async def test_what_one_key_cannot_hold_together_is_refused(tmp_path: Path) -> None:
    async with Penstock(two_stores(tmp_path)) as penstock:
        with pytest.raises(BadJob, match=r"idempotency_key: .* several stores \(disk, fast\)"):
            await penstock.push([JobSpec("echo"), JobSpec("purge")], idempotency_key="k")

        assert (await penstock.inspection.totals()).waiting == 0
