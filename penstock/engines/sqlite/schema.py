"""Migrations, forward only, and the identity of a store."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

from penstock.engine import StoreIdentity
from penstock.engines.sqlite.connection import Connection
from penstock.engines.sqlite.statements import migrations
from penstock.errors import StoreMismatch
from penstock.job import first_id

_OURS = "migration"


def migrate(connection: Connection) -> tuple[int, int]:
    """The database has the present schema; the numbers of the schema before and now.

    Raises StoreMismatch for another program's database and for a newer schema.
    """
    before = version(connection)
    for number in unapplied(before):
        apply(connection, number)
    return before, version(connection)


def version(connection: Connection) -> int:
    """The number of the schema; 0 for an empty database. Raises StoreMismatch as `migrate`."""
    tables = {name for (name,) in connection.run("open.tables")}
    if not tables:
        return 0
    if _OURS not in tables:
        raise StoreMismatch(
            f"store {connection.path} is a database of another program; name another file in `url`"
        )
    [(number,)] = connection.run("open.schema")
    _refuse_newer(connection, number)
    return int(number)


def unapplied(number: int) -> Sequence[int]:
    """The migrations that a schema of this number lacks."""
    return [known for known in migrations() if known > number]


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


def apply(connection: Connection, number: int) -> None:
    """The migration is applied, by this process or by a faster one."""
    name, steps = migrations()[number]
    with _transaction(connection):
        connection.run("open.migrations")
        if version(connection) >= number:
            return  # another process was faster
        for step in steps:
            connection.run_text(step)
        connection.run("open.applied", number=number, name=name, now=_host_now())


def _refuse_newer(connection: Connection, number: int) -> None:
    newest = max(migrations())
    if number > newest:
        raise StoreMismatch(
            f"store {connection.path} has schema {number}, this Penstock knows schemas up to {newest}; "
            f"run a release that knows {number}, or name another file in `url`"
        )


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
