"""A server and its runner whose store goes away and comes back: nothing is lost, and work goes on by itself."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from penstock.app.building import engine_kinds
from penstock.conformance.builders import assert_conserved, everything
from penstock.job import JobId, State
from tests.engines.failures.stores import Store
from tests.journeys.processes import SOON, Target, configured, server, target

log = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

SQLITE = "sqlite:///penstock.db"
BEFORE = 20  # jobs that wait or run when the store goes
AWAY = 10  # seconds


class Front:
    """The server as its clients see it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, to: Target) -> None:
        self._session = session
        self._url = url
        self._to = to

    async def push(self, path: str, key: str = "") -> tuple[int, JobId]:
        """The status, and the id if it was taken. A refusal is a problem that says when to ask again."""
        body = {"type": "http", "params": {"url": f"{self._to.url}{path}"}}
        headers = {"Idempotency-Key": key} if key else {}
        async with self._session.post(
            f"{self._url}/v1/jobs", json=body, headers=headers
        ) as response:
            answer = await response.json(content_type=None)
            if response.status == 503:
                assert response.content_type == "application/problem+json"
                assert int(response.headers["Retry-After"]) >= 1
                assert answer["code"] == "unavailable"
                return 503, JobId(0)
            return response.status, JobId(answer["id"])

    async def status(self, path: str) -> int:
        """Of a GET."""
        async with self._session.get(f"{self._url}{path}") as response:
            return response.status

    async def ends(self, id: JobId) -> str:
        """The state in which the job ends."""
        async with self._session.get(f"{self._url}/v1/jobs/{id}?wait=15") as response:
            return str((await response.json())["state"])


def on(store: Store, place: Path) -> Path:
    """A configuration file whose store is this one."""
    config = configured(place, ttl=2)
    config.write_text(config.read_text().replace(SQLITE, store.url))
    return config


async def until(ask: Callable[[], Awaitable[bool]]) -> float:
    """It is so; after how many seconds."""
    began = time.monotonic()
    async with asyncio.timeout(SOON):
        while not await ask():
            pass
    return time.monotonic() - began


async def test_a_server_and_its_runner_live_through_an_absence(
    store: Store, tmp_path: Path
) -> None:
    if store.kind not in engine_kinds():
        pytest.skip(f"{store.kind} cannot be configured yet")
    config = on(store, tmp_path)
    async with (
        target() as to,
        server(config) as (process, url),
        aiohttp.ClientSession() as session,
    ):
        front = Front(session, url, to)
        pushed = [await front.push("/hold") for _ in range(BEFORE)]
        assert await to.next() == "/hold"

        await asyncio.to_thread(store.kill)
        gone_at = time.monotonic()
        assert await front.push("/lost") == (503, 0)
        assert (await front.push("/keyed", key="once"))[0] == 503
        to.hold.set()  # what runs ends while nobody can be told
        assert await front.status("/livez") == 200
        assert await front.status("/readyz") == 503
        while time.monotonic() < gone_at + AWAY:
            assert (await front.push("/lost"))[0] == 503
        assert process.process.returncode is None
        await asyncio.to_thread(store.start)

        pushes = await until(lambda: takes(front))
        runs = await until(lambda: has_run(to))
        ready = await until(lambda: is_ready(front))
        log.info(
            "%s: pushes after %.2f s, runs after %.2f s more, ready after %.2f s more",
            store.kind, pushes, runs, ready,
        )  # fmt: skip
        once = [await front.push("/keyed", key="once") for _ in range(2)]
        assert {status for status, _ in once} == {202}
        assert len({id for _, id in once}) == 1
        for _, id in [*pushed, *once]:
            assert await front.ends(id) == "done"

    assert to.paths().count("/keyed") == 1
    assert "/lost" not in to.paths()
    await assert_all_done(store)


async def takes(front: Front) -> bool:
    return (await front.push("/after"))[0] == 202


async def has_run(to: Target) -> bool:
    return await to.next() == "/after"


async def is_ready(front: Front) -> bool:
    return await front.status("/readyz") == 200


async def assert_all_done(store: Store) -> None:
    engine = store.engine()
    await engine.open()
    assert {job.state for job in await everything(engine)} == {State.DONE}
    await assert_conserved(engine)
    await engine.close()
