# long: one small engine for each law
"""Engines that break one law each: the suite must reject every one of them."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from penstock.clock import Clock
from penstock.engine import (
    CONFLICT,
    Ack,
    Bury,
    Claimed,
    Held,
    LastWaits,
    Pushed,
    Registration,
    Release,
    Retry,
    Want,
    key_record,
)
from penstock.engines.memory import MemoryEngine, Row
from penstock.errors import EngineError
from penstock.job import (
    Claim,
    ClaimRef,
    FollowUp,
    FollowUpId,
    Job,
    JobId,
    NewJob,
    Order,
    QueueKey,
    State,
)


class EndsByIdAlone(MemoryEngine):
    """A claim is exclusive: an old fence moves nothing."""

    def _held(self, ref: ClaimRef) -> Row | None:
        row = self._rows.get(ref.id)
        return row if row and row.state is State.CLAIMED else None


class FenceFallsAtRelease(MemoryEngine):
    """A claim is exclusive: the fence never falls."""

    def _uncount_attempt(self, row: Row) -> None:
        super()._uncount_attempt(row)
        row.fence -= 1


class RequeueStartsTheFenceAnew(MemoryEngine):
    """A claim is exclusive: the fence never falls, not even by hand."""

    def _requeue(self, row: Row | None) -> bool:
        moved = super()._requeue(row)
        if moved and row:
            row.fence = 0
        return moved


class RepeatedAckHolds(MemoryEngine):
    """A repeated ack is "not held"."""

    def _ack(self, end: Ack) -> bool:
        row = self._rows.get(end.ref.id)
        ended = row is not None and row.state is State.DONE and row.fence == end.ref.fence
        return ended or super()._ack(end)


class WorkersClock(MemoryEngine):
    """Time is the store's."""

    def _take(self, row: Row, ttl: timedelta, worker: str) -> Claim:
        claim = super()._take(row, ttl, worker)
        row.held_until = datetime.now(UTC) + ttl
        return claim


class AttemptsCountedAtTheEnd(MemoryEngine):
    """Attempts are counted at claim."""

    def _count_attempt(self, row: Row) -> None:
        pass

    def _give_back(self, row: Row, after: timedelta) -> None:
        row.attempt += 1
        super()._give_back(row, after)


class ReleaseSpendsTheAttempt(MemoryEngine):
    """A release gives the attempt back."""

    def _uncount_attempt(self, row: Row) -> None:
        pass


class ReclaimWithoutGuard(MemoryEngine):
    """Only expired claims are reclaimed."""

    def _expired(self, limit: int) -> Sequence[Row]:
        return list(self._all(State.CLAIMED))[:limit]


class ReclaimsWithoutBound(MemoryEngine):
    """Reclaim takes a bounded number."""

    def _expired(self, limit: int) -> Sequence[Row]:
        return super()._expired(limit + 1000)


class LastAttemptRunsAgain(MemoryEngine):
    """A job that kills its worker ends dead."""

    def _may_run_again(self, row: Row) -> bool:
        return not row.cancel_requested and super()._may_run_again(_with_attempts(row))


class LastExpiryCountsAnAttempt(MemoryEngine):
    """What reclaim hands out keeps its attempt."""

    def _take(self, row: Row, ttl: timedelta, worker: str) -> Claim:
        if row.state is State.CLAIMED:
            row.attempt += 1
        return super()._take(row, ttl, worker)


class LostJobRunsTwice(MemoryEngine):
    """At most once: nothing automatic runs a lost job again."""

    def _may_run_again(self, row: Row) -> bool:
        return row.attempt < row.max_attempts and not row.cancel_requested


class CancelIsForgotten(MemoryEngine):
    """A retry of a cancel-asked job does not make it run again."""

    def _retry(self, retry: Retry) -> Held:
        row = self._held(retry.ref)
        if row is not None:
            row.cancel_requested = False
        return super()._retry(retry)


class CancelIsForgottenAtRelease(MemoryEngine):
    """A release of a cancel-asked job does not make it run again."""

    def _release(self, release: Release) -> Held:
        row = self._held(release.ref)
        if row is not None:
            row.cancel_requested = False
        return super()._release(release)


class RenewDoesNotTell(MemoryEngine):
    """Renew says that a cancel was asked for."""

    def _how_held(self, row: Row) -> Held:
        return Held.HELD


