"""A federated store beside its partitions: each job is met once, wherever one looks."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from penstock.app import Penstock
from penstock.errors import SettingsError, UnsupportedFeature
from penstock.events import Event, Kind
from penstock.handler import Context, FunctionHandler
from penstock.inspection import JobWish, ReasonCode
from penstock.job import Callback, JobId, On, QueueKey, State, store_number
from penstock.queue import JobSpec
from penstock.serialization import JSON
from penstock.settings import QueueSettings, Settings, StoreSettings
from tests.installation import SOON

WIDE, PLAIN = QueueKey("default", "wide_job"), QueueKey("default", "plain_job")
JOBS = 30


async def echo(context: Context) -> JSON:
    return context.idempotency_key


HANDLERS = {type: FunctionHandler(echo) for type in ("wide_job", "plain_job")}


def settings(folder: Path) -> Settings:
    return Settings(
        stores={
            "east": StoreSettings(url=f"sqlite:///{folder}/east.db", number=1),
            "west": StoreSettings(url=f"sqlite:///{folder}/west.db", number=2),
            "wide": StoreSettings(partitions={"east": 60, "west": 40}),
        },
        queues={
            "default": QueueSettings(store="east"),
            "wide_job": QueueSettings(store="wide"),
        },
    )


def wide_jobs(count: int = JOBS) -> list[JobSpec]:
    return [JobSpec("wide_job", {"n": number}, dedupe=True) for number in range(count)]


def parts(ids: list[JobId]) -> set[int]:
    return {store_number(id) for id in ids}


@asynccontextmanager
async def running(penstock: Penstock) -> AsyncIterator[None]:
    """A runner and upkeep."""
    runner = penstock.runner()
    async with asyncio.TaskGroup() as tasks:
        upkeep = tasks.create_task(penstock.upkeep().run())
        tasks.create_task(runner.run())
        try:
            async with asyncio.timeout(6 * SOON):
                yield
        finally:
            runner.stop()
            upkeep.cancel()


async def test_jobs_of_a_federation_run_once_and_those_of_its_partitions_too(
    tmp_path: Path,
) -> None:
    told: list[Event] = []
    async with Penstock(settings(tmp_path), HANDLERS) as penstock:
        penstock.events.listen(told.append)
        pushed = await penstock.group.push(
            [*wide_jobs(), JobSpec("plain_job"), JobSpec("plain_job")]
        )
        ids = [one.id for one in pushed]
        async with running(penstock):
            ended = [await penstock.inspection.ended(id, timedelta(seconds=SOON)) for id in ids]

    assert parts(ids[:JOBS]) == {1, 2}
    assert parts(ids[JOBS:]) == {1}
    assert {job.state for job in ended} == {State.DONE}
    assert Counter(one.kind for one in told) == {
        Kind.PUSHED: JOBS + 2, Kind.CLAIMED: JOBS + 2, Kind.DONE: JOBS + 2,
    }  # fmt: skip
    uuids = {job.result.split("-")[0] for job in ended if job.result}
    assert len(uuids) == 2, "the outgoing key names the partition that holds the job"


async def test_each_job_and_queue_is_told_once(tmp_path: Path) -> None:
    async with Penstock(settings(tmp_path), HANDLERS) as penstock:
        await penstock.group.push([*wide_jobs(), JobSpec("plain_job")])
        await penstock.make_ready()

        totals = await penstock.inspection.totals()
        queues = await penstock.inspection.queues()
        page = await penstock.inspection.jobs(JobWish(), limit=1000)

    assert totals.waiting == JOBS + 1
    assert [(view.queue, view.store, view.engine, view.counts.ready) for view in queues] == [
        (PLAIN, "east", "sqlite", 1),
        (WIDE, "wide", "federated", JOBS),
    ]
    assert len(page.jobs) == JOBS + 1


async def test_a_federated_queue_is_paused_and_resumed_as_one(tmp_path: Path) -> None:
    async with Penstock(settings(tmp_path), HANDLERS) as penstock:
        await penstock.group.push([*wide_jobs(), JobSpec("plain_job")])

        [paused] = await penstock.inspection.pause([WIDE])
        everywhere = [await store.engine.paused() for store in penstock.group.stores.values()]
        [resumed] = await penstock.inspection.resume([WIDE])

    assert (paused.paused, paused.store) == (True, "wide")
    assert everywhere == [{WIDE}, {WIDE}]
    assert not resumed.paused


async def test_a_job_of_a_partition_is_explained_as_one_of_its_federation(tmp_path: Path) -> None:
    async with Penstock(settings(tmp_path), HANDLERS) as penstock:
        ids = [one.id for one in await penstock.group.push(wide_jobs())]
        found = [await penstock.inspection.explain(id) for id in ids]

    for reasons in found:
        assert reasons[0].code is ReasonCode.NO_RUNNER
        assert "start one" in reasons[0].detail


async def test_callbacks_of_a_federated_job_lie_and_run_in_its_partition(tmp_path: Path) -> None:
    callback = Callback(on=On.DONE, type="plain_job", params="{}", report=False)
    async with Penstock(settings(tmp_path), HANDLERS) as penstock:
        specs = [replace(spec, callbacks=(callback,)) for spec in wide_jobs()]
        ids = [one.id for one in await penstock.group.push(specs)]
        async with running(penstock):
            ended = [await penstock.inspection.ended(id, timedelta(seconds=SOON)) for id in ids]
            followers = [job.follow_ups[0].id for job in ended]
            for id in followers:
                await penstock.inspection.ended(id, timedelta(seconds=SOON))

    assert [store_number(id) for id in followers] == [store_number(id) for id in ids]


async def test_a_job_whose_worker_died_is_reclaimed_in_its_partition(tmp_path: Path) -> None:
    async with Penstock(settings(tmp_path), HANDLERS) as penstock:
        ids = [one.id for one in await penstock.group.push(wide_jobs(4))]
        for id in ids:
            engine = penstock.group.store_of(id).engine
            await engine.claim_ids([id], ttl=timedelta(hours=1), worker="dead")

        await penstock.forget("dead")
        await penstock.make_ready()

        assert {(await penstock.inspection.job(id)).state for id in ids} == {State.READY}


async def test_a_finite_run_takes_the_jobs_of_every_partition(tmp_path: Path) -> None:
    async with Penstock(settings(tmp_path), HANDLERS) as penstock:
        await penstock.group.push(wide_jobs())
        workers = [store.name for store in penstock.group.stores.values()]
        fetched: list[JobId] = []
        runner = penstock.runner()
        while taken := await runner._fetcher.fetch(7):
            fetched += [one.claim.job.id for one in taken]
            assert {one.store.name for one in taken} <= set(workers)

    assert len(set(fetched)) == len(fetched) == JOBS


async def test_another_process_finds_what_this_one_pushed(tmp_path: Path) -> None:
    async with Penstock(settings(tmp_path), HANDLERS) as one:
        first = await one.group.push(wide_jobs())

    async with Penstock(settings(tmp_path), HANDLERS) as other:
        again = await other.group.push(wide_jobs())

    assert [each.id for each in again] == [each.id for each in first]
    assert all(each.deduplicated for each in again)


async def test_an_order_over_all_partitions_is_refused_at_start(tmp_path: Path) -> None:
    config = tmp_path / "penstock.toml"
    config.write_text(
        '[stores.east]\nurl = "sqlite:///east.db"\n'
        "[stores.wide]\npartitions = { east = 1 }\n"
        '[queues.default]\nstore = "wide"\norder = "fifo"\n'
    )

    with pytest.raises(UnsupportedFeature, match="keeps no fifo order"):
        async with Penstock.from_config(config):
            pass


async def test_a_volatile_partition_is_accepted_by_itself_alone(tmp_path: Path) -> None:
    stores = {
        "east": StoreSettings(url="memory://", number=1),
        "wide": StoreSettings(partitions={"east": 1}),
    }
    queues = {"default": QueueSettings(store="wide")}

    with pytest.raises(SettingsError, match=r"add to \[stores.east\]: accept_volatile = true"):
        async with Penstock(Settings(stores=stores, queues=queues)):
            pass
    accepted = StoreSettings(url="memory://", number=1, accept_volatile=True)
    async with Penstock(Settings(stores=stores | {"east": accepted}, queues=queues)) as penstock:
        assert list(penstock.group.stores) == ["east"]
