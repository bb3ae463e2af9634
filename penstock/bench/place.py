"""Where is measured: a temporary file for each measure, or one store that was given."""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from penstock.settings import StoreSettings


class Place(Protocol):
    """Gives each measure a store."""

    @property
    def shown(self) -> str:
        """The place and what becomes of it, for people."""
        ...

    @property
    def shared(self) -> bool:
        """Whether all measures work on one store, so that it has to take the jobs of all."""
        ...

    def store(self) -> AbstractContextManager[StoreSettings]:
        """A store to be measured, until the end of the `with`."""
        ...


@dataclass(frozen=True, slots=True)
class Temporary:
    """A new SQLite file for each measure, removed after it."""

    directory: Path
    shared = False

    @property
    def shown(self) -> str:
        """The directory of the files."""
        return f"a new SQLite file in {self.directory} for each measure, removed after it"

    @contextmanager
    def store(self) -> Iterator[StoreSettings]:
        """A file that does not exist yet, in a directory of its own."""
        with tempfile.TemporaryDirectory(prefix="penstock-bench-", dir=self.directory) as place:
            yield StoreSettings(url=f"sqlite:///{place}/bench.db")


@dataclass(frozen=True, slots=True)
class Given:
    """One store for all measures, each in a domain of its own; the jobs stay there."""

    settings: StoreSettings
    shown: str
    shared = True

    @contextmanager
    def store(self) -> Iterator[StoreSettings]:
        """The store that was given."""
        yield self.settings
