"""Processes that start before their store, or that it does not let in, on real servers."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.processes import LISTENING, WORKING, started
from tests.servers import running
from tests.servers.mariadb import Server
from tests.servers.postgresql import PrivateServer, private

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(180)]

WAITING = re.compile(r"(\[stores\.main\].*waiting for it)")
PASSWORD = "local all guarded scram-sha-256\nlocal all all trust\n"


@dataclass(frozen=True)
class Store:
    """A server of its own, and the URLs that it lets in, or not."""

    url: str
    wrong: dict[str, str]
    stop: Callable[[], object]
    start: Callable[[], object]


@contextmanager
def on_postgresql() -> Iterator[Store]:
    with running(private) as server:
        (server.directory / "data/pg_hba.conf").write_text(PASSWORD)
        server.stop()
        server.start()
        yield Store(server.url, _wrong_for_postgresql(server), server.stop, server.start)


def _wrong_for_postgresql(server: PrivateServer) -> dict[str, str]:
    return {
        "password": server.url.replace("penstock@", "guarded:wrong@"),
        "database": server.url.replace("/postgres", "/nowhere"),
    }


@contextmanager
def on_mariadb() -> Iterator[Store]:
    with running(Server().serve) as server:
        server.execute("create database penstock")
        server.execute("create user guarded identified by 'right'")
        url = server.url("penstock")
        wrong = {
            "password": url.replace("root@", "guarded:wrong@"),
            "database": server.url("nowhere"),
        }
        yield Store(url, wrong, server.kill, server.start)


STORES = [
    pytest.param(on_postgresql, id="postgresql"),
    pytest.param(on_mariadb, id="mariadb"),
]
TOLD = {
    "password": r"correct the user and the password in `url`",
    "database": r"make it: create database",
}


@pytest.fixture(params=STORES, scope="module")
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with request.param() as made:
        yield made


def configured(place: Path, url: str) -> Path:
    config = place / "penstock.toml"
    config.write_text(f'[stores.main]\nurl = "{url}"\n')
    return config


@pytest.mark.parametrize(
    ("words", "ready"),
    [(("serve", "--port", "0"), LISTENING), (("worker",), WORKING)],
    ids=["serve", "worker"],
)
async def test_a_process_that_stays_waits_for_its_store(
    store: Store, tmp_path: Path, words: tuple[str, ...], ready: re.Pattern[str]
) -> None:
    config = configured(tmp_path, store.url)
    await asyncio.to_thread(store.stop)
    async with started(config, *words) as process:
        await process.says(WAITING)

        await asyncio.to_thread(store.start)

        assert await process.says(ready)


async def test_a_command_that_ends_does_not_wait(store: Store, tmp_path: Path) -> None:
    config = configured(tmp_path, store.url)
    await asyncio.to_thread(store.stop)
    try:
        async with started(config, "show-jobs") as process:
            assert await process.ends() == 75
    finally:
        await asyncio.to_thread(store.start)

    [line] = "".join(process.said).splitlines()
    assert line.startswith("penstock: [stores.main] ")


@pytest.mark.parametrize("wrong", ["password", "database"])
async def test_what_waiting_cannot_mend_ends_a_process_at_once_with_one_line(
    store: Store, tmp_path: Path, wrong: str
) -> None:
    config = configured(tmp_path, store.wrong[wrong])

    async with started(config, "worker") as process:
        assert await process.ends() == 78

    [line] = "".join(process.said).splitlines()
    assert line.startswith("penstock: [stores.main] ")
    assert re.search(TOLD[wrong], line)
    assert "wrong@" not in line


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
async def test_a_host_that_nobody_knows_is_named_and_may_appear_later(
    kind: str, tmp_path: Path
) -> None:
    config = configured(tmp_path, f"{kind}://user:secret@no%20where/penstock")

    async with started(config, "worker", "--wait-for-stores", "0") as process:
        assert await process.ends() == 75

    [line] = "".join(process.said).splitlines()
    assert "[stores.main]" in line
    assert "(at no%20where" in line
    assert "secret" not in line
