"""A server and two workers, three processes on one file."""

import asyncio
import sqlite3
from collections import Counter
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from penstock.engine import JobFilter
from penstock.engines.sqlite import SqliteEngine
from penstock.job import State
from tests.journeys.processes import SOON, configured, get, post, server, target, worker

pytestmark = pytest.mark.slow

CLIENTS, EACH = 64, 8


async def push_all(url: str, to: str) -> list[int]:
    """The ids of jobs that many clients push at once, each one after another."""
    body = {"command": {"type": "http", "url": f"{to}/__JOBID__"}}

    async def client(session: aiohttp.ClientSession) -> list[int]:
        ids = []
        for _ in range(EACH):
            async with session.post(f"{url}/jobs/add", json=body) as response:
                ids.append((await response.json())["job_id"])
        return ids

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        found = await asyncio.gather(*(client(session) for _ in range(CLIENTS)))
    return [id for ids in found for id in ids]


def commits_of_pushes(config: Path) -> int:
    """How many commits have made jobs ready: the store counts them."""
    with sqlite3.connect(config.parent / "penstock.db") as database:
        answer: tuple[int] = database.execute("select wakes from store").fetchone()
        return answer[0]


async def unfinished(engine: SqliteEngine) -> bool:
    """Whether any job has not been done yet."""
    return any(count.done < count.pushed for count in (await engine.counts()).values())


async def test_concurrent_pushes_share_commits(tmp_path: Path) -> None:
    config = configured(tmp_path)
    async with server(config, "--no-runner") as (_, url):
        before = commits_of_pushes(config)
        ids = await push_all(url, "http://127.0.0.1:9")
        commits = commits_of_pushes(config) - before

    assert len(set(ids)) == CLIENTS * EACH
    assert 0 < commits < len(ids) / 4


async def test_two_workers_run_every_job_once_while_it_is_pushed(tmp_path: Path) -> None:
    config = configured(tmp_path)
    async with (
        target() as to,
        server(config, "--no-runner") as (_, url),
        worker(config) as (_, first),
        worker(config) as (_, second),
    ):
        ids = await push_all(url, to.url)
        engine = SqliteEngine(f"sqlite:///{tmp_path}/penstock.db")
        await engine.open()
        async with asyncio.timeout(SOON):
            while await unfinished(engine):  # noqa: ASYNC110  ends tell nobody in this process
                await asyncio.sleep(0)
        jobs = await engine.list(JobFilter(state=State.DONE), limit=len(ids))
        await engine.close()

    assert {job.id for job in jobs} == set(ids)
    assert Counter(to.paths()) == Counter(f"/{id}" for id in ids)
    assert {job.worker for job in jobs} == {first, second}
    assert {job.attempt for job in jobs} == {1}


async def test_a_push_to_the_server_wakes_another_process_that_does_not_poll(
    tmp_path: Path,
) -> None:
    config = configured(tmp_path)
    async with server(config, "--no-runner") as (_, url):
        waiter = SqliteEngine(f"sqlite:///{tmp_path}/penstock.db", look_every=timedelta(hours=1))
        await waiter.open()
        woken = asyncio.ensure_future(waiter.wait(timedelta(hours=1)))
        await waiter.counts()  # by now the wait has begun
        await post(f"{url}/jobs/add", {"command": {"type": "http", "url": "http://127.0.0.1:9/"}})

        async with asyncio.timeout(SOON):
            assert await woken
        await waiter.close()


async def test_whoever_waits_for_a_job_hears_of_its_end_in_another_process(tmp_path: Path) -> None:
    config = configured(tmp_path)
    async with (
        target() as to,
        server(config, "--no-runner") as (_, url),
        worker(config),
    ):
        await post(f"{url}/v1/jobs", {"type": "http", "params": {"url": f"{to.url}/hold"}})
        waiting = asyncio.ensure_future(get(f"{url}/v1/jobs/1?wait=20"))
        assert await to.next() == "/hold"
        assert not waiting.done()
        to.hold.set()
        job = await waiting

    assert job["state"] == "done"


async def test_the_slots_of_all_live_runners_are_told(tmp_path: Path) -> None:
    config = configured(tmp_path)
    async with (
        server(config, "--no-runner") as (_, url),
        worker(config, "--slots", "3"),
        worker(config, "--slots", "4"),
    ):
        async with asyncio.timeout(SOON):
            status = await get(f"{url}/jobs/status")
            while status["data"] != {
                "waiting": 0,
                "working": 0,
                "max_threads": 7,
                "free_threads": 7,
            }:
                status = await get(f"{url}/jobs/status")
