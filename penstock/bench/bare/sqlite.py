"""SQLite alone: the engine's own statement files through sqlite3, one transaction a call, synced in full."""

import asyncio
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from penstock.bench.timing import since
from penstock.engine import Want
from penstock.engines.sqlite.place import file_of
from penstock.engines.sqlite.rows import Row, as_json
from penstock.engines.sqlite.statements import statements
from penstock.engines.sqlite.times import later, stored
from penstock.errors import NotAllowed
from penstock.job import NewJob, QueueKey, dump_details
from penstock.settings import StoreSettings

WORKER = "bare"
KEEP = timedelta(days=1)

# Where the tally of a queue has which change.
_READY, _CLAIMED, _DONE, _PUSHED, _TALLIES = 1, 2, 3, 8, 9


class SqliteBare:
    """One connection in one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="penstock-bare-sqlite")
        self._statements: Mapping[str, str] = statements()
        self._queues: dict[QueueKey, int] = {}
        self._held: list[tuple[int, int, int, int]] = []
        self._now = 0
        self._sqlite = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        for step in ("patience", "wal", "sync", "sync_to_disk", "wal_size", "cache"):
            self._run(f"open.{step}")

    @property
    def version(self) -> str:
        """Which SQLite this Python is linked with."""
        return f"SQLite {sqlite3.sqlite_version}"

    def room(self) -> int:
        """The free bytes of the disk on which the file lies."""
        return shutil.disk_usage(self._path.parent).free

    async def push(self, jobs: Sequence[NewJob]) -> timedelta:
        """The jobs are ready."""
        return await self._in_thread(lambda: self._push(jobs))

    async def claim(self, wants: Sequence[Want]) -> timedelta:
        """What was wanted is held."""
        return await self._in_thread(lambda: self._claim(wants))

    async def ack(self) -> timedelta:
        """What was held is done."""
        return await self._in_thread(self._ack)

    def open_transaction(self) -> AbstractAsyncContextManager[None]:
        """A connection sees the store as it is now."""
        return _open_transaction(self._path)

    async def close(self) -> None:
        """The call that runs has ended, the file is closed."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._thread.shutdown()
        self._sqlite.close()

    async def _in_thread(self, act: Callable[[], timedelta]) -> timedelta:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    def _push(self, jobs: Sequence[NewJob]) -> timedelta:
        numbers = [self._number(job.queue) for job in jobs]
        [(_, first, _)] = self._run("transaction.store")
        ids = range(first, first + len(jobs))
        rows = [_row(id, queue, job) for id, queue, job in zip(ids, numbers, jobs, strict=True)]
        pushed = as_json(rows)
        entries = as_json([(id, queue, 0, 0, 0) for id, queue in zip(ids, numbers, strict=True)])
        tallies = _tallies(numbers, {_READY: 1, _PUSHED: 1})

        began = time.perf_counter_ns()
        self._begin()
        self._run("push.job", jobs=pushed, now=self._now)
        self._run("waiting.enter_ready", entries=entries, now=self._now)
        self._commit(tallies, ids=len(jobs), wakes=1)
        return since(began)

    def _claim(self, wants: Sequence[Want]) -> timedelta:
        queues = [self._number(want.queue) for want in wants]
        held: list[tuple[int, int, int, int]] = []

        began = time.perf_counter_ns()
        self._begin()
        for want, queue in zip(wants, queues, strict=True):
            held += self._hold(want, queue)
        ids = as_json([id for id, _, _, _ in held])
        self._run("get", ids=ids)
        self._commit(_tallies([queue for _, queue, _, _ in held], {_READY: -1, _CLAIMED: 1}))
        took = since(began)

        self._held = held
        return took

    def _hold(self, want: Want, queue: int) -> list[tuple[int, int, int, int]]:
        picked = self._run("claim.priority", queue=queue, floor=want.floor, limit=want.limit)
        if not picked:
            return []
        ids = as_json([id for id, _, _, _ in picked])
        self._run("claim.superseded", ids=ids, now=self._now)
        self._run("claim.take", queue=queue, picked=as_json(picked))
        self._run("waiting.leave_key", ids=ids)
        claims = [(id, queue, attempt + 1, fence + 1) for id, _, attempt, fence in picked]
        until = later(self._now, want.ttl)
        self._run("claim.hold", claims=as_json(claims), worker=WORKER, now=self._now, until=until)
        return claims

    def _ack(self) -> timedelta:
        refs = as_json([(id, fence) for id, _, _, fence in self._held])
        self._held = []

        began = time.perf_counter_ns()
        self._begin()
        taken = self._run("ack", refs=refs)
        until = later(self._now, KEEP)
        self._run("end.keep", ends=as_json([_end(row, until) for row in taken]), now=self._now)
        self._commit(_tallies([row[1] for row in taken], {_CLAIMED: -1, _DONE: 1}))
        return since(began)

    def _begin(self) -> None:
        self._run("transaction.begin")
        [(last, self._next, self._wakes)] = self._run("transaction.store")
        self._now = max(last, stored(datetime.now(UTC)))

    def _commit(self, tallies: str, *, ids: int = 0, wakes: int = 0) -> None:
        self._run("transaction.tally", changes=tallies)
        self._run(
            "transaction.advance",
            now=self._now,
            next_id=self._next + ids,
            wakes=self._wakes + wakes,
        )
        self._run("transaction.commit")

    def _number(self, key: QueueKey) -> int:
        if key not in self._queues:
            names = as_json([(key.domain, key.type)])
            self._run("queue.add", queues=names)
            [(_, _, self._queues[key])] = self._run("queue.find", queues=names)
        return self._queues[key]

    def _run(self, name: str, /, **values: int | str | None) -> list[Any]:
        return self._sqlite.execute(self._statements[name], values).fetchall()


