"""Partitions that really go away: a server that is killed, a file that is gone."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.conformance.builders import QUEUE, claims, counts_of, job, names, push, push_one
from penstock.engine import Ack
from penstock.engines.federated import FederatedEngine, Partition
from penstock.engines.redis import RedisEngine
from penstock.engines.sqlite import SqliteEngine
from penstock.errors import EngineUnavailable
from penstock.job import store_number
from tests.engines.redis.harness import RedisHarness
from tests.engines.sqlite.harness import url_of
from tests.servers.redis import Server, redis_server

__all__ = ["redis_server"]


@dataclass
class Now:
    """The monotonic clock of the federation."""

    seconds: float = 0.0


def over(now: Now, *engines: SqliteEngine | RedisEngine) -> FederatedEngine:
    return FederatedEngine(
        [
            Partition(name=f"p{number}", engine=engine, weight=1)
            for number, engine in enumerate(engines)
        ],
        now=lambda: now.seconds,
    )


@pytest.fixture
async def killable(redis_server: Server) -> AsyncIterator[Server]:
    """An empty private server, which runs again afterwards."""
    if not redis_server.is_private:
        pytest.skip("a given server is not ours to kill")
    harness = RedisHarness(redis_server.url, redis_server)
    await harness.empty()
    yield redis_server
    await harness.stranger.aclose()


@pytest.mark.server
async def test_while_a_server_is_down_the_others_go_on_and_its_jobs_wait_for_it(
    killable: Server, tmp_path: Path
) -> None:
    now = Now()
    sqlite = SqliteEngine(url_of(tmp_path / "jobs.db"), number=1)
    engine = over(now, RedisEngine(killable.url), sqlite)
    await engine.open()
    ids = await push(engine, *(job(str(n), dedupe_key=str(n)) for n in range(20)))
    away = [str(n) for n, id in enumerate(ids) if store_number(id) == 0]
    here = [str(n) for n, id in enumerate(ids) if store_number(id) == 1]
    assert away
    assert here

    killable.kill()
    try:
        pushed = await push(engine, *(job(f"new {n}", dedupe_key=f"new {n}") for n in range(20)))
        given = await claims(engine)
        held = await engine.ack([Ack(ref=claim.ref) for claim in given])
        with pytest.raises(EngineUnavailable, match="partition p0"):
            await engine.get(ids)
    finally:
        killable.start()
    now.seconds += 6

    assert {store_number(id) for id in pushed} == {1}
    assert sorted(names(given)) == sorted([*here, *(f"new {n}" for n in range(20))])
    assert all(held)
    assert sorted(names(await claims(engine))) == sorted(away)
    assert (await counts_of(engine)).pushed == 40
    await engine.close()


async def test_a_store_whose_file_is_gone_hides_only_its_own_jobs(tmp_path: Path) -> None:
    now = Now()
    files = [tmp_path / "one.db", tmp_path / "two.db"]
    engine = over(now, *(SqliteEngine(url_of(file), number=n) for n, file in enumerate(files)))
    await engine.open()
    ids = await push(engine, *(job(str(n), dedupe_key=str(n)) for n in range(20)))
    here = [str(n) for n, id in enumerate(ids) if store_number(id) == 1]

    files[0].rename(tmp_path / "elsewhere.db")
    given = await claims(engine)
    id = await push_one(engine, job("new"))

    assert sorted(names(given)) == sorted(here)
    assert store_number(id) == 1
    with pytest.raises(EngineUnavailable):
        await engine.pause([QUEUE])
    await engine.close()
