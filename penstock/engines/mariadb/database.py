"""A few threads, each with a session of its own; each work is one transaction, tried again where it may be."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

from penstock.engines.mariadb.address import Address
from penstock.engines.mariadb.session import Failure, Session
from penstock.engines.mariadb.trouble import is_lost, is_undone, translated
from penstock.errors import EngineError, EngineUnavailable

SESSIONS = 8
TRIES = 10
LONGEST_LOCK_WAITS = timedelta(seconds=20)
LONGEST_LINE = timedelta(seconds=20)  # for one of the sessions, where they are slow or hang
LONGEST_PAUSE = 0.02  # seconds, times the number of the try
IDLE = 5.0  # seconds after which a session is looked at before it is used

_T = TypeVar("_T")
Work = Callable[[Session], _T]


class Adrift(Exception):
    """A job moved while it was looked for; nothing was changed."""


class Database:
    """Sessions on one database."""

    def __init__(
        self,
        address: Address,
        check: Callable[[str], None],
        seconds_to_answer: int | None = None,  # as sessions have it
    ) -> None:
        self._address = address
        self._seconds_to_answer = seconds_to_answer
        self._check = check  # refuses servers by the version they tell
        self._threads: ThreadPoolExecutor | None = None
        self._own = threading.local()
        self._lock = threading.Lock()
        self._sessions: list[Session] = []
        self._lost_at = 0.0

    def open(self) -> None:
        """There are threads; each connects when it is first used."""
        if self._threads is None:
            self._own = threading.local()
            self._threads = ThreadPoolExecutor(SESSIONS, "penstock-mariadb")

    async def close(self, patience: timedelta) -> None:
        """Hold no session any more. What is under way may end, for a while."""
        threads, self._threads = self._threads, None
        if threads is None:
            return
        ending = asyncio.ensure_future(asyncio.to_thread(threads.shutdown))
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await asyncio.shield(ending)
        except TimeoutError:
            self.cut()
            await ending
        finally:
            self._close_all()

    def cut(self) -> None:
        """Every connection is cut, whatever happens on it."""
        with self._lock:
            for session in self._sessions:
                session.cut()

    def _close_all(self) -> None:
        with self._lock:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()

    async def run(self, work: Work[_T]) -> _T:
        """What `work` returns. It leaves nothing under way, or raises and leaves nothing done."""
        if self._threads is None:
            raise EngineError("the mariadb engine is not open; call open() first")
        asked_at = time.monotonic()
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._run, work, asked_at
        )

    def _run(self, work: Work[_T], asked_at: float) -> _T:
        started = time.monotonic()
        if started - asked_at > LONGEST_LINE.total_seconds():
            raise EngineUnavailable(
                f"mariadb cannot do it now: no session was free for {LONGEST_LINE.total_seconds():g} s"
            )
        for number in range(1, TRIES):
            try:
                return self._try(work)
            except Adrift:
                pass
            except Failure as error:
                patient = time.monotonic() - started < LONGEST_LOCK_WAITS.total_seconds()
                if not is_undone(error) or not patient:
                    raise translated(error) from error
            time.sleep(random.uniform(0, number * LONGEST_PAUSE))
        return self._last(work)

    def _last(self, work: Work[_T]) -> _T:
        try:
            return self._try(work)
        except Failure as error:
            raise translated(error) from error

    def _try(self, work: Work[_T]) -> _T:
        try:
            session = self._session()
        except OSError as error:
            raise EngineUnavailable(f"{translated(error)} (at {self._address})") from error
        except UnicodeError as error:
            raise EngineError(f"no host can be called as in {self._address}: {error}") from error
        try:
            return work(session)
        except OSError as error:
            self._lose(session)
            raise translated(error) from error
        except ValueError as error:
            self._undo(session)
            raise EngineError(f"mariadb does not take it: {error}") from error
        except BaseException as error:
            if isinstance(error, Failure) and is_lost(error):
                self._lose(session)
            else:
                self._undo(session)
            raise

    def _session(self) -> Session:
        session: Session | None = getattr(self._own, "session", None)
        if session is not None and self._is_usable(session):
            return session
        if session is not None:
            self._lose(session)
        session = Session(self._address, self._seconds_to_answer)
        with self._lock:
            self._sessions.append(session)
        try:
            self._check(session.server())
            session.prepare()
        except BaseException:
            self._lose(session)
            raise
        self._own.session = session
        return session

    def _is_usable(self, session: Session) -> bool:
        if not session.is_open:
            return False
        # Where one was lost the others are in doubt: whatever is sent on them may be lost too, and nobody would know.
        in_doubt = session.used_at <= self._lost_at or time.monotonic() - session.used_at > IDLE
        return not in_doubt or session.is_alive()

    def _undo(self, session: Session) -> None:
        session.rollback()
        if not session.is_open:
            self._lose(session)

    def _lose(self, session: Session) -> None:
        self._lost_at = time.monotonic()
        session.close()
        self._own.session = None
        with self._lock:
            if session in self._sessions:
                self._sessions.remove(session)
