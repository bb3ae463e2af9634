"""Opening a store: the server's settings read, the schema brought up to date, the number checked."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from penstock.engine import Feature, StoreIdentity
from penstock.engines.mariadb.session import SMALLEST_PACKET, Session
from penstock.engines.mariadb.statements import Migration, call, migrations
from penstock.errors import EngineError, EngineUnavailable, StoreMismatch
from penstock.job import first_id
from penstock.schema import unapplied

OLDEST_VERSION = (10, 6)
SECONDS_FOR_A_TURN = 30
_ALWAYS = frozenset({Feature.ATOMIC, Feature.SHARED, Feature.DELAY, Feature.ORDER})
_VERSION = re.compile(r"(?:5\.5\.5-)?(\d+)\.(\d+)\.\d+")
_OFF = (0, "0", "OFF")


def check_server(version: str) -> None:
    """The server is one that we know; EngineError where it is another or too old."""
    found = _VERSION.match(version)
    if "mariadb" not in version.lower() or found is None:
        raise EngineError(
            f"the server is no MariaDB but {version!r}; MySQL is refused until it is tested, use MariaDB"
        )
    if (int(found[1]), int(found[2])) < OLDEST_VERSION:
        wanted = ".".join(map(str, OLDEST_VERSION))
        raise EngineError(f"the server is MariaDB {version}; use {wanted} or a newer one")


def features_of(session: Session) -> frozenset[Feature]:
    """What the server, as it is set, can promise. EngineError where it cannot serve at all."""
    [[found]] = session.run(call("open.server"))
    _, _, log_bin, _, binlog_format, read_only, packet = found
    if read_only not in _OFF:
        raise EngineUnavailable(
            "the server takes no writes: a replica, or read-only; point `url` at the primary"
        )
    if packet < SMALLEST_PACKET:
        raise EngineError(
            f"the server takes packets up to {packet} bytes; a job may need {SMALLEST_PACKET}: "
            f"set max_allowed_packet = {SMALLEST_PACKET} or more"
        )
    if log_bin not in _OFF and binlog_format == "STATEMENT":
        raise EngineError(
            "the server writes statements into its binary log, which READ COMMITTED forbids; "
            "set binlog_format = ROW"
        )
    return _ALWAYS if unsafe(session) else _ALWAYS | {Feature.DURABLE}


def unsafe(session: Session) -> Sequence[str]:
    """The settings that would have to be so for the store to be durable: `innodb_doublewrite = ON`."""
    [[[flushed, doublewrite, log_bin, sync_binlog, *_]]] = session.run(call("open.server"))
    lines = {
        "innodb_flush_log_at_trx_commit = 1": flushed == 1,
        "innodb_doublewrite = ON": doublewrite not in _OFF,
        # A transaction that is not in the binary log after a power cut is rolled back.
        "sync_binlog = 1": log_bin in _OFF or sync_binlog == 1,
    }
    return [line for line, is_so in lines.items() if not is_so]


def pending(session: Session) -> Sequence[str]:
    """The names of the migrations that the database lacks. StoreMismatch where this release cannot work on it."""
    return [name for _, name, _ in _lacking(session)]


def migrate(session: Session) -> Sequence[str]:
    """The schema is the present one; the names of what was applied. Raises as `pending`.

    Processes that start together take turns. Where nothing is pending nothing is locked, and no right to create needed.
    """
    if not _lacking(session):
        return []
    session.run(call("open.patience"))
    with _turn(session):
        session.run(call("open.migrations"))
        return [_apply(session, *migration) for migration in _lacking(session)]


def identify(session: Session, number: int) -> StoreIdentity:
    """Who the store is; a new one takes this number. StoreMismatch where it has another."""
    [[[found]]] = session.run(call("open.found"))
    if not found:
        with _turn(session):
            _found(session, number)
    [[[uuid, own]]] = session.run(call("open.identity"))
    if own != number:
        raise StoreMismatch(
            f"the store has number {own}, the configuration says {number}; "
            f"set `number = {own}`, or name another database in `url`"
        )
    return StoreIdentity(uuid=uuid, number=own)


@contextmanager
def _turn(session: Session) -> Iterator[None]:
    """No other process changes the schema meanwhile."""
    [[[locked]]] = session.run(call("open.lock", seconds=SECONDS_FOR_A_TURN))
    if not locked:
        raise EngineUnavailable(
            "another process has been bringing the schema up to date for too long; try again"
        )
    try:
        yield
    finally:
        session.run(call("open.unlock"))


def _lacking(session: Session) -> Sequence[Migration]:
    [[[there]]] = session.run(call("open.there"))
    [rows] = session.run(call("open.applied")) if there else [()]
    applied: dict[int, str] = dict(rows)
    known = {number: name for number, name, _ in migrations()}
    numbers = set(unapplied("the store", applied, known))
    return [migration for migration in migrations() if migration[0] in numbers]


def _apply(session: Session, number: int, name: str, statements: Sequence[str]) -> str:
    for statement in statements:
        session.execute(statement)
    session.run(call("open.record", number=number, name=name))
    return name


def _found(session: Session, number: int) -> None:
    [[[found]]] = session.run(call("open.found"))
    if not found:
        session.run(call("open.first_id", first_id=first_id(number)))
        session.run(call("open.number", number=number))
