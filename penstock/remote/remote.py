"""What a remote worker can do: claim, renew, end, and tell how far it is."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from penstock.engine import Held, Renew
from penstock.errors import EngineError, UnknownJob, WrongState
from penstock.group import End, Fetcher, QueueGroup, Store, Taken, Turns
from penstock.job import Claim, ClaimRef, Job, JobId, Presence, Progress, State, params_of
from penstock.policy import Failed, Happened, Stopped, decide
from penstock.remote import token
from penstock.remote.polls import Polls
from penstock.remote.wish import Wish

PORTION = 100  # jobs claimed in one step
MOST = 8 * 1024 * 1024  # characters of params in one answer, but for its last portion
PRESENCE_TTL = timedelta(seconds=15)
REMEMBERED = 10_000  # presences


@dataclass(frozen=True, slots=True)
class Given:
    """A job that a remote worker holds now, and the text that names its claim."""

    claim: str
    until: datetime
    job: Job


class Remote:
    """All remote workers of a process; they take fair turns, as if they were one."""

    def __init__(self, group: QueueGroup, now: Callable[[], float] = time.monotonic) -> None:
        self._group = group
        self._now = now
        self._turns = Turns()
        self._polls = Polls(group, self._fetch, self._give_back)
        self._announced: OrderedDict[str, float] = OrderedDict()

    def stop_waiting(self) -> None:
        """Whoever waits for jobs is answered now, with none: the process is to stop."""
        self._polls.stop()

    async def claim(
        self, wish: Wish, wait: timedelta, gone: asyncio.Future[None]
    ) -> Sequence[Given]:
        """What is claimed as soon as there is any; none when the time is up.

        A worker that has gone holds nothing. Raises the trouble of a store that keeps it from an answer.
        """
        await self._announce(wish, wait)
        taken = await self._fetch(wish)
        if not taken and wait > timedelta(0):
            taken = await self._polls.wait(wish, wait, gone)
        await asyncio.sleep(0)  # who has just gone is noticed now
        if gone.done():
            await self._give_back(taken)
            return ()
        return [_given(one) for one in taken]

    async def finish(self, ends: Sequence[tuple[str, Happened]]) -> Sequence[bool]:
        """Each claim has ended as its happening means, or answers False: it was no longer held, or named twice."""
        held = [False] * len(ends)
        for store, places in self._by_store([text for text, _ in ends]).items():
            jobs = await store.engine.get([ref.id for ref in places])
            found = [
                (place, _end(self._group, _claim(job, ref), ends[place][1]))
                for (ref, place), job in zip(places.items(), jobs, strict=True)
                if job is not None and not _has_ended(job, ref)
            ]
            answers = await store.finish([end for _, end in found])
            for (place, _), answer in zip(found, answers, strict=True):
                held[place] = answer
        return held

    async def renew(self, claims: Sequence[str], ttl: timedelta) -> Sequence[Held]:
        """Each claim holds for the ttl from now, or is lost."""
        held = [Held.LOST] * len(claims)
        for store, places in self._by_store(claims).items():
            answers = await store.engine.renew([Renew(ref=ref, ttl=ttl) for ref in places])
            for place, answer in zip(places.values(), answers, strict=True):
                held[place] = answer
        return held

    async def progress(self, id: JobId, progress: Progress, claim: str | None) -> None:
        """The claimed job shows this progress; its claim is not prolonged.

        Raises UnknownJob, or WrongState where it is not claimed, or not by the claim that is named.
        """
        store = self._group.store_of(id)
        [job] = await store.engine.get([id])
        if job is None:
            raise UnknownJob(f"no job {id}: it was never pushed, or retention has removed it")
        if job.state is not State.CLAIMED:
            raise WrongState(f"job {id} is {job.state}; only a claimed job has progress")
        ref = ClaimRef(id, job.fence)
        if claim is not None and token.read(claim, self._group) != (store, ref):
            raise WrongState(f"job {id} is not held by this claim; it was lost, or is another's")
        [held] = await store.engine.renew([Renew(ref=ref, ttl=None, progress=progress)])
        if held is Held.LOST:
            raise WrongState(f"job {id} is no longer claimed; only a claimed job has progress")

    def _by_store(self, claims: Sequence[str]) -> dict[Store, dict[ClaimRef, int]]:
        """The place of each claim that can be read, of one named twice the first."""
        found: dict[Store, dict[ClaimRef, int]] = {}
        for place, text in enumerate(claims):
            read = token.read(text, self._group)
            if read is not None:
                store, ref = read
                found.setdefault(store, {}).setdefault(ref, place)
        return found

    async def _fetch(self, wish: Wish) -> Sequence[Taken]:
        """What can be claimed now, the readable jobs of it; raises a store's trouble where that is all there is."""
        fetcher = Fetcher(
            self._group,
            wish.worker,
            types=wish.types,
            domains=wish.domains,
            ttl=wish.ttl,
            turns=self._turns,
        )
        taken: list[Taken] = []
        more = True
        while more and len(taken) < wish.limit and _size(taken) < MOST:
            found = await fetcher.fetch(min(PORTION, wish.limit - len(taken)))
            taken += await self._readable(found)
            more = bool(found) or (fetcher.gave_up and not taken)
        if not taken and fetcher.troubles:
            raise next(iter(fetcher.troubles.values()))
        return taken

    async def _readable(self, taken: Sequence[Taken]) -> Sequence[Taken]:
        """Those whose job can be read; nobody could run the others, so they are buried."""
        wrong = {id(one): why for one in taken if (why := _unreadable(one.claim.job)) is not None}
        if wrong:
            await self._finish(
                [one for one in taken if id(one) in wrong],
                lambda one: Failed(error=f"cannot run: {wrong[id(one)]}", permanent=True),
            )
        return [one for one in taken if id(one) not in wrong]

    async def _give_back(self, taken: Sequence[Taken]) -> None:
        """Nobody has begun these jobs."""
        await self._finish(taken, lambda one: Stopped(started=False))

    async def _finish(self, taken: Sequence[Taken], happened: Callable[[Taken], Happened]) -> None:
        """The claims have ended so; those of a store that is away run out."""
        by_store: dict[Store, list[End]] = {}
        for one in taken:
            end = _end(self._group, one.claim, happened(one))
            by_store.setdefault(one.store, []).append(end)
        for store, ends in by_store.items():
            with suppress(EngineError):
                await store.finish(ends)

    async def _announce(self, wish: Wish, wait: timedelta) -> None:
        """The worker is shown as alive while it waits, and a little longer: without slots, as those are its own."""
        name, now = wish.presence, self._now()
        if self._announced.get(name, 0.0) > now + wait.total_seconds():
            return
        ttl = wait + PRESENCE_TTL
        presence = Presence(worker=name, slots=0, types=wish.types)
        for store in self._group.places.values():
            if self._group.types_in(store, wish.types):
                with suppress(
                    EngineError
                ):  # a hint only; the claim tells what is wrong with the store
                    await store.engine.announce(presence, ttl)
        self._announced[name] = now + (ttl - PRESENCE_TTL / 3).total_seconds()
        self._announced.move_to_end(name)
        while len(self._announced) > REMEMBERED:
            self._announced.popitem(last=False)


def _given(taken: Taken) -> Given:
    claim = taken.claim
    return Given(token.write(claim.ref, taken.store), claim.until, claim.job)


def _end(group: QueueGroup, claim: Claim, happened: Happened) -> End:
    return End(claim, decide(happened, claim.job, group.policies.of(claim.job.type)))


def _claim(job: Job, ref: ClaimRef) -> Claim:
    """The claim with this name, as far as its job tells; held or not, its store knows."""
    return Claim(job=replace(job, fence=ref.fence), until=job.claimed_at or job.pushed_at)


def _has_ended(job: Job, ref: ClaimRef) -> bool:
    """Whether the job ended by this very claim: to say so again is no loss."""
    return job.state.ended and job.fence == ref.fence


def _unreadable(job: Job) -> str | None:
    try:
        params_of(job)
    except ValueError as error:
        return str(error)
    return None


def _size(taken: Sequence[Taken]) -> int:
    return sum(len(one.claim.job.params) for one in taken)
