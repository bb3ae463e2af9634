"""The one thread that writes: it commits together what is asked for at the same time."""

import asyncio
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from penstock.engines.sqlite.connection import Connection
from penstock.engines.sqlite.transaction import Transaction
from penstock.engines.sqlite.trouble import translated
from penstock.job import QueueKey

_MOST_ITEMS = 2000  # in one commit, so that nobody waits for it too long

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

Act = Callable[[Transaction, Sequence[_Item]], Sequence[_Answer]]


@dataclass(slots=True, eq=False)
class _Call:
    """What one caller asked for, and where he waits for the answers."""

    verb: str
    act: Act[Any, Any]
    items: Sequence[Any]
    future: asyncio.Future[Any]
    answers: Sequence[Any] = ()
    error: Exception | None = None

    def settle(self) -> None:
        """Tell the caller, unless he has gone away."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.answers)
        else:
            self.future.set_exception(self.error)


@dataclass(frozen=True, slots=True)
class Hooks:
    """Whom the writer asks and tells."""

    host_now: Callable[[], int]
    # The time in which other processes do not write.
    turn: Callable[[], AbstractContextManager[None]]
    # How often a job may have become ready, before and after a commit.
    committed: Callable[[int, int], None]
    # A named point beside a commit, where a test may die.
    reached: Callable[[str], None]


class Writer:
    """The only user of a connection. Calls made at the same time share a commit, and nothing else."""

    def __init__(self, connection: Connection, hooks: Hooks) -> None:
        self._connection = connection
        self._hooks = hooks
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._queues: dict[QueueKey, int] = {}
        self._thread = threading.Thread(target=self._work, name="penstock-sqlite", daemon=True)
        self._thread.start()

    async def do(
        self, verb: str, act: Act[_Item, _Answer], items: Sequence[_Item]
    ) -> Sequence[_Answer]:
        """The answers to the items, after the commit that makes them true; or an error for all of them."""
        future: asyncio.Future[Sequence[_Answer]] = asyncio.get_running_loop().create_future()
        self._calls.put(_Call(verb, act, items, future))
        return await future

    def close(self) -> None:
        """What was asked for before is done, and the thread gone; the connection is left to its owner."""
        self._calls.put(None)
        self._thread.join()

    def _work(self) -> None:
        while group := self._next_group():
            wanted = [call for call in group if not call.future.cancelled()]
            if wanted:
                self._commit(wanted)
                _settle(wanted)

    def _next_group(self) -> Sequence[_Call]:
        """What is asked for by now, as soon as there is something; nothing at the end."""
        group: list[_Call] = []
        items = 0
        call = self._calls.get()
        while call is not None:
            group.append(call)
            items += len(call.items)
            if items >= _MOST_ITEMS:
                return group
            try:
                call = self._calls.get_nowait()
            except Empty:
                return group
        if group:
            self._calls.put(None)  # the end comes after this group
        return group

    def _commit(self, group: Sequence[_Call]) -> None:
        """Each call has its answers or its error, by one commit where one will do."""
        try:
            self._commit_together(group)
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            if len(group) > 1 and _is_too_much(error):
                for call in group:
                    self._commit([call])
                return
            for call in group:
                call.error = self._in_our_words(error)

    def _commit_together(self, group: Sequence[_Call]) -> None:
        with self._hooks.turn(), self._rolled_back_on_error():
            tx = Transaction(self._connection, self._hooks.host_now, self._queues)
            done = self._act(tx, group)
            tx.flush()
            self._reach(done, "before_commit")
            self._connection.refuse_lost_file()
            tx.commit()
        self._queues |= tx.found
        self._reach(done, "after_commit")
        self._hooks.committed(tx.wakes_before, tx.wakes)

    @contextmanager
    def _rolled_back_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.run("transaction.rollback")
            raise

    def _act(self, tx: Transaction, group: Sequence[_Call]) -> Sequence[str]:
        """Do what was asked for, equal verbs in one go; the verbs."""
        by_verb: defaultdict[str, list[_Call]] = defaultdict(list)
        for call in group:
            by_verb[call.verb].append(call)
        for calls in by_verb.values():
            self._act_together(tx, calls)
        return list(by_verb)

    def _act_together(self, tx: Transaction, calls: Sequence[_Call]) -> None:
        try:
            with tx.step():
                for call in calls:
                    call.error = None  # of an earlier try
                items = [item for call in calls for item in call.items]
                answers = iter(calls[0].act(tx, items))
                for call in calls:
                    call.answers = [next(answers) for _ in call.items]
        except Exception as error:
            if not tx.alive:
                raise
            if len(calls) == 1:
                calls[0].error = self._in_our_words(error)
                return
            for call in calls:
                self._act_together(tx, [call])

    def _reach(self, verbs: Iterable[str], place: str) -> None:
        for verb in verbs:
            self._hooks.reached(f"{verb}.{place}")

    def _in_our_words(self, error: Exception) -> Exception:
        if not isinstance(error, sqlite3.Error):
            return error
        ours = translated(self._connection.path, error)
        ours.__cause__ = error
        return ours


def _is_too_much(error: Exception) -> bool:
    """Whether less of it might have gone well: where there is no room for a push there may be some for an ack."""
    return getattr(error, "sqlite_errorcode", None) in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM}


def _settle(group: Sequence[_Call]) -> None:
    """Every caller is told, by one wake-up of each event loop."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[_Call]] = defaultdict(list)
    for call in group:
        by_loop[call.future.get_loop()].append(call)
    for loop, calls in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_here, calls)
        except RuntimeError:
            continue  # the loop was closed: nobody waits there any more


def _settle_here(calls: Sequence[_Call]) -> None:
    for call in calls:
        call.settle()
