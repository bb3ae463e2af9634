"""The bare store as the limit: the same statements with the same values, on one connection, without us.

An engine's twin is the module here with the name of its URL's scheme; one more file gives an engine its own.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from penstock.engine import Want
from penstock.job import NewJob


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
        """What was held is done."""
        ...

    async def close(self) -> None:
        """Nothing is held any more, also where a call was cancelled in between."""
        ...


async def open_bare(url: str) -> Bare | None:
    """The twin on this store, which is at the present schema; None where its engine has none."""
    scheme = url.partition(":")[0]
    if scheme not in {found.name for found in pkgutil.iter_modules(__path__)}:
        return None
    bare: Bare = await importlib.import_module(f"{__name__}.{scheme}").open_bare(url)
    return bare
