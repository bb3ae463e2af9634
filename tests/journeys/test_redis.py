"""A server and a worker, two processes on one Redis that writes to disk once a second."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.serialization import JSON
from tests.journeys.processes import (
    SOON,
    Target,
    configured,
    get,
    number,
    post,
    server,
    started,
    target,
    worker,
)
from tests.servers import running
from tests.servers.redis import Server

pytestmark = [pytest.mark.slow, pytest.mark.server]

SQLITE = 'url = "sqlite:///penstock.db"'


@pytest.fixture
def redis() -> Iterator[Server]:
    """As servers are usually set: what was answered in the last second can be lost."""
    server = Server({"appendfsync": "everysec"})
    with running(server.serve):
        yield server


def on_redis(place: Path, redis: Server, *lines: str) -> Path:
    """A configuration file whose store is this database."""
    config = configured(place, ttl=2)
    store = "\n".join([f'url = "{redis.url}"', *lines])
    config.write_text(config.read_text().replace(SQLITE, store))
    return config


async def push(url: str, to: Target, path: str) -> tuple[int, int]:
    """The status of a push, and the id if it was taken."""
    body: JSON = {"type": "http", "params": {"url": f"{to.url}{path}"}}
    status, answer = await post(f"{url}/v1/jobs", body)
    return status, number(answer, "id") if status < 300 else 0


async def test_a_redis_that_may_lose_jobs_is_refused_until_that_is_accepted(
    tmp_path: Path, redis: Server
) -> None:
    async with started(on_redis(tmp_path, redis), "serve", "--port", "0") as refused:
        assert await refused.ends() != 0

    assert "appendfsync is everysec" in "".join(refused.said)
    assert "add to [stores.main]: accept_volatile = true" in "".join(refused.said)


async def test_a_job_is_pushed_to_one_process_and_run_by_another(
    tmp_path: Path, redis: Server
) -> None:
    config = on_redis(tmp_path, redis, "accept_volatile = true")
    async with target() as to, server(config, "--no-runner") as (_, url), worker(config):
        _, id = await push(url, to, "/first")

        assert await to.next() == "/first"
        assert (await get(f"{url}/v1/jobs/{id}?wait=15"))["state"] == "done"

    assert not (tmp_path / "penstock.db").exists()


async def test_work_goes_on_after_the_server_was_away(tmp_path: Path, redis: Server) -> None:
    config = on_redis(tmp_path, redis, "accept_volatile = true")
    async with target() as to, server(config, "--no-runner") as (_, url), worker(config):
        _, before = await push(url, to, "/hold")
        assert await to.next() == "/hold"
        await asyncio.to_thread(redis.kill)
        assert await push(url, to, "/lost") == (503, 0)
        await asyncio.to_thread(redis.start)
        to.hold.set()

        async with asyncio.timeout(SOON):
            status, after = await push(url, to, "/after")
            while status == 503:
                status, after = await push(url, to, "/after")

        assert (await get(f"{url}/v1/jobs/{after}?wait=15"))["state"] == "done"
        assert (await get(f"{url}/v1/jobs/{before}?wait=15"))["state"] == "done"

    assert "/lost" not in to.paths()
