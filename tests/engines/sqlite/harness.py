"""What tests need around the SQLite engine: a file of its own for each, and hands that reach into it."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from penstock.clock import Clock
from penstock.engines.sqlite import SqliteEngine
from penstock.engines.sqlite.connection import Connection
from penstock.engines.sqlite.statements import split
from penstock.job import JobId
from tests.engines.failures.acts import prepare

HERE = Path(__file__).parent
MICROSECOND = timedelta(microseconds=1)


def nothing(point: str) -> None:
    """Do not die at this point."""


class SqliteHarness:
    """An engine on an empty file, and what the conformance suite wants around it."""

    def __init__(self, directory: Path, *, number: int = 0) -> None:
        self._number = number
        self.path = directory / "penstock.db"
        self.engine = self.make()
        self._others: list[SqliteEngine] = []

    def make(
        self,
        *,
        number: int | None = None,
        clock: Clock | None = None,
        crash_points: Callable[[str], None] = nothing,
        look_every: timedelta | None = None,
    ) -> SqliteEngine:
        """One more engine on the file, not open yet; closed at the end."""
        return SqliteEngine(
            url_of(self.path),
            number=self._number if number is None else number,
            clock=clock,
            crash_points=crash_points,
            look_every=look_every,
        )

    async def age(self, duration: timedelta) -> None:
        """Every stored time is moved back."""
        self.alter("age.sql", duration=duration // MICROSECOND)

    async def crash(self) -> None:
        """The engine is left alone with its file open; what a real kill leaves is tried in test_kill.py."""
        self._others.append(self.engine)
        self.engine = self.make()
        await self.engine.open()

    async def reopen(self) -> None:
        """Closed, and another one opened."""
        await self.engine.close()
        self.engine = self.make()
        await self.engine.open()

    async def second(self) -> SqliteEngine:
        """Another engine with connections and threads of its own."""
        return await self.opened(self.make())

    async def opened(self, engine: SqliteEngine) -> SqliteEngine:
        """The engine is open, and closed at the end."""
        self._others.append(engine)
        await engine.open()
        return engine

    async def spoil(self, id: JobId) -> None:
        """Params and details are cut off."""
        self.alter("spoil.sql", id=id)

    async def close(self) -> None:
        """No engine holds the file."""
        for engine in (self.engine, *self._others):
            await engine.close()

    def alter(self, script: str, **values: int) -> None:
        """Run a script of this folder on a connection of its own, as one transaction."""
        connection = sqlite3.connect(self.path)
        try:
            with connection:
                for statement in split((HERE / script).read_text()):
                    connection.execute(statement, values)
        finally:
            connection.close()

    def ask(self, question: str) -> list[tuple[object, ...]]:
        """What the file says to a question, on a connection of its own."""
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()


async def prepared_file(directory: Path) -> Path:
    """The file of a closed store with something for every verb to do."""
    harness = SqliteHarness(directory)
    await harness.engine.open()
    await prepare(harness.engine, harness.age)
    await harness.close()
    return harness.path


def url_of(path: Path) -> str:
    """The URL of a store in this file."""
    return f"sqlite:///{path}"


def is_empty(directory: Path) -> bool:
    """Whether nothing was made in it."""
    return not list(directory.iterdir())


def writing(engine: SqliteEngine) -> Connection:
    """The connection on which the open engine writes."""
    assert engine._store is not None
    return engine._store.writer._connection
