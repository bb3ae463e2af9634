"""Alive, and ready."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineUnavailable
from penstock.job import Job, JobId
from penstock.server import build, probes
from penstock.settings import ServerSettings
from tests.installation import installation
from tests.server.conftest import Place
from tests.server.driver import Client


class UnreachableEngine(MemoryEngine):
    """A store that has gone away."""

    async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
        """Nothing can be read."""
        raise EngineUnavailable("connection refused")


class SilentEngine(MemoryEngine):
    """A store that does not answer any more."""

    async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
        """No answer, ever."""
        await self.wait(timedelta.max)
        return await self.get(ids)


async def served(engine: MemoryEngine) -> Client:
    """A client of a server over this store."""
    made = await installation({}, engine=engine)
    return Client(
        build(made.group, made.inspection, made.health, ServerSettings(), "1", remote=made.remote)
    )


async def test_a_server_that_works_is_alive_and_ready(client: Client) -> None:
    live, ready = await client.get("/livez"), await client.get("/readyz")

    assert (live.status, live.json()) == (200, {"status": "live"})
    assert (ready.status, ready.json()) == (200, {"status": "ready"})


async def test_what_does_not_work_is_named_until_it_works(place: Place, client: Client) -> None:
    place.made.health.fails("upkeep main", "disk full")
    broken, live = await client.get("/readyz"), await client.get("/livez")
    place.made.health.works("upkeep main")
    whole = await client.get("/readyz")

    assert (broken.status, broken.code) == (503, "not_ready")
    assert broken.object()["errors"] == [{"field": "upkeep main", "detail": "disk full"}]
    assert broken.header("retry-after") == "1"
    assert (live.status, whole.status) == (200, 200)


async def test_a_store_that_cannot_be_reached_is_named() -> None:
    client = await served(UnreachableEngine())

    answer = await client.get("/readyz")

    assert (answer.status, answer.code) == (503, "not_ready")
    assert answer.object()["errors"] == [{"field": "store main", "detail": "connection refused"}]
    assert (await client.get("/livez")).status == 200


async def test_a_store_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PATIENCE", timedelta(milliseconds=10))
    client = await served(SilentEngine())

    answer = await client.get("/readyz")

    assert answer.object()["errors"] == [
        {"field": "store main", "detail": "no answer within 0.01 s"}
    ]
