"""Stores of every engine that has a bare twin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from penstock.app.building import engine_kinds, kind_of
from penstock.engine import Engine
from penstock.settings import StoreSettings
from tests.bench.tiny import sqlite_settings
from tests.servers import mariadb

SERVERS = [
    pytest.param(name, marks=[pytest.mark.slow, pytest.mark.server, pytest.mark.xdist_group(name)])
    for name in ("postgresql", "mariadb", "redis")
    if name in engine_kinds()
]
ENGINES = ["sqlite", *SERVERS]


def settings_of(request: pytest.FixtureRequest, directory: Path) -> StoreSettings:
    """The store of the engine that the fixture's parameter names; nobody has opened it."""
    if request.param == "sqlite":
        return sqlite_settings(directory)
    return StoreSettings(url=_url(request), accept_volatile=True)


def _url(request: pytest.FixtureRequest) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    if request.param == "redis":
        return str(request.getfixturevalue("redis_server").url)
    server: mariadb.Server = request.getfixturevalue("mariadb_server")
    return server.url("mysql")


@asynccontextmanager
async def opened(settings: StoreSettings) -> AsyncIterator[Engine]:
    """The engine of the store."""
    engine: Engine = engine_kinds()[kind_of(settings)].load()(settings.url, number=settings.number)
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()