async def open_bare(settings: StoreSettings) -> SqliteBare:
    """The file that the URL names, which the engine has made."""
    return await asyncio.to_thread(SqliteBare, file_of(settings.url))


@asynccontextmanager
async def own_store(settings: StoreSettings) -> AsyncIterator[StoreSettings]:
    """A new file on the disk of the one that the URL names, removed at the end."""
    directory = file_of(settings.url).parent
    try:
        temporary = tempfile.TemporaryDirectory(prefix="penstock-bench-", dir=directory)
    except OSError as error:
        raise NotAllowed(f"no file can be made in {directory}: {error.strerror}") from error
    with temporary as place:
        yield msgspec.structs.replace(settings, url=f"sqlite:///{quote(place)}/bench.db")


@asynccontextmanager
async def _open_transaction(path: Path) -> AsyncIterator[None]:
    beside = sqlite3.connect(path, isolation_level=None)
    try:
        # Deferred: it begins with what it reads first, and nothing of the log may be thrown away until it ends.
        beside.execute("begin")
        beside.execute(statements()["transaction.store"]).fetchall()
        yield
    finally:
        beside.close()


def _row(id: int, queue: int, job: NewJob) -> Row:
    return (
        id,
        queue,
        job.priority,
        job.max_attempts,
        job.delivery,
        None,
        None,
        None,
        dump_details(job.details),
        job.params,
    )


def _end(taken: Sequence[Any], keep_until: int) -> Row:
    id, queue, attempt, fence, worker, claimed_at, cancel_requested, progress = taken
    return (
        id,
        queue,
        "done",
        attempt,
        fence,
        worker,
        claimed_at,
        keep_until,
        cancel_requested,
        progress,
        None,
        None,
        "true",
    )


def _tallies(queues: Sequence[int], changes: Mapping[int, int]) -> str:
    counted = dict.fromkeys(queues, 0)
    for queue in queues:
        counted[queue] += 1
    return as_json(
        [
            (queue, *(changes.get(place, 0) * count for place in range(_TALLIES)))
            for queue, count in sorted(counted.items())
        ]
    )
