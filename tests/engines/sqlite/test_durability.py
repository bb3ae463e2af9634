"""What is answered stays, and what cannot be kept is refused in words that help."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from penstock.clock import ManualClock
from penstock.conformance.builders import (
    HOUR,
    MINUTE,
    OTHER,
    SECOND,
    claimed_job,
    claims,
    counts_of,
    job,
    key,
    push,
    push_one,
    put,
    read,
)
from penstock.engine import IDEMPOTENCY_MEMORY, Feature, Pushed
from penstock.engines.sqlite import SqliteEngine, connection
from penstock.engines.sqlite.statements import statements
from penstock.errors import EngineError, EngineUnavailable
from penstock.job import Presence, State
from tests.engines.sqlite.harness import SqliteHarness, is_empty, url_of, writing

A_TIME = 1_600_000_000_000_000  # microseconds; no count and no id is as large


async def test_every_commit_is_on_the_disk_before_it_is_answered(harness: SqliteHarness) -> None:
    inner = writing(harness.engine)

    assert inner.run("open.journal") == [("wal",)]
    assert inner.run("open.synchronous") == [(2,)]
    assert Feature.DURABLE in harness.engine.features


async def test_an_unsafe_setting_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsafe = {**statements(), "open.sync": "pragma synchronous = normal"}
    monkeypatch.setattr(connection, "statements", lambda: unsafe)

    with pytest.raises(
        EngineError, match="would not be durable: journal_mode is wal, synchronous is 1"
    ):
        await SqliteEngine(url_of(tmp_path / "new.db")).open()


async def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 37, 2))

    with pytest.raises(EngineError, match=r"needs SQLite 3\.38"):
        await SqliteEngine(url_of(tmp_path / "new.db")).open()

    assert is_empty(tmp_path)


async def test_a_file_that_another_program_keeps_locked_is_unavailable_for_a_while(
    harness: SqliteHarness,
) -> None:
    writing(harness.engine)._sqlite.execute("pragma busy_timeout = 1")
    other = sqlite3.connect(harness.path, isolation_level=None)
    other.execute("begin immediate")

    with pytest.raises(EngineUnavailable, match="another process"):
        await push(harness.engine, job())
    assert (await counts_of(harness.engine)).pushed == 0

    other.execute("rollback")
    other.close()
    await push(harness.engine, job())
    assert (await counts_of(harness.engine)).pushed == 1


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "penstock.db"

    with pytest.raises(EngineError, match="directory must exist") as refused:
        await SqliteEngine(url_of(path)).open()

    assert str(path) in str(refused.value)
    assert not path.parent.exists()


OPEN_AS_NOBODY = """
import asyncio, os, sys
from penstock.engines.sqlite import SqliteEngine
from penstock.engines.sqlite.statements import migrations, statements
from penstock.errors import EngineError

statements(), migrations()  # read while one may: nobody may not look into every installation
if os.geteuid() == 0:
    os.setuid(65534)
try:
    asyncio.run(SqliteEngine("sqlite:///" + sys.argv[1]).open())
except EngineError as refused:
    sys.stdout.write(str(refused))
