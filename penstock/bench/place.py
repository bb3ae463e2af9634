"""Where is measured: a new store for each measure, or one that was given."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from penstock.bench.bare import Twin, sqlite, twin_of
from penstock.settings import StoreSettings


class Place(Protocol):
    """Gives each measure a store."""

    @property
    def shown(self) -> str:
        """The place and what becomes of it, for people."""
        ...

    @property
    def shared(self) -> bool:
        """Whether there is but one store, so that it has to take the jobs of all measures."""
        ...

    def store(self) -> AbstractAsyncContextManager[StoreSettings]:
        """A store to be measured, until the end of the `async with`; if not shared, another one each time."""
        ...


@dataclass(frozen=True, slots=True)
class Own:
    """New stores on the server or the disk of one that was named, which is left alone; removed after each measure."""

    beside: StoreSettings
    shown: str
    twin: Twin
    shared = False

    def store(self) -> AbstractAsyncContextManager[StoreSettings]:
        """A store that did not exist before."""
        return self.twin.own_store(self.beside)


@dataclass(frozen=True, slots=True)
class Given:
    """One store for all measures, each in a domain of its own; the jobs stay there."""

    settings: StoreSettings
    shown: str
    shared = True

    @asynccontextmanager
    async def store(self) -> AsyncIterator[StoreSettings]:
        """The store that was given."""
        yield self.settings


def temporary(directory: Path) -> Own:
    """New SQLite files in this directory."""
    return Own(
        StoreSettings(url=f"sqlite:///{quote(str(directory))}/bench.db"),
        f"a new SQLite file in {directory} for each measure, removed after it",
        sqlite,
    )


def place_of(settings: StoreSettings, shown: str) -> Place:
    """New stores beside this one, or itself where nobody knows how to make another."""
    twin = twin_of(settings)
    if twin is None:
        return Given(settings, shown)
    return Own(settings, f"a new one beside {shown} for each measure, removed after it", twin)
