"""Migrations, forward only, and the identity of a store."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import uuid4

from penstock import schema
from penstock.engine import StoreIdentity
from penstock.engines.sqlite.connection import Connection
from penstock.engines.sqlite.statements import migrations
from penstock.errors import StoreMismatch
from penstock.job import first_id

_OURS = "migration"


def migrate(connection: Connection) -> Sequence[str]:
    """The database has the present schema; the names of the migrations that were applied here.

    Raises StoreMismatch for another program's database, and for a schema with which this release cannot work.
    """
    lacking = unapplied(connection)
    return [migrations()[number][0] for number in lacking if apply(connection, number)]


def unapplied(connection: Connection) -> Sequence[int]:
    """The numbers of the migrations that the database lacks. Raises StoreMismatch as `migrate`."""
    known = {number: name for number, (name, _) in migrations().items()}
    return schema.unapplied(f"store {connection.path}", _applied(connection), known)


def names(numbers: Sequence[int]) -> Sequence[str]:
    """What these migrations are called."""
    return [migrations()[number][0] for number in numbers]


def identify(connection: Connection, number: int) -> StoreIdentity:
    """Who the store is; a new one is this number from now on. StoreMismatch if it has another."""
    with _transaction(connection):
        connection.run("open.found", uuid=str(uuid4()), number=number, next_id=first_id(number))
        [(uuid, own)] = connection.run("open.identity")
    if own != number:
        raise StoreMismatch(
            f"store {connection.path} has number {own}, the configuration says {number}; "
            f"set `number = {own}`, or name another file in `url`"
        )
    return StoreIdentity(uuid=uuid, number=own)


def apply(connection: Connection, number: int) -> bool:
    """The migration is applied; False where a faster process has done it."""
    name, steps = migrations()[number]
    with _transaction(connection):
        connection.run("open.migrations")
        if number in _applied(connection):
            return False
        for step in steps:
            connection.run_text(step)
        connection.run("open.applied", number=number, name=name, now=_host_now())
    return True


def _applied(connection: Connection) -> Mapping[int, str]:
    """The names of the migrations of the database, by their numbers."""
    tables = {name for (name,) in connection.run("open.tables")}
    if not tables:
        return {}
    if _OURS not in tables:
        raise StoreMismatch(
            f"store {connection.path} is a database of another program; name another file in `url`"
        )
    return dict(connection.run("open.schema"))


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    connection.run("transaction.begin")
    try:
        yield
        connection.run("transaction.commit")
    except BaseException:
        if connection.in_transaction:
            connection.run("transaction.rollback")
        raise


def _host_now() -> int:
    return time.time_ns() // 1000
