"""For the tests of failures: each runs on every kind of server."""

from collections.abc import AsyncIterator, Iterator

import pytest

from penstock.engine import Engine
from tests.engines.failures.proxy import Proxy
from tests.engines.failures.stores import STORES, Store
from tests.servers import running

KINDS = [
    pytest.param(kind, marks=[pytest.mark.server, pytest.mark.xdist_group(f"failures {kind}")])
    for kind in STORES
]


@pytest.fixture(scope="session", params=KINDS)
def killable(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store on a server that no other tests use."""
    with running(STORES[request.param]) as store:
        yield store


@pytest.fixture
async def store(killable: Store) -> Store:
    """An empty store whose server runs."""
    await killable.empty()
    return killable


@pytest.fixture
def one_connection(killable: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines have but one, so that it is known what goes by it."""
    monkeypatch.setattr(killable.connections, 1)


@pytest.fixture
async def proxy(store: Store) -> AsyncIterator[Proxy]:
    """A way to the store that can be cut."""
    async with Proxy(store.way).serve() as made:
        yield made


@pytest.fixture
async def engine(store: Store, proxy: Proxy) -> AsyncIterator[Engine]:
    """An engine, open, that goes by the proxy."""
    made = store.engine(store.through(proxy.port))
    await made.open()
    yield made
    proxy.pass_all()
    await made.close()
