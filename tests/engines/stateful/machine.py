"""Asks an engine and the model the same things, in any order, and compares every answer."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from penstock.engine import (
    Ack,
    Bury,
    Cancel,
    Feature,
    JobFilter,
    Release,
    Renew,
    Retry,
    Want,
)
from penstock.job import (
    ENDED,
    WAITING,
    Claim,
    ClaimRef,
    JobId,
    NewJob,
    Order,
    QueueKey,
    State,
)
from tests.engines.stateful import recipes
from tests.engines.stateful.comparison import compare_claims, compare_jobs, compare_queues, hours
from tests.engines.stateful.pair import Pair
from tests.engines.stateful.store import Record

FEW = 3

_Rule = TypeVar("_Rule", bound=Callable[..., object])


def while_some_are(*states: State) -> Callable[[_Rule], _Rule]:
    """Only while there are such jobs: elsewhere the rule would change nothing."""
    return precondition(lambda self: any(job.state in states for job in self.model.jobs.values()))


def once_claimed(asks: _Rule) -> _Rule:
    """Only when a claim was given, held or not."""
    return precondition(lambda self: self.bundle("claims"))(asks)


def not_in_a_row(asks: _Rule) -> _Rule:
    """Only after something was asked: these rules would crowd out the others."""
    return precondition(lambda self: self.is_used)(asks)


class EngineMachine(Pair):
    """One engine on an empty store, and the model beside it."""

    claims: Bundle[ClaimRef] = Bundle("claims")  # all that were ever given, most of them lost
    refs = claims | recipes.among(lambda self: self.model.held() or [recipes.NO_CLAIM])
    ids = recipes.among(lambda self: [*self.model.ids.values(), recipes.NO_JOB])

    # push and claim

    @initialize(target=claims, rounds=recipes.rounds)
    def begin(
        self, rounds: Sequence[tuple[Sequence[NewJob], Sequence[Want], str]]
    ) -> MultipleResults[ClaimRef]:
        given: list[ClaimRef] = []
        for new, wants, worker in rounds:
            self.push(new)
            given += self._claim(wants, worker)
        return multiple(*given)

    @rule(target=claims, round=st.tuples(recipes.some(recipes.new_jobs), recipes.wants))
    def push_and_claim(
        self, round: tuple[Sequence[NewJob], Sequence[Want]]
    ) -> MultipleResults[ClaimRef]:
        self.push(round[0])
        return multiple(*self._claim(round[1], recipes.WORKERS[0]))

    @rule(new=recipes.some(recipes.new_jobs, 4))
    def push(self, new: Sequence[NewJob]) -> None:
        named = [self.named(each) for each in new]
        answers = self.ask(self.engine.push(named))
        self.learn_ids()
        assert list(answers) == self.model.push(named)

    @while_some_are(State.READY)
    @rule(target=claims, wants=recipes.wants, worker=recipes.workers)
    def claim(self, wants: Sequence[Want], worker: str) -> MultipleResults[ClaimRef]:
        return multiple(*self._claim(wants, worker))

    def _claim(self, wants: Sequence[Want], worker: str) -> list[ClaimRef]:
        claimed = self.ask(self.engine.claim(wants, worker))
        turns = [want.queue for want in wants]
        given = sorted(claimed.claims, key=lambda one: turns.index(one.job.queue))
        assert given == list(claimed.claims), "not in the order of the wants"
        superseded = [self._supersede(want) for want in wants]
        assert claimed.superseded == sum(superseded)
        for want, some_gone in zip(wants, superseded, strict=True):
            mine = [one for one in given if one.job.queue == want.queue]
            fresh = self.model.fresh(want)[: want.limit]
            assert some_gone or len(mine) == len(fresh), "fewer than there are, none superseded"
            self._hold(mine, fresh[: len(mine)], want.ttl, worker)
        return [one.ref for one in given]

    def _supersede(self, want: Want) -> int:
        """How many the engine ended. Which of the outdated ones, and how many, is left to it."""
        gone = self.moved(self.model.outdated(want))
        for job in gone:
            self.model.supersede(job, want.keep)
        return len(gone)

    @while_some_are(*WAITING)
    @rule(target=claims, ids=recipes.some(ids), ttl=recipes.ttls, worker=recipes.workers)
    def claim_ids(
        self, ids: Sequence[JobId], ttl: timedelta, worker: str
    ) -> MultipleResults[ClaimRef]:
        given = self.ask(self.engine.claim_ids(ids, ttl=ttl, worker=worker))
        waiting = sorted(self.model.waiting(ids), key=lambda job: job.id)
        self._hold(sorted(given, key=lambda one: one.job.id), waiting, ttl, worker)
        return multiple(*(one.ref for one in given))

    def _hold(
        self, given: Sequence[Claim], jobs: Sequence[Record], ttl: timedelta, worker: str
    ) -> None:
        assert [one.job.id for one in given] == [job.id for job in jobs]
        for job in jobs:
            self.model.claim(job, ttl, worker)
        compare_claims(given, self.model, ttl)

    # what the holder of a claim may do, or thinks he may

    @once_claimed
    @rule(renewals=recipes.renewals(refs))
    def renew(self, renewals: Sequence[Renew]) -> None:
        self.compare_each(self.engine.renew, self.model.renew, renewals)

    @once_claimed
    @rule(ends=recipes.acks(refs))
    def ack(self, ends: Sequence[Ack]) -> None:
        self.compare_each(self.engine.ack, self.model.ack, self.followed(ends))

    @once_claimed
    @rule(ends=recipes.buries(refs))
    def bury(self, ends: Sequence[Bury]) -> None:
        self.compare_each(self.engine.bury, self.model.bury, self.followed(ends))

    @while_some_are(*WAITING)
    @rule(ends=recipes.cancels(ids))
    def cancel(self, ends: Sequence[Cancel]) -> None:
        self.compare_each(self.engine.cancel, self.model.cancel, self.followed(ends))

    @once_claimed
    @rule(ends=recipes.cancels(ids, refs))
    def cancel_by_holder(self, ends: Sequence[Cancel]) -> None:
        self.cancel(ends)

    @once_claimed
    @rule(retries=recipes.retries(refs))
    def retry(self, retries: Sequence[Retry]) -> None:
        self.compare_each(self.engine.retry, self.model.retry, retries)

    @once_claimed
    @rule(releases=recipes.releases(refs))
    def release(self, releases: Sequence[Release]) -> None:
        self.compare_each(self.engine.release, self.model.release, releases)

    # time and upkeep

    @not_in_a_row
    @rule(duration=recipes.ages)
    def age(self, duration: timedelta) -> None:
        self.run(self.harness.age(duration))
        self.model.now += duration
        self.is_used = False

    @while_some_are(State.CLAIMED)
    @rule(target=claims, limit=recipes.limits, ttl=recipes.ttls, worker=recipes.workers)
    def reclaim(self, limit: int, ttl: timedelta, worker: str) -> MultipleResults[ClaimRef]:
        expired = self.model.expired()
        reclaimed = self.ask(self.engine.reclaim(limit, ttl=ttl, worker=worker))
        moved = self.moved(expired)
        assert len(moved) == min(limit, len(expired))
        last = {job.id for job in moved if not self.model.reclaim(job, ttl, worker)}
        assert {one.job.id for one in reclaimed.last} == last
        assert (reclaimed.readied, len(reclaimed.last)) == (len(moved) - len(last), len(last))
        compare_claims(reclaimed.last, self.model, ttl)
        return multiple(*(one.ref for one in reclaimed.last))

    @while_some_are(State.SCHEDULED)
    @rule(limit=recipes.limits)
    def promote(self, limit: int) -> None:
        overdue = self.model.overdue()
        promoted = self.ask(self.engine.promote(limit))
        moved = self.moved(overdue)
        assert promoted.count == len(moved) == min(limit, len(overdue))
        for job in moved:
            self.model.promote(job)
        left = [job.due for job in self.model.overdue()]
        assert not left or max(job.due for job in moved) <= min(left), "not the earliest first"
        assert hours(promoted.next_in) == hours(self.model.next_in())

    @while_some_are(*ENDED)
    @rule(limit=recipes.limits)
    def purge(self, limit: int) -> None:
        outlived = self.model.outlived()
        count = self.ask(self.engine.purge(limit))
        moved = self.moved(outlived)
        assert count == len(moved) == min(limit, len(outlived))
        for job in moved:
            self.model.remove(job)

    # control

    @while_some_are(State.DEAD)
    @rule(ids=recipes.some(ids))
    def requeue(self, ids: Sequence[JobId]) -> None:
        self.compare_each(self.engine.requeue, self.model.requeue, ids)

    @precondition(lambda self: len(self.model.jobs) > FEW)
    @rule(ids=recipes.some(ids, 2))
    def delete(self, ids: Sequence[JobId]) -> None:
        self.compare_each(self.engine.delete, self.model.delete, ids)

    @precondition(lambda self: not self.model.paused)
    @rule(queue=recipes.queues)
    def pause(self, queue: QueueKey) -> None:
        self.ask(self.engine.pause([queue]))
        self.model.paused.add(queue)

    @precondition(lambda self: self.model.paused)
    @rule(queues=recipes.some(recipes.queues))
    def resume(self, queues: Sequence[QueueKey]) -> None:
        self.ask(self.engine.resume(queues))
        self.model.paused.difference_update(queues)

    @while_some_are(State.CLAIMED)
    @rule(worker=recipes.workers)
    def forget(self, worker: str) -> None:
        assert self.ask(self.engine.forget(worker)) == self.model.forget(worker)

    @not_in_a_row
    @rule()
    def reopen(self) -> None:
        self._restart(self.harness.reopen())

    @not_in_a_row
    @precondition(lambda self: self.has(Feature.DURABLE))
    @rule()
    def crash(self) -> None:
        self._restart(self.harness.crash())

    def _restart(self, restart: Coroutine[object, object, None]) -> None:
        self.run(restart)
        self.other = None
        self.is_used = False

    @not_in_a_row
    @precondition(lambda self: self.has(Feature.SHARED) and not self.other)
    @rule()
    def ask_another(self) -> None:
        self.other = self.run(self.harness.second())
        self.is_used = False

    # reading

    @not_in_a_row
    @rule(which=recipes.filters, limit=recipes.limits, after=st.none() | ids)
    def list_some(self, which: JobFilter, limit: int, after: JobId | None) -> None:
        found = self.run(self.engine.list(which, limit=limit, after=after))
        assert [job.id for job in found] == self.model.matching(which, after)[:limit]
        self.is_used = False

    @not_in_a_row
    @while_some_are(State.READY)
    @rule(order=recipes.one_of(*Order), most=recipes.limits)
    def ask_what_is_ahead(self, order: Order, most: int) -> None:
        ids = [*self.model.ids.values(), recipes.NO_JOB]
        places = [self.model.ahead(id, order) for id in ids]
        found = self.run(self.engine.ahead(ids, order, most=most))
        assert list(found) == [None if place is None else min(place, most) for place in places]
        self.is_used = False

    @invariant()
    def engine_and_model_agree(self) -> None:
        self.run(compare_jobs(self.engine, self.model))
        self.run(compare_queues(self.engine, self.model))
