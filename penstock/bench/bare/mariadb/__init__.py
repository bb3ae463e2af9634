"""MariaDB alone: the engine's own statements on one session, a packet a call, without what is decided around them."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files

import msgspec

from penstock.bench.timing import since
from penstock.engine import Want
from penstock.engines.mariadb.address import Address, address_of
from penstock.engines.mariadb.moves.claim import BEGIN, named, naming
from penstock.engines.mariadb.moves.queues import Numbers
from penstock.engines.mariadb.session import Failure, Session
from penstock.engines.mariadb.statements import Call, Values, call, call_each
from penstock.engines.mariadb.times import duration
from penstock.engines.mariadb.trouble import translated
from penstock.job import JobId, NewJob, State, dump_details
from penstock.settings import StoreSettings

WORKER = "bare"
KEEP = timedelta(days=1)


class MariadbBare:
    """One session in one thread."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="penstock-bare-mariadb")
        self._numbers = Numbers()
        self._held: list[tuple[JobId, int]] = []
        self._session = Session(address)
        self._session.prepare()
        self.version = f"MariaDB {self._session.server().partition('-')[0]}"

    def room(self) -> None:
        """Nobody knows how much the server's disk can take."""
        return

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
        """A session sees the store as it is now."""
        return _open_transaction(self._address)

    async def close(self) -> None:
        """The call that runs has ended, the session is gone."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._thread.shutdown()
        self._session.close()

    async def _in_thread(self, act: Callable[[], timedelta]) -> timedelta:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    def _push(self, jobs: Sequence[NewJob]) -> timedelta:
        self._numbers.find_or_make(self._session, {job.queue for job in jobs})
        rows = [_row(offset, self._numbers[job.queue], job) for offset, job in enumerate(jobs)]
        counts = Counter(self._numbers[job.queue] for job in jobs)
        calls = [
            call("transaction.begin"),
            call("transaction.clock"),
            call_each("push.job", rows),
            call("push.first"),
            call_each("push.ready", rows),
            call_each(
                "push.tally", [_tally(queue, count) for queue, count in sorted(counts.items())]
            ),
            call("transaction.wake"),
            call("transaction.commit"),
        ]
        return self._timed(calls)

    def _claim(self, wants: Sequence[Want]) -> timedelta:
        self._numbers.find_or_make(self._session, {want.queue for want in wants})
        calls = [
            *BEGIN,
            *(self._pick(place, want) for place, want in enumerate(wants)),
            call("enter.claimed", worker=WORKER),
            call("leave.ready"),
            call("transaction.tally"),
            call("enter.claims"),
            call("transaction.commit"),
        ]
        began = time.perf_counter_ns()
        [rows] = self._session.run(*calls)
        took = since(began)
        told = [str(numbers).split(" ") for numbers, *_ in rows]
        self._held = [(JobId(int(id)), int(fence)) for id, _, _, _, fence, *_ in told]
        return took

    def _pick(self, place: int, want: Want) -> Call:
        return call(
            "claim.priority",
            place=place,
            queue=self._numbers[want.queue],
            floor=want.floor,
            ttl=duration(want.ttl),
            keep=duration(KEEP),
            skipped=0,
            most=want.limit,
        )

    def _ack(self) -> timedelta:
        held, self._held = sorted(self._held), []
        if not held:
            return timedelta(0)
        done = {"keep": duration(KEEP), "state": State.DONE.value}
        calls = [
            *BEGIN,
            *naming([named(n, id, fence=fence, **done) for n, (id, fence) in enumerate(held)]),
            call("look.claims", given_back=0),
            call("enter.finished"),
            call("leave.claimed"),
            call_each("enter.result", [{"place": n, "result": "true"} for n in range(len(held))]),
            call("transaction.tally"),
            call("transaction.commit"),
        ]
        return self._timed(calls)

    def _timed(self, calls: Sequence[Call]) -> timedelta:
        began = time.perf_counter_ns()
        self._session.run(*calls)
        return since(began)


async def open_bare(settings: StoreSettings) -> MariadbBare:
    """The database that the URL names, which the engine has made."""
    return await asyncio.to_thread(MariadbBare, address_of(settings.url))


@asynccontextmanager
async def own_store(settings: StoreSettings) -> AsyncIterator[StoreSettings]:
    """A database of our own on the server that the URL names, dropped at the end."""
    address = address_of(settings.url)
    name = f"penstock_bench_{uuid.uuid4().hex[:12]}"
    await asyncio.to_thread(_run, address, "create", name)
    try:
        before, _, after = settings.url.partition("?")
        own = f"{before.rpartition('/')[0]}/{name}?{after}".removesuffix("?")
        yield msgspec.structs.replace(settings, url=own)
    finally:
        await asyncio.to_thread(_run, address, "drop", name)


@asynccontextmanager
async def _open_transaction(address: Address) -> AsyncIterator[None]:
    session = await asyncio.to_thread(Session, address)
    try:
        await asyncio.to_thread(session.run, call("transaction.begin_reading"))
        yield
        await asyncio.to_thread(session.rollback)
    finally:
        session.close()


def _run(address: Address, verb: str, name: str) -> None:
    with _session(replace(address, database="information_schema")) as session:
        text = (files(__package__) / f"{verb}.sql").read_text("utf-8")
        session.execute(text.replace(":name", name))


@contextmanager
def _session(address: Address) -> Iterator[Session]:
    try:
        session = Session(address)
        try:
            yield session
        finally:
            session.close()
    except (Failure, OSError) as error:
        raise translated(error) from error


def _row(offset: int, queue: int, job: NewJob) -> Values:
    return {
        "first": None,
        "offset": offset,
        "queue": queue,
        "priority": job.priority,
        "max_attempts": job.max_attempts,
        "delivery": job.delivery.value,
        "root_signature": None,
        "root_timestamp": None,
        "details": dump_details(job.details),
        "params": job.params,
        "keyed": False,
        "rooted": False,
    }


def _tally(queue: int, count: int) -> Values:
    return {"queue": queue, "pushed": count, "scheduled": 0, "ready": count}
