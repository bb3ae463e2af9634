"""Hands to be a remote worker with."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from penstock.engine import Held
from penstock.policy import Failed, Happened, Returned
from penstock.remote import Given, Remote, Wish
from tests.installation import SOON, Installation, installation

NOW = timedelta(0)
LONG = timedelta(seconds=60)
TTL = timedelta(seconds=30)
DONE: Happened = Returned(result='"done"')
FAILED: Happened = Failed(error="broken")


def wish(*types: str, limit: int = 10, ttl: timedelta = TTL, worker: str = "far") -> Wish:
    """Jobs of these types, mail if none is named."""
    return Wish(types=frozenset(types or ("mail",)), limit=limit, ttl=ttl, worker=worker)


def staying() -> "asyncio.Future[None]":
    """A client that does not go."""
    return asyncio.get_running_loop().create_future()


async def place() -> Installation:
    """An installation without any handler, that takes jobs of all types."""
    return await installation({}, accepts=lambda type: True)


async def claimed(remote: Remote, wanted: Wish | None = None) -> Sequence[Given]:
    """What is claimed at once."""
    return await remote.claim(wanted or wish(), NOW, staying())


async def ended(remote: Remote, happened: Happened, *given: Given) -> Sequence[bool]:
    """Whether the claims were held that end so."""
    return await remote.finish([(one.claim, happened) for one in given])


async def held(remote: Remote, *given: Given) -> Sequence[Held]:
    """Whether the claims are held, which they are for another while."""
    return await remote.renew([one.claim for one in given], TTL)


class Waiting:
    """A worker that waits for jobs, until it goes."""

    def __init__(self, remote: Remote, wanted: Wish | None = None, wait: timedelta = LONG) -> None:
        self.gone = staying()
        self._task = asyncio.ensure_future(remote.claim(wanted or wish(), wait, self.gone))

    async def begun(self) -> "Waiting":
        """The same, once it has looked in vain."""
        for _ in range(20):
            await asyncio.sleep(0)
        assert not self._task.done()
        return self

    def go(self) -> None:
        """Nobody is there any more."""
        self.gone.set_result(None)

    @property
    def is_over(self) -> bool:
        """Whether it was answered."""
        return self._task.done()

    async def answer(self) -> Sequence[Given]:
        """What it was given."""
        async with asyncio.timeout(SOON):
            return await self._task
