"""What can be said of a PostgreSQL before anybody works on it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from penstock.engines.postgresql import schema
from penstock.engines.postgresql.connection import MOST_SESSIONS, Database, Row
from penstock.errors import EngineError
from penstock.examination import About, Examination, Finding, advice, ahead, ok, wrong

LONG = timedelta(minutes=10)


async def examine(database: Database) -> Examination:
    """What is found; nothing is changed."""
    before = datetime.now(UTC)
    [found] = await database.fetch("open_examination")
    after = datetime.now(UTC)
    return Examination(
        findings=[
            *await _server(database),
            *_unsafe(await schema.unsafe(database)),
            *state_of(found),
        ],
        ahead=ahead(found["now"], before=before, after=after),
    )


async def _server(database: Database) -> list[Finding]:
    try:
        await schema.features_of(database)
    except EngineError as error:
        what, _, change = str(error).partition("; ")
        return [wrong(About.SERVER, what, change)]
    return []


def _unsafe(lines: list[str]) -> Iterator[Finding]:
    for line in lines:
        name, _, value = line.partition(" = ")
        yield wrong(
            About.DURABILITY,
            f"{name} is not {value}: what was answered may be lost",
            f"set in postgresql.conf: {line}",
        )


def state_of(found: Row) -> Iterator[Finding]:
    """How a server with these figures does."""
    yield ok(About.SERVER, f"PostgreSQL {found['version']}")
    if not found["autovacuum"]:
        yield advice(
            About.SERVER,
            "autovacuum is off: every finished job makes the next claim slower",
            "set in postgresql.conf: autovacuum = on",
        )
    free = found["most_sessions"] - found["sessions"]
    if free < MOST_SESSIONS + 1:
        yield advice(
            About.SERVER,
            f"{free} sessions are free, a process takes up to {MOST_SESSIONS + 1}",
            "raise max_connections in postgresql.conf, or put a pooler between",
        )
    if found["oldest_transaction"] > LONG:
        minutes = found["oldest_transaction"] // timedelta(minutes=1)
        yield advice(
            About.SERVER,
            f"a transaction has been open for {minutes} minutes: what is finished cannot be cleared away",
            "end it; select pid, query from pg_stat_activity order by xact_start",
        )
