"""What the figures depend on beside the store: the machine and the versions."""

import asyncio
import os
import platform
from dataclasses import dataclass

from penstock.app import VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where it was measured."""

    penstock: str
    python: str
    loop: str
    system: str
    cores: int
    store: str | None  # name and version of what stores the jobs, where it is known


def machine(store: str | None) -> Machine:
    """This machine, seen from inside the event loop."""
    return Machine(
        penstock=VERSION,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        loop=type(asyncio.get_running_loop()).__module__.partition(".")[0],
        system=f"{platform.system()} {platform.machine()}",
        cores=_cores(),
        store=store,
    )


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
