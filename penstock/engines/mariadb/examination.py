"""What can be said of a MariaDB before anybody works on it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from penstock.engines.mariadb import schema
from penstock.engines.mariadb.database import SESSIONS
from penstock.engines.mariadb.session import Session
from penstock.engines.mariadb.statements import call
from penstock.engines.mariadb.times import time
from penstock.errors import EngineError
from penstock.examination import About, Examination, Finding, advice, ahead, ok, wrong


def examine(session: Session) -> Examination:
    """What is found; nothing is changed."""
    before = datetime.now(UTC)
    [[[version, now, most, connected]]] = session.run(call("open.examination"))
    after = datetime.now(UTC)
    free = room(int(most) - int(connected))
    return Examination(
        findings=[ok(About.SERVER, f"MariaDB {version}"), *_server(session), *free],
        ahead=ahead(time(now), before=before, after=after),
    )


def _server(session: Session) -> Iterator[Finding]:
    try:
        schema.features_of(session)
    except EngineError as error:
        what, _, change = str(error).partition("; ")
        yield wrong(About.SERVER, what, change)
    for line in schema.unsafe(session):
        name, _, value = line.partition(" = ")
        yield wrong(
            About.DURABILITY,
            f"{name} is not {value}: what was answered may be lost",
            f"set under [mariadbd] in the server's configuration: {line}",
        )


def room(free: int) -> Iterator[Finding]:
    """Whether so many connections are enough."""
    if free < SESSIONS:
        yield advice(
            About.SERVER,
            f"{free} connections are free, a process takes up to {SESSIONS}",
            "set under [mariadbd] in the server's configuration a larger max_connections",
        )
