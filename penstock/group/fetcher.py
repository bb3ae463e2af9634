"""Fetches jobs for free slots: asks the stores who is ready, decides whose turn it is, claims."""

import logging
import time
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from penstock.engine import Want
from penstock.errors import EngineError
from penstock.group.group import QueueGroup
from penstock.group.store import Store
from penstock.group.turns import Head, Place, Share, Turns
from penstock.job import CALLBACK_TYPE, Claim

log = logging.getLogger(__name__)

HEADS = 1000  # queues looked at in one turn, of each store
ROUNDS = 50  # turns in one fetch that find nothing; what is left then is found by the next

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Taken:
    """A claim, the store that holds its job, and when it was asked for, on this process's monotonic clock."""

    store: Store
    claim: Claim
    asked_at: float


class Fetcher:
    """Claims for one worker, over all stores."""

    def __init__(
        self,
        group: QueueGroup,
        worker: str,
        *,
        types: Collection[str] | None = None,
        domains: Collection[str] | None = None,
        ttl: timedelta | None = None,
        turns: Turns | None = None,
    ) -> None:
        """Of these types, or of those that have a handler here; each claim for the ttl, or for that of its type.

        Those who share the turns are served as one.
        """
        self._group = group
        self._worker = worker
        self._types = types
        self._domains = domains
        self._ttl = ttl
        self._turns = turns or Turns()
        self._troubles: dict[str, Exception] = {}
        self._gave_up = False

    @property
    def troubles(self) -> Mapping[str, Exception]:
        """The stores that the last fetch could not reach, and why."""
        return self._troubles

    @property
    def hindrance(self) -> Exception | None:
        """Why nobody knows whether there is more to claim; a partition that is away hides its own jobs only."""
        for name, trouble in self._troubles.items():
            store = self._group.places[name]
            has_own = set(self._types_in(store)) - {CALLBACK_TYPE}
            if has_own or not self._group.is_partition(store):
                return trouble
        return None

    @property
    def gave_up(self) -> bool:
        """Whether the last fetch found so much that is superseded that it has not seen the rest."""
        return self._gave_up

    async def fetch(self, slots: int) -> Sequence[Taken]:
        """Up to `slots` claims of those whose turn it is now; none where nothing is ready.

        What is claimed is given out at once, as nobody renews it before: fetch again for more. A
        store that is away keeps none of the others waiting.
        """
        self._troubles, self._gave_up = {}, False
        dry: set[Place] = set()  # said to be ready, gave nothing
        for _ in range(ROUNDS):
            heads = [head for head in await self._heads() if head.place not in dry]
            shares = self._turns.share(heads, slots)
            taken = await self._claim(shares, dry)
            if taken or not shares:
                return taken
        self._gave_up = True
        return ()

    async def _heads(self) -> Sequence[Head]:
        heads: list[Head] = []
        for name, store in self._group.places.items():
            types = self._types_in(store)
            if types and name not in self._troubles:
                asked = store.engine.ready(types, self._domains, limit=HEADS)
                ready = await self._answer(name, asked) or ()
                heads += [Head(name, queue.queue, queue.priority) for queue in ready]
        return heads

    async def _claim(self, shares: Sequence[Share], dry: set[Place]) -> Sequence[Taken]:
        taken: list[Taken] = []
        for name in dict.fromkeys(share.store for share in shares):
            mine = [share for share in shares if share.store == name]
            taken += await self._claim_from(self._group.places[name], mine, dry)
        return taken

    async def _claim_from(
        self, store: Store, shares: Sequence[Share], dry: set[Place]
    ) -> Sequence[Taken]:
        asked_at = time.monotonic()
        wants = [self._want(share) for share in shares]
        answer = await self._answer(store.name, store.claim(wants, self._worker))
        if answer is None:
            return ()
        given = dict.fromkeys((store.name, claim.job.queue) for claim in answer.claims)
        for place in given:
            self._turns.served(place)
        if not answer.superseded:
            dry |= {share.place for share in shares} - given.keys()
        # Whatever place it was claimed from: its store renews and ends it.
        holder = self._group.store_of
        return [Taken(holder(claim.job.id), claim, asked_at) for claim in answer.claims]

    async def _answer(self, name: str, call: Awaitable[T]) -> T | None:
        """What the store answers; None, and its trouble kept, if it cannot."""
        try:
            return await call
        except EngineError as error:
            self._troubles[name] = error
        except Exception as error:
            log.exception("cannot fetch from store %s", name)
            self._troubles[name] = error
        return None

    def _want(self, share: Share) -> Want:
        policy = self._group.policies.of(share.queue.type)
        return Want(
            queue=share.queue,
            limit=share.limit,
            ttl=self._ttl or policy.ttl,
            order=policy.order,
            floor=share.floor,
            keep=policy.keep_done,
        )

    def _types_in(self, store: Store) -> Collection[str]:
        if self._types is None:
            return self._group.types_of(store)
        return self._group.types_in(store, self._types)
