"""The bare store as the limit: the same work with the same values, on one connection, without us.

An engine's twin is the module here with the name of the engine's own; one more gives an engine its twin.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from penstock.app.building import engine_kinds, kind_of
from penstock.engine import Want
from penstock.job import NewJob
from penstock.settings import StoreSettings


class Bare(Protocol):
    """A store through its driver alone. A call is one commit and answers how long that took, without preparations."""

    @property
    def version(self) -> str:
        """Name and version of what stores the jobs."""
        ...

    def room(self) -> int | None:
        """How many bytes the store can still take; None where that cannot be told."""
        ...

    async def push(self, jobs: Sequence[NewJob]) -> timedelta:
        """The jobs are ready: they have neither delay, key nor root."""
        ...

    async def claim(self, wants: Sequence[Want]) -> timedelta:
        """What was wanted is held, as far as it was ready; nothing was held before."""
        ...

    async def ack(self) -> timedelta:
        """What was held is done, each with a result."""
        ...

    def open_transaction(self) -> AbstractAsyncContextManager[None] | None:
        """Until the end of the context somebody else sees the store as it was at its beginning.

        None where the store knows no such thing.
        """
        ...

    async def close(self) -> None:
        """Nothing is held any more, also where a call was cancelled in between."""
        ...


class Twin(Protocol):
    """What the module of an engine's twin has."""

    async def open_bare(self, settings: StoreSettings) -> Bare:
        """The store, which is at the present schema."""
        ...

    def own_store(self, settings: StoreSettings) -> AbstractAsyncContextManager[StoreSettings]:
        """A new store on the server or the disk of this one, which is left alone; removed at the end."""
        ...


def twin_of(settings: StoreSettings) -> Twin | None:
    """The twin of the store's engine; None where there is none."""
    entry = engine_kinds().get(kind_of(settings))
    if entry is None or not entry.module.startswith("penstock.engines."):
        return None
    name = entry.module.rpartition(".")[2]
    if name not in {found.name for found in pkgutil.iter_modules(__path__)}:
        return None
    try:
        twin: Twin = importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError:  # the driver is missing, as whoever opens the engine is told
        return None
    return twin
