"""A connection to the database, with the settings on which the engine's promises rest."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from penstock.engines.sqlite.statements import statements
from penstock.engines.sqlite.trouble import translated
from penstock.errors import EngineError, EngineUnavailable

_OLDEST_SQLITE = (3, 38, 0)  # ->> in JSON; returning and update … from came before
_STATEMENTS_KEPT = 256
_FULL = 2
_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.01


class Connection:
    """One connection, used by one thread at a time; its errors are SQLite's own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._statements: Mapping[str, str] = statements()
        self._sqlite = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=_STATEMENTS_KEPT
        )
        self._file = _file_at(path)

    def run(self, name: str, /, **values: int | str | None) -> list[Any]:
        """Run the statement of this name; its rows."""
        return self._sqlite.execute(self._statements[name], values).fetchall()

    def run_text(self, statement: str) -> None:
        """Run a statement of a migration."""
        self._sqlite.execute(statement)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open; SQLite ends one by itself after some errors."""
        return self._sqlite.in_transaction

    @property
    def changes(self) -> int:
        """How many rows this connection has ever changed."""
        return self._sqlite.total_changes

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that is read inside is from one moment."""
        self.run("transaction.read")
        try:
            yield
        finally:
            if self.in_transaction:
                self.run("transaction.rollback")

    def refuse_lost_file(self) -> None:
        """EngineUnavailable where the path leads to another file by now: what we write would be lost."""
        if _file_at(self.path) != self._file:
            raise EngineUnavailable(
                f"store {self.path}: its file was removed or replaced while it was open; "
                "put it back, or restart to work on what is there now"
            )

    def close(self) -> None:
        """Hold the file no more."""
        self._sqlite.close()


@contextmanager
def in_our_words(path: Path) -> Iterator[None]:
    """SQLite's errors leave as EngineError."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(path, error) from error


def open_to_write(path: Path) -> Connection:
    """A connection that may write, whose commits survive power loss; the file is made if there is none."""
    _refuse_old_sqlite(path)
    _make_private(path)
    connection = Connection(path)
    try:
        connection.run("open.patience")
        _use_wal(connection)
        connection.run("open.sync")
        connection.run("open.sync_to_disk")
        connection.run("open.wal_size")
        connection.run("open.cache")
        _refuse_unsafe(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path) -> Connection:
    """A connection that only reads, and never waits for one that writes."""
    connection = Connection(path)
    try:
        connection.run("open.patience")
        connection.run("open.cache")
        connection.run("open.only_read")
    except BaseException:
        connection.close()
        raise
    return connection


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file the path leads to: device and number; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _refuse_old_sqlite(path: Path) -> None:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise EngineError(
            f"store {path} needs SQLite {'.'.join(map(str, _OLDEST_SQLITE))} or newer, "
            f"this Python has {sqlite3.sqlite_version}; use a Python that is linked with a newer one"
        )


def _make_private(path: Path) -> None:
    # Jobs carry what is nobody else's business. SQLite gives its other files the mode of this one.
    with suppress(OSError):  # SQLite will say why
        path.touch(mode=0o600)


def _use_wal(connection: Connection) -> None:
    # SQLite does not wait here for another process that does the same, whatever its patience is.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.run("open.wal")
            return
        except sqlite3.OperationalError as error:
            unavailable = isinstance(translated(connection.path, error), EngineUnavailable)
            if not unavailable or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def _refuse_unsafe(connection: Connection) -> None:
    [(journal,)] = connection.run("open.journal")
    [(synchronous,)] = connection.run("open.synchronous")
    if journal != "wal" or synchronous < _FULL:
        raise EngineError(
            f"store {connection.path} would not be durable: journal_mode is {journal}, synchronous is {synchronous}; "
            "it must be wal and 2 (full), which this SQLite or file system refuses"
        )