class ScheduledAreClaimed(MemoryEngine):
    """Scheduled jobs wait for their time."""

    def _is_due(self, row: Row) -> bool:
        return row.due <= self._now() + timedelta(seconds=2)


class FollowUpsWithoutTheEnd(MemoryEngine):
    """Follow-ups are pushed exactly if the job ends."""

    def _ack(self, end: Ack) -> bool:
        if self._held(end.ref) is None:
            for follow_up in end.follow_ups:
                self._push(follow_up.job)
        return super()._ack(end)


class FollowUpsLater(MemoryEngine):
    """Follow-ups are in the commit that ends the job, not behind it."""

    def _push_follow_ups(self, row: Row, follow_ups: Sequence[FollowUp]) -> None:
        for follow_up in follow_ups:
            asyncio.get_running_loop().call_soon(self._push, follow_up.job)


class BuryForgetsFollowUps(MemoryEngine):
    """Every end pushes its follow-ups."""

    def _bury(self, end: Bury) -> bool:
        return super()._bury(replace(end, follow_ups=()))


class SelectThenInsert(MemoryEngine):
    """At most one never-claimed job per key, also when two push at once."""

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        unknown = [self._twin(new) is None for new in jobs]
        await asyncio.sleep(0)
        return [
            self._store(new) if free else self._push(new)
            for new, free in zip(jobs, unknown, strict=True)
        ]


class KeyKeptAfterClaim(MemoryEngine):
    """The key leaves at claim."""

    def _claim(self, row: Row, ttl: timedelta, worker: str) -> Claim:
        self._count_attempt(row)
        return self._take(row, ttl, worker)


class RecycleCollidesWithTwin(MemoryEngine):
    """A job that comes back carries no key: it would collide with a later twin."""

    def __init__(
        self, url: str = "memory://", *, number: int = 0, clock: Clock | None = None
    ) -> None:
        super().__init__(url, number=number, clock=clock)
        self._keys: dict[JobId, str] = {}

    def _claim(self, row: Row, ttl: timedelta, worker: str) -> Claim:
        if row.dedupe_key is not None:
            self._keys[row.id] = row.dedupe_key
        return super()._claim(row, ttl, worker)

    def _give_back(self, row: Row, after: timedelta) -> None:
        key = self._keys.get(row.id)
        if key is not None:
            if (row.queue, key) in self._twins:
                raise EngineError("duplicate key")
            row.dedupe_key = key
            self._twins[row.queue, key] = row
        super()._give_back(row, after)


class TwinIsNotRaised(MemoryEngine):
    """A duplicate raises its waiting twin."""

    def _raise_twin(self, new: NewJob) -> Pushed | None:
        twin = self._twin(new)
        return None if twin is None else Pushed(id=twin.id, deduplicated=True)


class SupersededHeadIsEmpty(MemoryEngine):
    """No claims and some superseded is not an empty queue."""

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        return Claimed((await super().claim(wants, worker)).claims, 0)


class EqualRootsSupersede(MemoryEngine):
    """Only a strictly newer root supersedes."""

    def _is_superseded(self, row: Row) -> bool:
        if row.root is None or row.fence > 0:
            return False
        newest = self._newest_root(row.queue, row.root.signature)
        return newest is not None and row.root.timestamp <= newest and not row.root.is_self


class OlderRootRegisters(MemoryEngine):
    """A registered timestamp only moves forward."""

    def _register_root(self, new: NewJob) -> None:
        if new.root is not None:
            self._roots.pop((new.queue, new.root.signature), None)
        super()._register_root(new)


class RegistrationMovesBack(MemoryEngine):
    """A registration, too, only moves forward."""

    async def register(self, registrations: Sequence[Registration]) -> None:
        for each in registrations:
            self._roots.pop((each.queue, each.root.signature), None)
        await super().register(registrations)


class RegistrationReachesOtherQueues(MemoryEngine):
    """A registration is about one queue."""

    def _newest_root(self, queue: QueueKey, signature: str) -> datetime | None:
        alike = [known for known in self._roots if known[1] == signature]
        found = [MemoryEngine._newest_root(self, *known) for known in alike]
        return max((one for one in found if one is not None), default=None)


