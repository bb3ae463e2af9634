"""A federated store beside its partitions: each job is met once, wherever one looks."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from penstock.app import Penstock
from penstock.errors import SettingsError, UnsupportedFeature
from penstock.events import Event, Kind
from penstock.handler import Context, FunctionHandler
from penstock.inspection import JobWish, ReasonCode
from penstock.job import CALLBACK_TYPE, Callback, JobId, On, QueueKey, State, store_number
from penstock.policy import Returned
from penstock.queue import JobSpec
from penstock.remote.wish import Wish
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


async def test_places_of_types_are_told_apart_from_stores_of_jobs(tmp_path: Path) -> None:
    async with Penstock(settings(tmp_path), HANDLERS) as penstock:
        group = penstock.group
        types = {"wide_job", "plain_job", CALLBACK_TYPE}

        assert list(group.stores) == ["east", "west"]
        assert [store.name for store in group.holders_of("wide_job")] == ["east", "west"]
        assert [store.name for store in group.holders_of("plain_job")] == ["east"]
        assert [store.name for store in group.holders_of(CALLBACK_TYPE)] == ["east", "west"]
        assert {name: group.types_in(place, types) for name, place in group.places.items()} == {
            "east": {"plain_job", CALLBACK_TYPE},
            "west": {CALLBACK_TYPE},
            "wide": {"wide_job"},
        }


async def test_jobs_that_a_type_left_behind_in_a_partition_are_told_as_such(tmp_path: Path) -> None:
    before = settings(tmp_path)
    async with Penstock(before, HANDLERS) as penstock:
        ids = [one.id for one in await penstock.group.push(wide_jobs())]
    moved = msgspec.structs.replace(before, queues={"default": QueueSettings(store="east")})

    async with Penstock(moved, HANDLERS) as penstock:
        [west, *_] = [id for id in ids if store_number(id) == 2]
        [why] = await penstock.inspection.explain(west)
        queues = await penstock.inspection.queues()

    assert "live in store east by now" in why.detail
    assert [(view.queue.type, view.store) for view in queues] == [
        ("wide_job", "east"),
        ("wide_job", "west"),
    ]


async def test_a_remote_worker_claims_and_ends_jobs_of_every_partition(tmp_path: Path) -> None:
    async with Penstock(settings(tmp_path), HANDLERS) as penstock:
        ids = [one.id for one in await penstock.group.push(wide_jobs())]
        wish = Wish(types=frozenset({"wide_job"}), limit=JOBS, worker="remote")

        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        given = await penstock.remote.claim(wish, timedelta(0), gone)
        held = await penstock.remote.finish([(one.claim, Returned(result="1")) for one in given])
        states = {(await penstock.inspection.job(id)).state for id in ids}
        workers = [await store.engine.workers() for store in penstock.group.stores.values()]

    assert parts([one.job.id for one in given]) == {1, 2}
    assert list(held) == [True] * JOBS
    assert states == {State.DONE}
    assert all(workers), "it is shown as alive in each partition"


async def test_a_remote_worker_is_woken_by_a_job_in_any_partition(tmp_path: Path) -> None:
    async with Penstock(settings(tmp_path), HANDLERS) as penstock:
        wish = Wish(types=frozenset({"wide_job"}), worker="remote")
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(penstock.remote.claim(wish, timedelta(hours=1), gone))
        await asyncio.sleep(0)

        [pushed] = await penstock.group.push(wide_jobs(1))

        async with asyncio.timeout(SOON):
            [given] = await waiting
    assert given.job.id == pushed.id
