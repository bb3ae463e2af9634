"""All stores at once, each for a few seconds at most."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from penstock.app import Penstock
from penstock.doctor import Doctor, Report
from penstock.examination import About, Level
from penstock.settings import QueueSettings, Settings, StoreSettings


@pytest.fixture
async def silent() -> AsyncIterator[int]:
    """The port of a server that takes connections and never says a word."""
    gone = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    gone.set()
    server.close()


def settings(tmp_path: Path, *urls: str) -> Settings:
    stores = {"main": StoreSettings(url=f"sqlite:///{tmp_path}/main.db")}
    for number, url in enumerate(urls, start=1):
        stores[f"store{number}"] = StoreSettings(url=url, number=number)
    return Settings(stores=stores, queues={"default": QueueSettings(store="main")})


def reach(report: Report) -> dict[str | None, Level]:
    return {one.store: one.finding.level for one in report.told if one.finding.about is About.REACH}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
async def test_a_server_that_does_not_answer_holds_up_nobody(
    tmp_path: Path, silent: int, kind: str
) -> None:
    asked = settings(tmp_path, f"{kind}://u:p@127.0.0.1:{silent}/x", "postgresql://127.0.0.1:1/x")
    async with Penstock(Settings(stores={"main": asked.stores["main"]})):
        pass

    async with asyncio.timeout(30):
        report = await Doctor(Penstock(asked)).look()

    assert reach(report) == {"main": Level.OK, "store1": Level.WRONG, "store2": Level.WRONG}
    assert not report.is_well


async def test_a_federation_is_looked_at_in_its_partitions(tmp_path: Path) -> None:
    stores = {
        "wide": StoreSettings(partitions={"east": 1}),
        "east": StoreSettings(url=f"sqlite:///{tmp_path}/east.db"),
    }
    async with Penstock(Settings(stores=stores)):
        pass

    report = await Doctor(Penstock(Settings(stores=stores))).look()

    assert reach(report) == {"east": Level.OK}
    assert report.is_well


async def test_a_driver_that_is_missing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    for name in [name for name in sys.modules if name.startswith("penstock.engines.postgresql")]:
        monkeypatch.delitem(sys.modules, name)

    report = await Doctor(Penstock(settings(tmp_path, "postgresql://127.0.0.1/x"))).look()

    [found] = [
        one.finding
        for one in report.told
        if one.store == "store1" and one.finding.level is Level.WRONG
    ]
    assert found.about is About.CONFIGURATION
    assert "install 'penstock[postgresql]'" in f"{found.text} {found.change}"


async def test_a_look_that_breaks_off_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = settings(tmp_path)
    async with Penstock(asked):
        pass
    with closing(sqlite3.connect(tmp_path / "main.db", isolation_level=None)) as connection:
        connection.execute("insert into presence values ('w1', 1, 'no JSON', 9223372036854775807)")

    report = await Doctor(Penstock(asked)).look()

    assert not report.is_well
    assert "broke off: DecodeError" in report.told[-1].finding.text
    assert "Traceback" in caplog.text