class RegistrationIsCounted(MemoryEngine):
    """A registration stores no job."""

    async def register(self, registrations: Sequence[Registration]) -> None:
        await super().register(registrations)
        for each in registrations:
            self._push(NewJob(queue=each.queue, root=each.root))


class SupersedesWhatRanAlready(MemoryEngine):
    """Only never-claimed jobs are superseded."""

    def _is_superseded(self, row: Row) -> bool:
        fence, row.fence = row.fence, 0
        found = super()._is_superseded(row)
        row.fence = fence
        return found


class DuplicateRegistersNoRoot(MemoryEngine):
    """Any push that carries a root registers it."""

    def _push(self, new: NewJob) -> Pushed:
        known = self._replay(new)
        if known is None and self._twin(new) is not None:
            new = replace(new, root=None)
        return super()._push(new)


class OneLostFailsTheBatch(MemoryEngine):
    """Each of a batch is answered for itself."""

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        if any(self._held(end.ref) is None for end in ends):
            return [False for _ in ends]
        return await super().ack(ends)


class UndecodableFailsTheBatch(MemoryEngine):
    """One row that cannot be decoded never fails its batch."""

    def _job(self, row: Row) -> Job:
        job = super()._job(row)
        if job.unreadable:
            raise EngineError(job.unreadable)
        return job


class PauseReachesOtherDomains(MemoryEngine):
    """Other queues are untouched."""

    async def pause(self, queues: Collection[QueueKey]) -> None:
        types = {queue.type for queue in queues}
        await super().pause([queue for queue in self._tallies if queue.type in types])
        await super().pause(queues)


class PausedOnlyHidden(MemoryEngine):
    """A paused queue gives nothing, also to whoever asks without looking."""

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        paused, self._paused = self._paused, set()
        try:
            return await super().claim(wants, worker)
        finally:
            self._paused = paused


class FloorIsIgnored(MemoryEngine):
    """Jobs below the floor are left alone."""

    def _in_order(self, want: Want) -> Sequence[Row]:
        return super()._in_order(replace(want, floor=0))


class PriorityIsIgnored(MemoryEngine):
    """The order of the queue holds."""

    def _in_order(self, want: Want) -> Sequence[Row]:
        return super()._in_order(replace(want, order=Order.FIFO))


class AheadIgnoresTheOrder(MemoryEngine):
    """What is ahead is what will be claimed before."""

    async def ahead(self, ids: Sequence[JobId], order: Order, *, most: int) -> Sequence[int | None]:
        return await super().ahead(ids, Order.FIFO, most=most)


class AheadCountsWithoutBound(MemoryEngine):
    """What is ahead is counted up to a bound."""

    async def ahead(self, ids: Sequence[JobId], order: Order, *, most: int) -> Sequence[int | None]:
        return await super().ahead(ids, order, most=most + 1000)


class AheadOfWhatIsNotReady(MemoryEngine):
    """Nothing is ahead of a job that is not ready."""

    def _ahead(self, row: Row | None, order: Order, most: int) -> int | None:
        return super()._ahead(row, order, most) or 0


class AheadOverTheWholeDomain(MemoryEngine):
    """Only jobs of its own queue are ahead of a job."""

    def _ahead(self, row: Row | None, order: Order, most: int) -> int | None:
        before = super()._ahead(row, order, most)
        if row is None or before is None:
            return before
        ready = self._all(State.READY)
        others = [each for each in ready if each.queue.domain == row.queue.domain]
        beside = [each for each in others if each.queue != row.queue]
        return min(before + len(beside), most)


class PauseHidesWhatIsAhead(MemoryEngine):
    """A pause changes no answer about what is ahead."""

    def _ahead(self, row: Row | None, order: Order, most: int) -> int | None:
        if row is not None and row.queue in self._paused:
            return None
        return super()._ahead(row, order, most)


class KeyIgnoresTheFingerprint(MemoryEngine):
    """A known key with another fingerprint is a conflict."""

    def _fallen(self, jobs: Sequence[NewJob]) -> Collection[int]:
        return ()


class ConflictStoresTheRest(MemoryEngine):
    """What was asked for under one key stands or falls as a whole."""

    def _fallen(self, jobs: Sequence[NewJob]) -> Collection[int]:
        fallen = super()._fallen
        return [place for place, new in enumerate(jobs) if fallen([new])]


