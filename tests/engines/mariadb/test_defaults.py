"""A server with other defaults than we would choose, whose database was made with another character set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from penstock.conformance.builders import (
    HOSTILE_TEXTS,
    HOUR,
    MINUTE,
    TTL,
    assert_conserved,
    claim_one,
    claims,
    counts_of,
    job,
    key,
    name_of,
    push,
    read,
    root,
)
from penstock.engine import Ack, Renew
from penstock.job import Counts, Details, Presence, Progress, QueueKey
from penstock.serialization import encode
from tests.engines.mariadb.harness import MariadbHarness, at
from tests.servers.mariadb import Server

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("mariadb")]

DEFAULTS = [
    ("time_zone", "'-09:30'"),
    ("tx_isolation", "'SERIALIZABLE'"),
    ("tx_read_only", "1"),
    ("sql_mode", "'ANSI,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO'"),
    ("autocommit", "0"),
    ("completion_type", "'RELEASE'"),
    ("auto_increment_increment", "7"),
    ("collation_server", "'latin1_german2_ci'"),
    ("sql_select_limit", "2"),
    ("sql_safe_updates", "1"),
    ("max_join_size", "2"),
    ("max_heap_table_size", "16384"),
]
LONGEST = 1024 * 1024
MANY = 300


@asynccontextmanager
async def with_default(server: Server, name: str, value: str) -> AsyncIterator[MariadbHarness]:
    """An engine whose sessions begin with this setting, on a database of another character set."""
    with server.database() as url:
        database = url.partition("?")[0].rpartition("/")[2]
        server.execute(f"alter database {database} character set latin1")
        server.execute(f"set global {name} = {value}")
        try:
            async with at(url) as made:
                await made.engine.open()
                yield made
        finally:
            server.execute(f"set global {name} = default")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), DEFAULTS, ids=lambda each: each)
async def test_jobs_move_as_ever(name: str, value: str, mariadb_server: Server) -> None:
    async with with_default(mariadb_server, name, value) as harness:
        await assert_times(harness)
        await assert_texts(harness)
        await push(harness.engine, *(job(str(number)) for number in range(MANY)))
        held = await claims(harness.engine)
        assert len(held) == MANY
        assert await harness.engine.ack([Ack(ref=one.ref) for one in held]) == [True] * MANY
        await assert_conserved(harness.engine)


@pytest.mark.slow
async def test_the_longest_jobs_go_through_the_smallest_packets(mariadb_server: Server) -> None:
    async with with_default(mariadb_server, "max_allowed_packet", "4194304") as harness:
        await assert_long_jobs(harness)


async def assert_times(harness: MariadbHarness) -> None:
    now = datetime.now(UTC)
    ready, later = await push(
        harness.engine, job("ready"), job("later", run_at=now + HOUR, priority=900)
    )

    assert (ready, later) == (1, 2)
    assert (await harness.engine.promote(10)).count == 0
    held = await claim_one(harness.engine)
    found = await read(harness.engine, later)
    assert found.run_at == now + HOUR
    assert abs(found.pushed_at - now) < MINUTE
    assert abs(held.until - now - TTL) < MINUTE
    assert await harness.engine.ack([Ack(ref=held.ref)]) == [True]
    assert await counts_of(harness.engine) == Counts(scheduled=1, done=1, pushed=2)


async def assert_texts(harness: MariadbHarness) -> None:
    engine = harness.engine
    for text in HOSTILE_TEXTS:
        queue = QueueKey(text, text)
        new = job(
            text,
            queue=queue,
            details=Details(context=text),
            dedupe_key=text,
            root=root(1, text),
            idempotency=key(text, text),
        )
        [id] = await push(engine, new)
        assert await push(engine, new) == [id]
        held = await claim_one(engine, queue, worker=text)
        progress = Progress(percent=1, message=text)
        await engine.renew([Renew(ref=held.ref, ttl=TTL, progress=progress)])
        claimed = await read(engine, id)
        assert (claimed.worker, claimed.progress) == (text, progress)
        await engine.announce(Presence(worker=text, slots=1, types=frozenset([text])), TTL)
        assert await engine.ack([Ack(ref=held.ref, result=encode(text))]) == [True]

        done = await read(engine, id)
        assert (name_of(done), done.queue, done.details.context) == (text, queue, text)
        assert (done.root, done.result) == (root(1, text), encode(text))
    assert {shown.worker for shown in await engine.workers()} == {*HOSTILE_TEXTS}


async def assert_long_jobs(harness: MariadbHarness) -> None:
    # Each character is two in a statement.
    filling = "\\\\" * (LONGEST // 2 - 8)
    long = [job(params=f'{{"a": "{filling}"}}', dedupe_key=str(number)) for number in range(3)]

    ids = await push(harness.engine, *long)
    held = [await claim_one(harness.engine) for _ in ids]
    result = encode("'" * (64 * 1024 - 2))
    acked = await harness.engine.ack([Ack(ref=one.ref, result=result) for one in held])

    assert acked == [True] * 3
    assert [(await read(harness.engine, id)).params for id in ids] == [one.params for one in long]
    assert (await read(harness.engine, ids[0])).result == result