"""


def test_a_file_that_may_not_be_written_is_refused() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "penstock.db"
        asyncio.run(SqliteEngine(url_of(path)).migrate())
        path.chmod(0o444)
        path.parent.chmod(0o555)

        done = subprocess.run(
            [sys.executable, "-c", OPEN_AS_NOBODY, str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
        path.parent.chmod(0o755)

    assert "writable" in done.stdout
    assert str(path) in done.stdout


async def test_a_damaged_file_is_refused_in_words_that_help(harness: SqliteHarness) -> None:
    await push(harness.engine, *(job(str(n)) for n in range(500)))
    await harness.engine.close()
    with harness.path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(40 * 4096))

    async def use() -> None:
        await harness.engine.open()
        await harness.engine.push([job("more")])

    with pytest.raises(EngineError, match="damaged"):
        await use()


async def test_the_file_is_for_this_user_only(harness: SqliteHarness) -> None:
    await push(harness.engine, job())

    files = harness.path.parent.glob("penstock.db*")
    modes = {path.name: path.stat().st_mode & 0o077 for path in files}
    assert modes == dict.fromkeys(
        ["penstock.db", "penstock.db-wal", "penstock.db-shm", "penstock.db-wake"], 0
    )


async def test_whoever_reads_cannot_write(harness: SqliteHarness) -> None:
    store = harness.engine._store
    assert store is not None

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store.reader._connection.run("purge.presences", now=0)


async def test_a_key_may_be_used_again_after_a_day_also_if_nothing_was_purged(
    harness: SqliteHarness,
) -> None:
    [first] = await harness.engine.push([job(idempotency=key())])
    await harness.age(IDEMPOTENCY_MEMORY + SECOND)

    [second] = await harness.engine.push([job(idempotency=key("key", "another print"))])

    assert second == Pushed(id=second.id)
    assert second.id > first.id


async def test_a_claim_takes_the_key_of_its_own_job_only(harness: SqliteHarness) -> None:
    near, far = await push(
        harness.engine, job(dedupe_key="same"), job(queue=OTHER, dedupe_key="same")
    )

    await claims(harness.engine)

    answers = await harness.engine.push(
        [job(dedupe_key="same"), job(queue=OTHER, dedupe_key="same")]
    )
    assert [answer.deduplicated for answer in answers] == [False, True]
    assert answers[1].id == far > near


async def test_ids_are_never_given_again(harness: SqliteHarness) -> None:
    last = await push_one(harness.engine, job())
    await harness.engine.delete([last])
    await harness.reopen()

    assert await push_one(harness.engine, job()) > last


async def test_the_clock_of_the_store_does_not_go_back_with_the_hosts(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)
    clock, earlier = ManualClock(), ManualClock()
    clock.tick(HOUR)
    engine = await harness.opened(harness.make(clock=clock))
    id = await push_one(engine, job())
    await engine.close()

    late = await harness.opened(harness.make(clock=earlier))
    held = await claimed_job(late, job("b"), ttl=MINUTE)

    assert held.job.pushed_at == (await read(late, id)).pushed_at == clock.now()
    assert held.until == clock.now() + MINUTE
    earlier.tick(HOUR + 2 * MINUTE)
    assert (await late.reclaim(10, ttl=MINUTE, worker="w")).readied == 1
    await harness.close()


async def test_ageing_moves_every_stored_time(harness: SqliteHarness) -> None:
    engine = harness.engine
    for state in State:
        await put(engine, state)
    await push(engine, job(idempotency=key()))
    await engine.announce(Presence(worker="w", slots=1), HOUR)
    before = times(harness)

    await harness.age(SECOND)

    after = times(harness)
    assert before.keys() == {
        "migration.applied_at", "store.last_now", "job.pushed_at", "ready.ready_at", "scheduled.run_at",
        "claimed.claimed_at", "claimed.until", "finished.claimed_at", "finished.finished_at", "finished.keep_until",
        "root.until", "idempotency.until", "presence.until",
    }  # fmt: skip
    assert {before[name] - after[name] for name in before} == {1_000_000}


def times(harness: SqliteHarness) -> dict[str, int]:
    """The latest of every kind of time that stands in the store; times of callers, as those of roots, are left out."""
    found = {}
    for (table,) in harness.ask("select name from sqlite_master where type = 'table'"):
        for _, column, *_ in harness.ask(f"pragma table_info({table})"):
            [(latest,)] = harness.ask(f"select max({column}) from {table}")  # noqa: S608 - our own names
            if isinstance(latest, int) and latest > A_TIME and "timestamp" not in str(column):
                found[f"{table}.{column}"] = latest
    return found


async def test_nothing_is_answered_once_the_file_is_gone(harness: SqliteHarness) -> None:
    await push(harness.engine, job("before"))
    harness.path.rename(harness.path.with_suffix(".away"))

    with pytest.raises(EngineUnavailable, match="removed or replaced"):
        await push(harness.engine, job("lost"))

    harness.path.with_suffix(".away").rename(harness.path)
    await push(harness.engine, job("after"))
    assert (await counts_of(harness.engine)).pushed == 2


async def test_nothing_is_answered_once_another_file_is_in_its_place(
    harness: SqliteHarness,
) -> None:
    harness.path.rename(harness.path.with_suffix(".away"))
    harness.path.touch()

    with pytest.raises(EngineUnavailable, match="removed or replaced"):
        await push(harness.engine, job("lost"))

    harness.path.with_suffix(".away").replace(harness.path)
