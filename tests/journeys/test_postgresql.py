"""A server and a worker, two processes on one PostgreSQL."""

import asyncio
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
    target,
    worker,
)
from tests.servers import running
from tests.servers.postgresql import private

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.xdist_group("postgresql")]

SQLITE = "sqlite:///penstock.db"


def on_postgresql(place: Path, database: str, *, listening_at: str | None = None) -> Path:
    """A configuration file whose store is this database."""
    config = configured(place, ttl=2)
    text = config.read_text().replace(SQLITE, database)
    if listening_at is not None:
        text = text.replace("[stores.main]", f'[stores.main]\nlisten_url = "{listening_at}"')
    config.write_text(text)
    return config


async def push(url: str, to: Target, path: str) -> tuple[int, int]:
    """The status of a push, and the id if it was taken."""
    body: JSON = {"type": "http", "params": {"url": f"{to.url}{path}"}}
    status, answer = await post(f"{url}/v1/jobs", body)
    return status, number(answer, "id") if status < 300 else 0


async def test_a_job_is_pushed_to_one_process_and_run_by_another(
    tmp_path: Path, postgresql_url: str
) -> None:
    config = on_postgresql(tmp_path, postgresql_url)
    async with target() as to, server(config, "--no-runner") as (_, url), worker(config):
        _, id = await push(url, to, "/first")

        assert await to.next() == "/first"
        assert (await get(f"{url}/v1/jobs/{id}?wait=15"))["state"] == "done"

    assert not (tmp_path / "penstock.db").exists()


async def test_two_processes_work_by_a_pooler(
    tmp_path: Path, postgresql_url: str, pooler_url: str
) -> None:
    config = on_postgresql(tmp_path, pooler_url, listening_at=postgresql_url)
    async with target() as to, server(config, "--no-runner") as (_, url), worker(config):
        ids = {f"/{n}": (await push(url, to, f"/{n}"))[1] for n in range(20)}

        assert {await to.next() for _ in ids} == ids.keys()
        for id in ids.values():
            assert (await get(f"{url}/v1/jobs/{id}?wait=15"))["state"] == "done"


async def test_work_goes_on_after_the_database_was_away(tmp_path: Path) -> None:
    with running(private) as database:
        config = on_postgresql(tmp_path, database.url)
        async with target() as to, server(config, "--no-runner") as (_, url), worker(config):
            _, before = await push(url, to, "/hold")
            assert await to.next() == "/hold"
            await asyncio.to_thread(database.stop, "immediate")
            assert await push(url, to, "/lost") == (503, 0)
            await asyncio.to_thread(database.start)
            to.hold.set()

            async with asyncio.timeout(SOON):
                status, after = await push(url, to, "/after")
                while status == 503:
                    status, after = await push(url, to, "/after")

            assert (await get(f"{url}/v1/jobs/{after}?wait=15"))["state"] == "done"
            assert (await get(f"{url}/v1/jobs/{before}?wait=15"))["state"] == "done"

    assert "/lost" not in to.paths()