class ConflictStoresWhatStoodBefore(MemoryEngine):
    """What was asked for under one key falls as a whole, also what stands before the conflict."""

    def _fallen(self, jobs: Sequence[NewJob]) -> Collection[int]:
        fallen = super()._fallen
        return [place for place in range(len(jobs)) if place in fallen(jobs[: place + 1])]


class ConflictFailsTheCall(MemoryEngine):
    """A conflict never fails its batch."""

    def _fallen(self, jobs: Sequence[NewJob]) -> Collection[int]:
        return range(len(jobs)) if super()._fallen(jobs) else ()


class ConflictStaysInItsDomain(MemoryEngine):
    """What was asked for under one key falls in all domains."""

    def _fallen(self, jobs: Sequence[NewJob]) -> Collection[int]:
        fallen = super()._fallen(jobs)
        known = {key_record(jobs[place]) for place in fallen} & set(self._pushes)
        domains = {record[0] for record in known if record}
        return [place for place in fallen if jobs[place].queue.domain in domains]


class ConflictRegistersItsRoot(MemoryEngine):
    """A conflict has no effect."""

    def _fallen(self, jobs: Sequence[NewJob]) -> Collection[int]:
        fallen = super()._fallen(jobs)
        for place in fallen:
            self._register_root(jobs[place])
        return fallen


class ConflictKeepsItsKey(MemoryEngine):
    """A conflict leaves nothing of its key."""

    def _fallen(self, jobs: Sequence[NewJob]) -> Collection[int]:
        fallen = super()._fallen(jobs)
        for place in fallen:
            record = key_record(jobs[place])
            if record and record not in self._pushes:
                self._remember_push(jobs[place], CONFLICT)
        return fallen


class ItemsAreOne(MemoryEngine):
    """Jobs under one key are told apart by their item."""

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        return await super().push([_of_no_item(new) for new in jobs])


class ConflictingFollowUpIsNamed(MemoryEngine):
    """A conflict among the follow-ups leaves no id."""

    def _push_follow_ups(self, row: Row, follow_ups: Sequence[FollowUp]) -> None:
        super()._push_follow_ups(row, follow_ups)
        missing = len(follow_ups) - len(row.follow_ups)
        row.follow_ups += tuple(FollowUpId(each.on, CONFLICT.id) for each in follow_ups[:missing])


class KeyCountsOverDomains(MemoryEngine):
    """Idempotency keys count per domain."""

    def _replay(self, new: NewJob) -> Pushed | None:
        for (_, key, _), known in self._pushes.items():
            if new.idempotency is not None and new.idempotency.key == key:
                return replace(known.answer, replayed=True)
        return None


class PurgedAreNotCounted(MemoryEngine):
    """Counts are conserved."""

    def _remove(self, row: Row) -> None:
        super()._remove(row)
        self._tally(row.queue, "deleted", -1)


class IdsComeBack(MemoryEngine):
    """An id is given once."""

    def _next_id(self) -> JobId:
        return JobId(max(self._rows, default=0) + 1)


class WakeIsLost(MemoryEngine):
    """A wait is woken by what happened since the last one began."""

    async def wait(self, timeout: timedelta) -> bool:
        self._wake._last_waits = LastWaits(self._wake._times)
        return await super().wait(timeout)


class ResumeWakesNobody(MemoryEngine):
    """Whoever waits is told of a resume."""

    async def resume(self, queues: Collection[QueueKey]) -> None:
        self._paused.difference_update(queues)


class RootKeptByTheStoreOnly(MemoryEngine):
    """A twin takes over a newer root."""

    def _raise_twin(self, new: NewJob) -> Pushed | None:
        return super()._raise_twin(replace(new, root=None))


def _of_no_item(new: NewJob) -> NewJob:
    return replace(new, idempotency=new.idempotency and replace(new.idempotency, item=0))


def _with_attempts(row: Row) -> Row:
    return replace(row, max_attempts=row.attempt + 1)


MUTANTS: Sequence[type[MemoryEngine]] = [
    mutant
    for mutant in list(globals().values())
    if isinstance(mutant, type) and issubclass(mutant, MemoryEngine) and mutant is not MemoryEngine
]
