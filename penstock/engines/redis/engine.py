# long: one method for each of the seam's, most of them a script and its answer
"""The engine: every verb packs its arguments, runs its one script, and unpacks the answer."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from penstock.engine import (
    WHOLE_BATCH,
    Ack,
    Bury,
    Cancel,
    CancelAnswer,
    Claimed,
    Feature,
    Held,
    JobFilter,
    Promoted,
    Pushed,
    ReadyQueue,
    Reclaimed,
    Registration,
    Release,
    Renew,
    Retry,
    StoreIdentity,
    Want,
)
from penstock.engines.redis.address import address_of
from penstock.engines.redis.arguments import (
    microseconds,
    pack_back,
    pack_cancel,
    pack_end,
    pack_new,
    pack_presence,
    pack_registration,
    pack_renewal,
    pack_want,
)
from penstock.engines.redis.examination import examine, pending
from penstock.engines.redis.keys import id_text, name_part, queue_name, queue_of
from penstock.engines.redis.pages import all_queues, pages, queues_that_match, walked
from penstock.engines.redis.replies import (
    ClaimReply,
    CountsReply,
    JobReply,
    PushReply,
    ReadyReply,
    claims_of,
    counts_of,
    duration,
    job_of,
    presence_of,
    pushed_of,
)
from penstock.engines.redis.scripts import Argument, Reply
from penstock.engines.redis.store import Store, identify, open_store
from penstock.engines.redis.trouble import StoreEmptied
from penstock.errors import EngineError, EngineUnavailable
from penstock.examination import Examination
from penstock.job import (
    SEQUENCE_SPAN,
    Claim,
    Counts,
    Job,
    JobId,
    NewJob,
    Order,
    Presence,
    QueueKey,
    first_id,
)

log = logging.getLogger(__name__)


class RedisEngine:
    """Many processes on many hosts, one Redis or Valkey."""

    def __init__(self, url: str, *, number: int = 0) -> None:
        address_of(url)  # else a wrong one would be told only at open
        self._url = url
        self._number = number
        self._opened: Store | None = None
        self._changing = asyncio.Lock()

    @property
    def features(self) -> frozenset[Feature]:
        """What the server promised when it was opened."""
        return self._store.features

    @property
    def identity(self) -> StoreIdentity:
        """Who the store is."""
        return self._store.identity

    async def open(self) -> None:
        """Connect, and make the store where there is none."""
        async with self._changing:
            if self._opened is None:
                self._opened = await open_store(self._url, self._number)

    async def close(self) -> None:
        """Take no more calls, wait for those under way, and let the connections go."""
        async with self._changing:
            opened, self._opened = self._opened, None
            if opened is not None:
                await opened.close()

    async def pending(self) -> Sequence[str]:
        """The keys of a new store, where there is none yet."""
        return await pending(self._url, self._number)

    async def migrate(self) -> Sequence[str]:
        """The store is there; what was made."""
        made = await self.pending()
        if made:
            await (await open_store(self._url, self._number)).close()
        return made

    async def examine(self, patience: timedelta) -> Examination:
        """What the server, as it is set, says of itself."""
        try:
            async with asyncio.timeout(patience.total_seconds()):
                return await examine(self._url)
        except TimeoutError as error:
            raise EngineUnavailable(f"redis has not answered for {patience}") from error

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """Store the jobs, or raise the twins of those that are waiting already."""
        replies = await self._run_here("push", list[PushReply], *map(pack_new, jobs))
        return [pushed_of(reply) for reply in replies]

    async def register(self, registrations: Sequence[Registration]) -> None:
        """Remember the roots that are newer."""
        await self._run("register", type(None), *map(pack_registration, registrations))

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        """Claim what is ready, and end what is superseded on the way."""
        superseded, claims = await self._run_here(
            "claim", tuple[int, list[ClaimReply]], worker, WHOLE_BATCH, *map(pack_want, wants)
        )
        return Claimed(claims_of(claims), superseded)

    async def claim_ids(
        self, ids: Sequence[JobId], *, ttl: timedelta, worker: str
    ) -> Sequence[Claim]:
        """Claim the named jobs as far as they are waiting."""
        held = worker, microseconds(ttl)
        return claims_of(
            await self._run_here("claim_ids", list[ClaimReply], *held, *map(id_text, ids))
        )

    async def renew(self, renewals: Sequence[Renew]) -> Sequence[Held]:
        """Prolong the claims that are held."""
        answers = await self._run("renew", list[bytes], *map(pack_renewal, renewals))
        return [Held(answer.decode()) for answer in answers]

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        """End the jobs done, if they are held."""
        return await self._answers("ack", *map(pack_end, ends))

    async def bury(self, ends: Sequence[Bury]) -> Sequence[bool]:
        """End the jobs dead, if they are held."""
        return await self._answers("bury", *map(pack_end, ends))

    async def cancel(self, cancels: Sequence[Cancel]) -> Sequence[CancelAnswer]:
        """End the jobs cancelled, or ask whoever holds them."""
        answers = await self._run("cancel", list[bytes], *map(pack_cancel, cancels))
        return [CancelAnswer(answer.decode()) for answer in answers]

    async def retry(self, retries: Sequence[Retry]) -> Sequence[Held]:
        """Line the jobs up again, if they are held and nobody asked to cancel them."""
        answers = await self._run("retry", list[bytes], *map(pack_back, retries))
        return [Held(answer.decode()) for answer in answers]

    async def release(self, releases: Sequence[Release]) -> Sequence[Held]:
        """Line the jobs up again as if they had not been claimed, but for the fence."""
        answers = await self._run("release", list[bytes], *map(pack_back, releases))
        return [Held(answer.decode()) for answer in answers]

    async def reclaim(self, limit: int, *, ttl: timedelta, worker: str) -> Reclaimed:
        """Ready the jobs of expired claims, and hand over those that must not run again."""
        readied, last = await self._run_here(
            "reclaim", tuple[int, list[ClaimReply]], worker, microseconds(ttl), limit
        )
        return Reclaimed(readied, claims_of(last))

    async def promote(self, limit: int) -> Promoted:
        """Ready the scheduled jobs that are due."""
        count, next_in = await self._run("promote", tuple[int, int | None], limit)
        return Promoted(count, duration(next_in))

    async def purge(self, limit: int) -> int:
        """Delete what was kept long enough; old roots and keys are forgotten by the server itself."""
        return await self._run("purge", int, limit)

    async def ready(
        self, types: Collection[str], domains: Collection[str] | None = None, *, limit: int
    ) -> Sequence[ReadyQueue]:
        """The queues worth a claim, in random order among equals. Looks at the head of each in question."""
        if domains is not None and not domains:
            return []
        named = *map(name_part, types), *map(name_part, domains or ())
        found = await self._run("ready", list[ReadyReply], limit, len(types), *named)
        return [ReadyQueue(queue=queue_of(name), priority=priority) for name, priority in found]

    async def wait(self, timeout: timedelta) -> bool:
        """True soon after a job may have become ready."""
        return await self._store.wake.wait(timeout)

    async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
        """The jobs as they stand."""
        replies = await self._run("get", list[JobReply], *map(id_text, ids))
        return [job_of(reply) if reply else None for reply in replies]

    async def list(
        self, which: JobFilter, *, limit: int, after: JobId | None = None
    ) -> Sequence[Job]:
        """The jobs that match, highest id first. Looks at every queue that matches, some of them at a time."""
        found: list[JobReply] = []
        for queues in pages(await queues_that_match(self._store.scripts, which)):
            asked = limit, self._place(after), which.state or ""
            found += await self._run("list", list[JobReply], *asked, *queues)
        jobs = sorted(map(job_of, found), key=lambda job: -job.id)
        return jobs[:limit]

    async def counts(self, queues: Collection[QueueKey] | None = None) -> Mapping[QueueKey, Counts]:
        """The counts of the queues; each queue's are of one moment."""
        if queues is None:
            names = await all_queues(self._store.scripts)
        else:
            names = [*map(queue_name, queues)]
        counts: dict[QueueKey, Counts] = {}
        for page in pages(names):
            replies = await self._run("counts", list[CountsReply], *page)
            counts |= {queue_of(name): counts_of(numbers) for name, numbers in replies}
        return counts

    async def oldest(self, queues: Collection[QueueKey]) -> Mapping[QueueKey, timedelta]:
        """How long the first ready job of each queue has been ready."""
        asked = [*queues]
        waits = await self._run("oldest", list[int | None], *map(queue_name, asked))
        found = zip(asked, map(duration, waits), strict=True)
        return {queue: wait for queue, wait in found if wait is not None}

    async def ahead(self, ids: Sequence[JobId], order: Order, *, most: int) -> Sequence[int | None]:
        """Count the ready jobs before each; in fifo order at the cost of one look for each priority."""
        return await self._run("ahead", list[int | None], order, most, *map(id_text, ids))

    async def requeue(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Ready the dead jobs."""
        return await self._answers("requeue", *map(id_text, ids))

    async def delete(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Remove the jobs that nobody holds."""
        return await self._answers("delete", *map(id_text, ids))

    async def pause(self, queues: Collection[QueueKey]) -> None:
        """Close the queues for claims."""
        await self._run("pause", type(None), *map(queue_name, queues))

    async def resume(self, queues: Collection[QueueKey]) -> None:
        """Open the queues for claims."""
        await self._run("resume", type(None), *map(queue_name, queues))

    async def paused(self) -> frozenset[QueueKey]:
        """The queues closed for claims."""
        return frozenset(map(queue_of, await self._run("paused", list[bytes])))

    async def announce(self, presence: Presence, ttl: timedelta) -> None:
        """Show the runner for a while."""
        shown = presence.worker, microseconds(ttl), pack_presence(presence)
        await self._run("announce", type(None), *shown)

    async def forget(self, worker: str) -> int:
        """Expire what the worker holds. Looks at every claim there is, some of them at a time."""
        return len(await walked(self._store.scripts, "forget", worker))

    async def workers(self) -> Sequence[Presence]:
        """The runners whose time has not run out."""
        return [presence_of(reply) for reply in await self._run("workers", list[bytes])]

    @property
    def _store(self) -> Store:
        if self._opened is None:
            raise EngineError(
                f"the store with number {self._number} is not open; await open() first"
            )
        return self._opened

    async def _run(self, verb: str, reply: type[Reply], *arguments: Argument) -> Reply:
        return await self._store.scripts.run(verb, reply, *arguments)

    async def _run_here(self, verb: str, reply: type[Reply], *arguments: Argument) -> Reply:
        """As `_run`, on the store that was opened; if it was emptied, on a new one that takes its place."""
        store = self._store
        try:
            return await self._run(verb, reply, store.identity.uuid, *arguments)
        except StoreEmptied as emptied:
            identity = await identify(store.scripts, self._number)
            log.warning("store %d, uuid %s: %s", self._number, store.identity.uuid, emptied)
        if self._opened is store:
            self._opened = replace(store, identity=identity)
        return await self._run(verb, reply, identity.uuid, *arguments)

    async def _answers(self, verb: str, *arguments: Argument) -> Sequence[bool]:
        return [bool(answer) for answer in await self._run(verb, list[int], *arguments)]

    def _place(self, after: JobId | None) -> int:
        """Where an id stands among those of this store; after the last for none."""
        if after is None:
            return SEQUENCE_SPAN
        return min(max(after - first_id(self._number) + 1, 0), SEQUENCE_SPAN)
