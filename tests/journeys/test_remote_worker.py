"""Workers in other programs, over HTTP alone: none of their jobs is lost, and no late end counts."""

import asyncio
import contextlib
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from penstock.engine import JobFilter
from penstock.engines.sqlite import SqliteEngine
from penstock.events import Events
from penstock.group import Store
from penstock.job import ClaimRef, Job, NewJob, QueueKey, State
from penstock.policy import Policies, Policy
from penstock.remote import token
from penstock.serialization import JSON
from tests.journeys.processes import SOON, STOPPING, configured, get, post, server

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples/remote_worker.py"
JOBS = 1000
IN_THE_MIDDLE = 53  # jobs of its own: within one of the tens that it claims at once
TTL = "2"  # seconds
CLAIM: dict[str, JSON] = {"types": ["echo"], "wait": 20, "worker": "by hand"}


class Worker:
    """The example, at work in a process of its own."""

    def __init__(self, process: Process, name: str) -> None:
        self.process = process
        self.name = name
        self.told: list[str] = []

    async def tells(self, times: int = 1) -> None:
        """It has told of so many more ends."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SOON):
            for _ in range(times):
                line = await self.process.stdout.readline()
                assert line, "the worker has ended"
                self.told.append(line.decode().strip())

    async def ends(self) -> None:
        """It has ended by itself, or was killed; what it told last is kept."""
        async with asyncio.timeout(SOON):
            rest, _ = await self.process.communicate()
        self.told += rest.decode().splitlines()


@asynccontextmanager
async def example(url: str, name: str) -> AsyncIterator[Worker]:
    """The example works for this server."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLE), url, "echo", name, TTL, stdout=PIPE
    )
    try:
        yield Worker(process, name)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration under which echo jobs are run elsewhere."""
    file = configured(tmp_path)
    file.write_text(f"{file.read_text()}[queues.echo]\nmax_attempts = 5\n")
    return file


@asynccontextmanager
async def store_of(config: Path) -> AsyncIterator[SqliteEngine]:
    """The store of the server, from another process."""
    engine = SqliteEngine(f"sqlite:///{config.parent}/penstock.db")
    await engine.open()
    yield engine
    await engine.close()


async def push_all(url: str) -> set[int]:
    jobs: list[JSON] = [{"type": "echo", "params": {"n": n}} for n in range(JOBS)]
    status, answer = await post(f"{url}/v1/jobs/batch", {"jobs": jobs})
    assert status == 202
    assert isinstance(answer, dict)
    return {job["id"] for job in answer["jobs"]}


async def killed_in_the_middle(url: str, engine: SqliteEngine) -> tuple[list[str], Job]:
    """What was told by workers that were killed at work, and the job that the last of them held."""
    told: list[str] = []
    for number in range(20):
        async with example(url, f"killed-{number}") as worker:
            await worker.tells(IN_THE_MIDDLE)
            worker.process.send_signal(signal.SIGKILL)
            await worker.ends()
        told += worker.told
        job = await lost_by(worker.name, engine)
        if job is not None:
            return told, job
    raise AssertionError("no worker was killed while it held a job")


async def lost_by(worker: str, engine: SqliteEngine) -> Job | None:
    """The job that a dead worker held until it was reclaimed, if it held one."""
    held = [job for job in await claimed(engine) if job.worker == worker]
    for job in held:
        now = job
        async with asyncio.timeout(SOON):
            while (now.state, now.fence) == (job.state, job.fence):
                [found] = await engine.get([job.id])
                assert found is not None
                now = found
        if now.state is not State.DONE or now.fence != job.fence:
            return job  # its last ack was not on its way
    return None


async def claimed(engine: SqliteEngine) -> list[Job]:
    return list(await engine.list(JobFilter(state=State.CLAIMED), limit=100))


async def until_done(engine: SqliteEngine) -> list[Job]:
    """All jobs, once none of them is left to be done."""
    queue = QueueKey("default", "echo")
    async with asyncio.timeout(60):
        while (await engine.counts([queue]))[queue].done < JOBS:  # noqa: ASYNC110  ends tell nobody
            await asyncio.sleep(0)
    return list(await engine.list(JobFilter(state=State.DONE), limit=JOBS + 1))


def text_of(job: Job, engine: SqliteEngine) -> str:
    """The text that named the claim of this job."""
    store = Store("main", engine, Policies(Policy()), Events())
    return token.write(ClaimRef(job.id, job.fence), store)


@pytest.mark.timeout(120)
async def test_a_worker_that_is_killed_loses_no_job_and_its_late_end_is_not_taken(
    config: Path,
) -> None:
    async with (
        server(config, "--no-runner") as (_, url),
        store_of(config) as engine,
        example(url, "steady") as steady,
    ):
        ids = await push_all(url)
        told, lost = await killed_in_the_middle(url, engine)
        status, late = await post(f"{url}/v1/claims/ack", {"claim": text_of(lost, engine)})
        jobs = await until_done(engine)
        _, later = await post(f"{url}/v1/claims/ack", {"claim": text_of(lost, engine)})
        steady.process.send_signal(signal.SIGTERM)
        await steady.ends()

    assert (status, late, later) == (200, {"held": [False]}, {"held": [False]})
    assert steady.process.returncode == 0
    assert {job.id for job in jobs} == ids
    assert all(json.loads(job.result or "") == {"echo": json.loads(job.params)} for job in jobs)
    again = {job.id: job.attempt for job in jobs if job.attempt > 1}
    assert again[lost.id] == 2
    lines = [*told, *steady.told]
    assert not [line for line in lines if not line.endswith("held")]
    acked = Counter(int(line.split()[1]) for line in lines)
    assert set(acked.values()) == {1}
    assert lost.id in acked


async def test_who_waits_is_given_what_another_process_pushes(config: Path) -> None:
    async with server(config, "--no-runner") as (_, url), store_of(config) as engine:
        waiting = asyncio.ensure_future(post(f"{url}/v1/claims", CLAIM))
        await until_announced(engine)
        assert not waiting.done()

        [pushed] = await engine.push([NewJob(queue=QueueKey("default", "echo"))])
        async with asyncio.timeout(SOON):
            _, answer = await waiting

    assert isinstance(answer, dict)
    assert [one["job"]["id"] for one in answer["claims"]] == [pushed.id]


async def test_who_has_hung_up_while_it_waited_uses_up_no_attempt(config: Path) -> None:
    async with server(config, "--no-runner") as (_, url), store_of(config) as engine:
        async with aiohttp.ClientSession() as session:
            waiting = asyncio.ensure_future(session.post(f"{url}/v1/claims", json=CLAIM))
            await until_announced(engine)
            waiting.cancel()
            await asyncio.wait({waiting})
        await post(f"{url}/v1/jobs", {"type": "echo"})

        _, answer = await post(f"{url}/v1/claims", {**CLAIM, "worker": "another"})

    assert isinstance(answer, dict)
    [one] = answer["claims"]
    assert (one["job"]["worker"], one["job"]["attempt"]) == ("another", 1)


async def test_who_waits_is_answered_when_the_server_stops(config: Path) -> None:
    async with server(config, "--no-runner") as (process, url), store_of(config) as engine:
        waiting = asyncio.ensure_future(post(f"{url}/v1/claims", {**CLAIM, "wait": 60}))
        await until_announced(engine)

        process.send(signal.SIGTERM)
        await process.says(STOPPING)
        async with asyncio.timeout(2):
            status, answer = await waiting
        assert await process.ends() == 0

    assert (status, answer) == (200, {"claims": []})


async def test_a_runner_beside_them_leaves_their_jobs_alone(config: Path) -> None:
    async with server(config) as (_, url):
        await post(f"{url}/v1/jobs", {"type": "echo"})
        _, answer = await post(f"{url}/v1/claims", CLAIM)
        assert isinstance(answer, dict)
        [one] = answer["claims"]
        await post(f"{url}/v1/claims/ack", {"claim": one["claim"], "result": "far"})
        job = await get(f"{url}/v1/jobs/1")

    assert (job["state"], job["worker"], job["result"]) == ("done", "by hand", "far")


async def until_announced(engine: SqliteEngine) -> None:
    """A remote worker is there: its request has arrived."""
    async with asyncio.timeout(SOON):
        while not await engine.workers():  # noqa: ASYNC110  presence tells nobody
            await asyncio.sleep(0)
