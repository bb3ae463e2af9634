"""Opening a store: the server's settings read, the schema brought up to date, the number checked."""

import re

from penstock.engine import Feature, StoreIdentity
from penstock.engines.mariadb.session import SMALLEST_PACKET, Session
from penstock.engines.mariadb.statements import call, migrations
from penstock.errors import EngineError, EngineUnavailable, StoreMismatch
from penstock.job import first_id

OLDEST_VERSION = (10, 6)
SECONDS_TO_MIGRATE = 30
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
    flushed, doublewrite, log_bin, sync_binlog, binlog_format, read_only, packet = found
    if read_only not in _OFF:
        raise EngineUnavailable(
            "the server takes no writes: a replica, or read-only; point `url` at the primary"
        )
    if packet < SMALLEST_PACKET:
        raise EngineError(
            f"the server takes packets up to {packet} bytes; a job may need {SMALLEST_PACKET}: "
            f"set max_allowed_packet = {SMALLEST_PACKET} or more"
        )
    has_log = log_bin not in _OFF
    if has_log and binlog_format == "STATEMENT":
        raise EngineError(
            "the server writes statements into its binary log, which READ COMMITTED forbids; "
            "set binlog_format = ROW"
        )
    # A transaction that is not in the binary log after a power cut is rolled back.
    is_durable = flushed == 1 and doublewrite not in _OFF and (not has_log or sync_binlog == 1)
    return _ALWAYS | {Feature.DURABLE} if is_durable else _ALWAYS


def make(session: Session, number: int) -> StoreIdentity:
    """The schema is the present one; who the store is. Processes that start together take turns.

    StoreMismatch where the schema is newer, or the store has another number; an empty one takes this.
    """
    [[[locked]]] = session.run(call("open.lock", seconds=SECONDS_TO_MIGRATE))
    if not locked:
        raise EngineUnavailable(
            "another process has been bringing the schema up to date for too long; try again"
        )
    try:
        _migrate(session)
        return _identify(session, number)
    finally:
        session.run(call("open.unlock"))


def _migrate(session: Session) -> None:
    session.run(call("open.migrations"))
    [[[applied]]] = session.run(call("open.applied"))
    newest = migrations()[-1][0]
    if applied > newest:
        raise StoreMismatch(
            f"the store has schema {applied}, this Penstock knows schemas up to {newest}; "
            f"run a release that knows {applied}, or name another database in `url`"
        )
    for number, name, statements in migrations():
        if number > applied:
            for statement in statements:
                session.execute(statement)
            session.run(call("open.record", number=number, name=name))


def _identify(session: Session, number: int) -> StoreIdentity:
    [[[found]]] = session.run(call("open.found"))
    if not found:
        session.run(call("open.first_id", first_id=first_id(number)))
        session.run(call("open.number", number=number))
    [[[uuid, own]]] = session.run(call("open.identity"))
    if own != number:
        raise StoreMismatch(
            f"the store has number {own}, the configuration says {number}; "
            f"set `number = {own}`, or name another database in `url`"
        )
    return StoreIdentity(uuid=uuid, number=own)
