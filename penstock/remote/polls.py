"""Those who wait for jobs: one look at the stores for all of them, however many wait."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias

from penstock.errors import EngineError
from penstock.group import QueueGroup, Store, Taken
from penstock.job import QueueKey
from penstock.remote.wish import Wish

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=1)  # where no store tells anything
PATIENCE = 1.0  # seconds between two looks, or two visits, where there is nothing to wait for
HEADS = 1000  # queues seen in one look, of each store
AT_ONCE = 8  # who are served together

Fetch: TypeAlias = Callable[[Wish], Awaitable[Sequence[Taken]]]
GiveBack: TypeAlias = Callable[[Sequence[Taken]], Awaitable[None]]
Ready: TypeAlias = Mapping[str, Collection[str]]  # the domains of each type


class Poll:
    """One who waits: with a claim, or with the trouble that keeps it from one, as its answer."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.answer: asyncio.Future[Sequence[Taken]] = asyncio.get_running_loop().create_future()

    def wants(self, ready: Ready) -> bool:
        """Whether any of these queues is wanted."""
        domains = self.wish.domains
        found = (ready[type] for type in self.wish.types if type in ready)
        return any(domains is None or not domains.isdisjoint(there) for there in found)


class Polls:
    """All who wait, the longest waiting served first."""

    def __init__(self, group: QueueGroup, fetch: Fetch, give_back: GiveBack) -> None:
        self._group = group
        self._fetch = fetch
        self._give_back = give_back
        self._waiter = group.waiter()
        self._polls: dict[Poll, None] = {}
        self._looking: asyncio.Task[None] | None = None
        self._over = False

    def stop(self) -> None:
        """Nobody waits any more; who comes later, only for a moment."""
        self._over = True
        for poll in tuple(self._polls):
            self._answer(poll, ())

    async def wait(
        self, wish: Wish, timeout: timedelta, gone: asyncio.Future[None]
    ) -> Sequence[Taken]:
        """What is claimed as soon as there is any; nothing when the time is up, or nobody is there to take it.

        Raises what keeps a store of the wanted types from answering.
        """
        if self._over:
            # Whoever comes now would come again and again, without a pause, until the process has ended.
            await asyncio.wait({gone}, timeout=min(timeout.total_seconds(), PATIENCE))
            return ()
        poll = Poll(wish)
        self._enter(poll)
        try:
            gone.add_done_callback(lambda _: self._answer(poll, ()))
            await asyncio.wait({poll.answer}, timeout=timeout.total_seconds())
            return poll.answer.result() if poll.answer.done() else ()
        finally:
            self._leave(poll)

    def _enter(self, poll: Poll) -> None:
        """A look follows: something may have come since the poll looked for itself."""
        self._polls[poll] = None
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        else:
            self._waiter.nudge()

    def _leave(self, poll: Poll) -> None:
        self._polls.pop(poll, None)
        if not self._polls:
            self._waiter.nudge()  # nobody is to be looked for any more

    async def _look(self) -> None:
        """Look and serve while anybody waits. Never cancelled by those who leave: what is claimed must not be lost."""
        try:
            while self._polls:
                await self._serve()
                if self._polls:
                    await self._pause()
        finally:
            self._looking = None

    async def _pause(self) -> None:
        try:
            await self._waiter.wait(LOOK_EVERY)
        except Exception as error:
            # The next look asks each store by itself, and tells those whom its trouble concerns.
            if not isinstance(error, EngineError):
                log.exception("cannot wait for ready jobs")
            await asyncio.sleep(PATIENCE)

    async def _serve(self) -> None:
        """Everybody has had a chance who wants what is ready, as far as it lasts; then the troubled are told."""
        ready, troubles = await self._ready()
        left = [poll for poll in self._polls if poll.wants(ready)]
        while left:
            turn, left = left[:AT_ONCE], left[AT_ONCE:]
            served = await asyncio.gather(*(self._serve_one(poll) for poll in turn))
            for poll, was_served in zip(turn, served, strict=True):
                if not was_served:
                    ready = _without(ready, poll.wish)
            left = [poll for poll in left if poll in self._polls and poll.wants(ready)]
        for store, trouble in troubles.items():
            for poll in tuple(self._polls):
                if self._group.types_in(store, poll.wish.types):
                    self._fail(poll, trouble)

    async def _serve_one(self, poll: Poll) -> bool:
        """Whether there was anything to claim."""
        try:
            taken = await self._fetch(poll.wish)
        except Exception as error:
            if not isinstance(error, EngineError):
                log.exception("cannot claim for a remote worker")
            self._fail(poll, error)
            return False
        if taken and not self._answer(poll, taken):
            await self._give_back(taken)
        return bool(taken)

    def _answer(self, poll: Poll, taken: Sequence[Taken]) -> bool:
        """Whether it still waited."""
        if poll not in self._polls:
            return False
        del self._polls[poll]
        poll.answer.set_result(taken)
        return True

    def _fail(self, poll: Poll, error: Exception) -> None:
        if poll in self._polls:
            del self._polls[poll]
            poll.answer.set_exception(error)

    async def _ready(self) -> tuple[Ready, Mapping[Store, Exception]]:
        """The domains that have jobs of each wanted type, and the stores that do not answer."""
        ready: dict[str, set[str]] = {}
        troubles: dict[Store, Exception] = {}
        for store in self._group.places.values():
            try:
                found = await self._ready_in(store)
            except Exception as error:
                if not isinstance(error, EngineError):
                    log.exception("cannot look into store %s for remote workers", store.name)
                troubles[store] = error
                continue
            for queue in found:
                ready.setdefault(queue.type, set()).add(queue.domain)
        return ready, troubles

    async def _ready_in(self, store: Store) -> Sequence[QueueKey]:
        """What is ready in the store of all that is wanted there."""
        everywhere, somewhere, domains = set[str](), set[str](), set[str]()
        for poll in self._polls:
            if poll.wish.domains is None:
                everywhere |= poll.wish.types
            else:
                somewhere |= poll.wish.types
                domains |= poll.wish.domains
        found = list(await self._asked(store, everywhere, None)) if everywhere else []
        return [*found, *await self._asked(store, somewhere, domains)] if somewhere else found

    async def _asked(
        self, store: Store, types: Collection[str], domains: Collection[str] | None
    ) -> Sequence[QueueKey]:
        here = self._group.types_in(store, types)
        if not here:
            return ()
        ready = await store.engine.ready(here, domains, limit=HEADS)
        if len(ready) < HEADS:
            return [one.queue for one in ready]
        # What nobody wants may hide what somebody does; so each may look for himself.
        return [QueueKey(domain, type) for type in here for domain in domains or ("",)]


def _without(ready: Ready, wish: Wish) -> Ready:
    """What is left if what was wanted is gone."""
    if wish.domains is None:
        return {type: there for type, there in ready.items() if type not in wish.types}
    return {
        type: set(there) - wish.domains if type in wish.types else there
        for type, there in ready.items()
    }
