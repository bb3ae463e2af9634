"""A report says on what it was measured."""

import asyncio
import os
import platform

from penstock.app import VERSION
from penstock.bench.machine import machine


async def test_the_machine_and_the_versions() -> None:
    found = machine("SQLite 3.99")

    assert found.penstock == VERSION
    assert platform.python_version() in found.python
    assert type(asyncio.get_running_loop()).__module__.startswith(found.loop)
    assert 1 <= found.cores <= (os.cpu_count() or 1)
    assert found.store == "SQLite 3.99"
