"""Waiting for work that may be cancelled while it runs."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from penstock.errors import Cancel

T = TypeVar("T")


async def until_cancelled(work: Awaitable[T], cancelled: asyncio.Event) -> T:
    """What the work returns; Cancel, the work having been cancelled, if the event comes first."""
    scope = asyncio.timeout(None)
    try:
        async with scope:
            watch = asyncio.ensure_future(_end(scope, cancelled))
            try:
                return await work
            finally:
                watch.cancel()
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise Cancel("cancelled while it ran") from error


async def _end(scope: asyncio.Timeout, cancelled: asyncio.Event) -> None:
    await cancelled.wait()
    scope.reschedule(asyncio.get_running_loop().time())
