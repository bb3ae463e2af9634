"""Processes that are killed or frozen at any moment: nothing answered is lost, nothing ends twice."""

import asyncio
import os
import re
import signal
import sqlite3
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from penstock.engine import Ack
from penstock.engines.sqlite import SqliteEngine
from penstock.job import Job, JobId, State
from tests.journeys.processes import (
    SOON,
    STOPPING,
    Running,
    configured,
    get,
    post,
    server,
    started,
    target,
    worker,
)

pytestmark = pytest.mark.slow

CLIENTS = 16
CHILD = re.compile(r"working as (\S+ as process \d+)")


async def stored(config: Path, id: int) -> Job:
    engine = SqliteEngine(f"sqlite:///{config.parent}/penstock.db")
    await engine.open()
    [job] = await engine.get([JobId(id)])
    await engine.close()
    assert job is not None
    return job


async def until_state(config: Path, id: int, *states: State) -> Job:
    async with asyncio.timeout(SOON):
        job = await stored(config, id)
        while job.state not in states:
            job = await stored(config, id)
        return job


async def child_of(parent: Running) -> tuple[str, int]:
    """Name and process id of the next child that says that it works."""
    name, pid = (await parent.says(CHILD)).split(" as process ")
    return name, int(pid)


def integrity(config: Path) -> str:
    with sqlite3.connect(config.parent / "penstock.db") as database:
        answer: tuple[str] = database.execute("pragma integrity_check").fetchone()
        return answer[0]


async def test_every_answered_push_survives_a_killed_server(tmp_path: Path) -> None:
    config = configured(tmp_path)
    answered: list[int] = []

    async def client(url: str, session: aiohttp.ClientSession) -> None:
        body = {"command": {"type": "http", "url": "http://127.0.0.1:9/"}}
        while True:
            try:
                async with session.post(f"{url}/jobs/add", json=body) as response:
                    answered.append((await response.json())["job_id"])
            except aiohttp.ClientError:
                return

    async with server(config, "--no-runner") as (process, url), aiohttp.ClientSession() as session:
        clients = [asyncio.ensure_future(client(url, session)) for _ in range(CLIENTS)]
        async with asyncio.timeout(SOON):
            while len(answered) < 500:  # noqa: ASYNC110  the clients tell nobody else
                await asyncio.sleep(0)
        await process.kill()
        await asyncio.gather(*clients)

    engine = SqliteEngine(f"sqlite:///{tmp_path}/penstock.db")
    await engine.open()
    jobs = await engine.get([JobId(id) for id in answered])
    counts = await engine.counts()
    await engine.close()
    assert len(answered) == len(set(answered)) >= 500
    assert all(job is not None and job.state is State.READY for job in jobs)
    assert all(queue.conserved for queue in counts.values())
    assert integrity(config) == "ok"


async def test_the_job_of_a_killed_worker_is_run_by_another(tmp_path: Path) -> None:
    config = configured(tmp_path, ttl=1)
    async with target() as to, server(config, "--no-runner") as (_, url):
        async with worker(config) as (first, name):
            _, answer = await post(
                f"{url}/v1/jobs", {"type": "http", "params": {"url": f"{to.url}/hold"}}
            )
            assert isinstance(answer, dict)
            assert await to.next() == "/hold"
            assert (await get(f"{url}/v1/jobs/1"))["worker"] == name
            await first.kill()
        to.hold.set()
        async with worker(config):
            job = await get(f"{url}/v1/jobs/1?wait=15")

    assert (job["state"], job["attempt"]) == ("done", 2)
    assert to.paths() == ["/hold", "/hold"]
    keys = {request.headers["Idempotency-Key"] for request in to.requests}
    assert len(keys) == 1


