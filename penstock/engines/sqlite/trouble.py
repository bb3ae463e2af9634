"""SQLite's errors in the words of the seam."""

import sqlite3
from pathlib import Path

from penstock.errors import EngineError, EngineUnavailable, StoreMismatch

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PASSING = {
    sqlite3.SQLITE_IOERR: "the disk failed or is away; look at the system's log",
    sqlite3.SQLITE_FULL: "the disk is full; make room, nothing needs to be restarted",
    sqlite3.SQLITE_NOMEM: "memory is exhausted",
    sqlite3.SQLITE_INTERRUPT: "the statement was interrupted",
    sqlite3.SQLITE_PROTOCOL: "the lock of the file could not be taken; too many processes open it at once",
    sqlite3.SQLITE_SCHEMA: "its schema is just being changed by another process",
}
_LASTING = {
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; its directory must exist, and it and its directory must be writable",
    sqlite3.SQLITE_READONLY: "it cannot be written; make the file and its directory writable for this user",
    sqlite3.SQLITE_PERM: "it cannot be opened; make the file and its directory writable for this user",
    sqlite3.SQLITE_CORRUPT: "it is damaged; stop all processes, restore a backup or use SQLite's `.recover`",
}
_PRIMARY_CODE = 0xFF


def translated(path: Path, error: sqlite3.Error) -> EngineError:
    """The error as the seam knows it: what happened to which file, and what to do."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY_CODE
    if code in _BUSY:
        return EngineUnavailable(
            f"store {path}: another process has held the lock for too long ({error}); try again"
        )
    if code in _PASSING:
        return EngineUnavailable(f"store {path}: {_PASSING[code]} ({error})")
    if code == sqlite3.SQLITE_NOTADB:
        return StoreMismatch(f"store {path} is no SQLite database; name another file in `url`")
    return EngineError(f"store {path}: {_LASTING.get(code, 'SQLite refused')} ({error})")
