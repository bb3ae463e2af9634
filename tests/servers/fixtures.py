"""Servers as a plugin: a test module names it in `pytest_plugins`, and all that do share one server."""

from collections.abc import Iterator

import pytest

from tests.servers import mariadb, pgbouncer, running
from tests.servers.postgresql import start


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL for all tests of this process."""
    with running(start) as url:
        yield url


@pytest.fixture(scope="session")
def pooler_url(postgresql_url: str) -> Iterator[str]:
    """A PgBouncer in transaction mode before that PostgreSQL."""
    with running(lambda: pgbouncer.before(postgresql_url)) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[mariadb.Server]:
    """A MariaDB for all tests of this process."""
    with running(mariadb.start) as server:
        yield server
