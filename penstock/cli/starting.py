"""The start of a process that stays: stores may come up after it, as containers do in any order."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import click

from penstock.app import Penstock
from penstock.errors import EngineUnavailable

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds between two tries
SILENCE = 5.0  # seconds between two words about it

wait_for_stores = click.option(
    "--wait-for-stores",
    "patience",
    type=click.FloatRange(0, 86_400),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait at the start for a store that cannot be reached yet; 0: not at all.",
)


@asynccontextmanager
async def opened(penstock: Penstock, patience: timedelta) -> AsyncIterator[None]:
    """It is open inside. A store that cannot be reached is waited for that long; what waiting cannot mend is raised."""
    await _open(penstock, patience)
    try:
        yield
    finally:
        await penstock.close()


async def _open(penstock: Penstock, patience: timedelta) -> None:
    now = asyncio.get_running_loop().time
    end, told_at = now() + patience.total_seconds(), now() - SILENCE
    while True:
        try:
            return await penstock.open()
        except EngineUnavailable as error:
            left = end - now()
            if left <= 0:
                raise
            if now() - told_at >= SILENCE:
                log.warning("%s; waiting for it, %.0f s more", error, left)
                told_at = now()
        await asyncio.sleep(min(PAUSE, left))
