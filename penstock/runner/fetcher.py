"""Fetches jobs for free slots: asks the stores who is ready, decides whose turn it is, claims."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from penstock.engine import Want
from penstock.group import QueueGroup, Store
from penstock.job import Claim, QueueKey
from penstock.runner.turns import Head, Share, Turns

HEADS = 1000  # queues looked at in one turn, of each store
ROUNDS = 50  # turns in one fetch; what is left then is fetched by the next


@dataclass(frozen=True, slots=True)
class Taken:
    """A claim and the store that gave it."""

    store: Store
    claim: Claim


class Fetcher:
    """Claims for one worker, over all stores."""

    def __init__(
        self,
        group: QueueGroup,
        worker: str,
        *,
        types: Collection[str] | None = None,
        domains: Collection[str] | None = None,
    ) -> None:
        self._group = group
        self._worker = worker
        self._types = types
        self._domains = domains
        self._turns = Turns()

    async def fetch(self, slots: int) -> Sequence[Taken]:
        """Up to `slots` claims; fewer only where no more was ready."""
        taken: list[Taken] = []
        dry: set[QueueKey] = set()  # said to be ready, gave nothing
        for _ in range(ROUNDS):
            free = slots - len(taken)
            shares = self._turns.share([h for h in await self._heads() if h.queue not in dry], free)
            if not shares:
                break
            taken += await self._claim(shares, dry)
        return taken

    async def _heads(self) -> Sequence[Head]:
        heads: list[Head] = []
        for name, store in self._group.stores.items():
            types = self._types_in(store)
            if types:
                ready = await store.engine.ready(types, self._domains, limit=HEADS)
                heads += [Head(name, queue.queue, queue.priority) for queue in ready]
        return heads

    async def _claim(self, shares: Sequence[Share], dry: set[QueueKey]) -> Sequence[Taken]:
        taken: list[Taken] = []
        for name in {share.store for share in shares}:
            store = self._group.stores[name]
            mine = [share for share in shares if share.store == name]
            answer = await store.claim([self._want(share) for share in mine], self._worker)
            taken += [Taken(store, claim) for claim in answer.claims]
            given = {claim.job.queue for claim in answer.claims}
            for queue in given:
                self._turns.served(queue)
            if not answer.superseded:
                dry |= {share.queue for share in mine} - given
        return taken

    def _want(self, share: Share) -> Want:
        policy = self._group.policies.of(share.queue.type)
        return Want(
            queue=share.queue,
            limit=share.limit,
            ttl=policy.ttl,
            order=policy.order,
            floor=share.floor,
            keep=policy.keep_done,
        )

    def _types_in(self, store: Store) -> Collection[str]:
        types = self._group.types_of(store)
        return types if self._types is None else types & set(self._types)