async def test_a_parent_takes_back_at_once_what_its_dead_child_held(tmp_path: Path) -> None:
    config = configured(tmp_path, ttl=3600)  # without the parent it would take an hour
    async with (
        target() as to,
        server(config, "--no-runner") as (_, url),
        started(config, "worker", "--procs", "2") as parent,
    ):
        children = dict([await child_of(parent), await child_of(parent)])
        await post(f"{url}/v1/jobs", {"type": "http", "params": {"url": f"{to.url}/hold"}})
        assert await to.next() == "/hold"
        holder = (await get(f"{url}/v1/jobs/1"))["worker"]
        to.hold.set()
        os.kill(children[str(holder)], signal.SIGKILL)
        job = await get(f"{url}/v1/jobs/1?wait=15")
        parent.send(signal.SIGTERM)
        assert await parent.ends() == 0

    assert job["state"] == "done"


async def test_children_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    config = configured(tmp_path)
    async with started(config, "worker", "--procs", "2") as parent:
        await child_of(parent)
        await child_of(parent)

        async with asyncio.timeout(SOON):
            await parent.kill()  # returns once nobody holds its standard error any more


async def test_a_worker_that_was_frozen_past_its_ttl_changes_nothing(tmp_path: Path) -> None:
    config = configured(tmp_path, ttl=1)
    async with target() as to, server(config, "--no-runner") as (_, url):
        async with worker(config) as (frozen, _):
            await post(f"{url}/v1/jobs", {"type": "http", "params": {"url": f"{to.url}/hold"}})
            assert await to.next() == "/hold"
            frozen.send(signal.SIGSTOP)
            await until_state(config, 1, State.READY)
            engine = SqliteEngine(f"sqlite:///{tmp_path}/penstock.db")
            await engine.open()
            [claim] = await engine.claim_ids([JobId(1)], ttl=timedelta(hours=1), worker="other")
            to.hold.set()  # the frozen worker finds its answer when it wakes
            frozen.send(signal.SIGCONT)
            frozen.send(signal.SIGTERM)
            assert await frozen.ends() == 0

            held = await stored(config, 1)
            acked = await engine.ack([Ack(ref=claim.ref, result='"other"')])
            await engine.close()

        job = await get(f"{url}/v1/jobs/1")

    assert (held.state, held.worker, held.fence) == (State.CLAIMED, "other", 2)
    assert acked == [True]
    assert (job["state"], job["result"]) == ("done", "other")


async def test_at_sigterm_a_running_job_ends_and_the_next_is_left(tmp_path: Path) -> None:
    config = configured(tmp_path)
    async with target() as to, server(config, "--no-runner") as (_, url):
        async with worker(config, "--slots", "1") as (process, _):
            for path in ("/hold", "/next"):
                await post(f"{url}/v1/jobs", {"type": "http", "params": {"url": to.url + path}})
            assert await to.next() == "/hold"
            process.send(signal.SIGTERM)
            await process.says(STOPPING)
            to.hold.set()
            assert await process.ends() == 0

        first, second = await get(f"{url}/v1/jobs/1"), await get(f"{url}/v1/jobs/2")

    assert (first["state"], second["state"]) == ("done", "ready")


async def test_a_second_sigterm_gives_the_running_job_back(tmp_path: Path) -> None:
    config = configured(tmp_path)
    async with target() as to, server(config, "--no-runner") as (_, url):
        async with worker(config) as (process, _):
            await post(f"{url}/v1/jobs", {"type": "http", "params": {"url": f"{to.url}/hold"}})
            assert await to.next() == "/hold"
            process.send(signal.SIGTERM)
            process.send(signal.SIGTERM)
            assert await process.ends() == 0
        job = await get(f"{url}/v1/jobs/1")

    assert (job["state"], job["attempt"]) == ("ready", 0)


async def test_a_server_stops_at_sigterm_with_nothing_lost(tmp_path: Path) -> None:
    config = configured(tmp_path)
    async with target() as to, server(config) as (process, url):
        await post(f"{url}/v1/jobs", {"type": "http", "params": {"url": f"{to.url}/hold"}})
        assert await to.next() == "/hold"
        process.send(signal.SIGTERM)
        await process.says(STOPPING)
        to.hold.set()
        assert await process.ends() == 0

    assert (await stored(config, 1)).state is State.DONE
    assert integrity(config) == "ok"
