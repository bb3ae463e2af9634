# long: one machine, whose rules share what they know
"""A federation of two whose lines are cut and mended at any moment, and what must hold all the same.

Between partitions no order is promised, and a job may be stored twice where nobody knows whether it was. What is
compared is what remains: where things lie and how often, what was answered, and what the partitions say themselves.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
)

from penstock.conformance.builders import (
    HOUR,
    MANY,
    MINUTE,
    OTHER,
    QUEUE,
    TTL,
    WORKER,
    assert_conserved,
    job,
    key,
    root,
    want,
)
from penstock.engine import Ack, Bury, Cancel, CancelAnswer, Engine, Held, JobFilter, Pushed, Retry
from penstock.engines.federated.ring import Ring
from penstock.errors import EngineUnavailable
from penstock.job import (
    WAITING,
    Claim,
    Delivery,
    Job,
    JobId,
    NewJob,
    QueueKey,
    State,
    store_number,
)
from penstock.serialization import encode
from tests.engines.federated.line import Cut
from tests.engines.federated.wide import Wide

WEIGHTS = {"east": 60, "west": 40}
PLACES = tuple(WEIGHTS)
TRIES = 2
REST = 6.0  # seconds after which one that was left alone is asked again
NOTHING = timedelta(0)

_Answer = TypeVar("_Answer")

places = st.sampled_from(PLACES)
queues = st.sampled_from([QUEUE, QUEUE, OTHER])
new_jobs = st.builds(
    lambda queue, priority, delay, dedupe, rank, asked, delivery: job(
        queue=queue,
        priority=priority,
        delay=delay,
        dedupe_key=dedupe,
        root=None if rank is None else root(rank),
        # One key for one body: what it is used for again without it may lie elsewhere, and is not known there.
        idempotency=None if asked is None else key(f"{asked} {queue} {dedupe}"),
        delivery=delivery,
    ),
    queue=queues,
    priority=st.sampled_from([500, 500, 100, 900]),
    delay=st.sampled_from([NOTHING, NOTHING, NOTHING, MINUTE]),
    dedupe=st.sampled_from([None, "a", "b", "c"]),
    rank=st.sampled_from([None, 1, 2, 3]),
    asked=st.sampled_from([None, None, None, "red", "blue"]),
    delivery=st.sampled_from(
        [Delivery.AT_LEAST_ONCE, Delivery.AT_LEAST_ONCE, Delivery.AT_MOST_ONCE]
    ),
)


class CutFederation(RuleBasedStateMachine):
    """The federation, its two stores behind lines, and what its callers were told."""

    held: Bundle[Claim] = Bundle("held")  # all claims that were ever given

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self.wide = Wide(WEIGHTS, tries=TRIES)
        self.engine: Engine = self.wide.engine
        self.asked: dict[str, NewJob] = {}  # by its params, which no other job has
        self.told: set[JobId] = set()
        self.known: dict[str, JobId] = {}  # the first answer under an idempotency key
        self.ranks: dict[QueueKey, int] = {}  # the newest generation of which an answer told
        self.said: dict[QueueKey, bool] = {}  # the last word on a pause
        self.run(self.engine.open())

    # what is asked

    @rule(new=st.lists(new_jobs, min_size=1, max_size=4))
    def push(self, new: Sequence[NewJob]) -> None:
        batch = [self._named(each) for each in new]
        twins = [self._is_whole and self._has_waiting_twin(each) for each in batch]
        must_be_taken = self._is_whole or (self._answering and not any(map(_is_once, batch)))
        pushed = self._tried(self.engine.push(batch))
        if pushed is None:
            assert not must_be_taken, "refused although there was somewhere to go"
            return
        for each, answer, has_twin in zip(batch, pushed, twins, strict=True):
            assert not answer.conflict
            assert answer.deduplicated or answer.replayed or not has_twin, "equal jobs did not meet"
            self._learn(each, answer)

    @rule(target=held, queue=queues, limit=st.sampled_from([1, 2, MANY]))
    def claim(self, queue: QueueKey, limit: int) -> MultipleResults[Claim]:
        is_whole = self._is_whole
        claimed = self._tried(self.engine.claim([want(queue, limit=limit)], WORKER))
        if claimed is None:
            assert not is_whole
            return multiple()
        for one in claimed.claims:
            self._check_claim(one, queue)
        assert len(claimed.claims) <= limit
        order = [(-one.job.priority, one.job.pushed_at) for one in claimed.claims]
        assert order == sorted(order)
        if is_whole and len(claimed.claims) < limit and not claimed.superseded:
            left = self.wide.stores.values()
            ready = [one for store in left for one in self._jobs(store, queue, State.READY)]
            assert self.said.get(queue) or not ready, "some were left although more were wanted"
        return multiple(*claimed.claims)

    def _check_claim(self, one: Claim, queue: QueueKey) -> None:
        row = self._stored(one.job.id)
        assert (row.state, row.fence, row.queue) == (State.CLAIMED, one.job.fence, queue)
        assert not self.said.get(queue), "given from a paused queue"
        if one.job.root is not None and one.job.fence == 1:
            assert _rank_of(one.job) >= self.ranks.get(queue, 0), "of an older family"

    @rule(claim=held, how=st.sampled_from(["ack", "bury", "retry"]))
    def end(self, claim: Claim, how: str) -> None:
        ref, before = claim.ref, self._stored(claim.job.id)
        was_held = before.state is State.CLAIMED and before.fence == ref.fence
        ask: Mapping[str, Callable[[], Awaitable[Sequence[object]]]] = {
            "ack": lambda: self.engine.ack([Ack(ref=ref)]),
            "bury": lambda: self.engine.bury([Bury(ref=ref, error="boom")]),
            "retry": lambda: self.engine.retry([Retry(ref=ref, after=NOTHING, error="boom")]),
        }
        answer = self._of_its_home(claim.job.id, ask[how])
        if answer is not None and not before.cancel_requested:
            assert answer[0] in ((True, Held.HELD) if was_held else (False, Held.LOST))

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if self.told:
            id = data.draw(st.sampled_from(sorted(self.told)))
            waited = self._stored(id).state in WAITING
            answer = self._of_its_home(id, lambda: self.engine.cancel([Cancel(id=id)]))
            assert answer is None or (answer[0] is CancelAnswer.CANCELLED) == waited

    @rule(queue=queues, is_paused=st.booleans())
    def pause_or_resume(self, queue: QueueKey, is_paused: bool) -> None:
        verb = self.engine.pause if is_paused else self.engine.resume
        self.said[queue] = is_paused
        heard = self._tried(_true(verb([queue])))
        assert bool(heard) == all(line.cut is Cut.NOWHERE for line in self.wide.lines.values())

    @rule()
    def keep_up(self) -> None:
        self._tried(self.engine.promote(MANY))
        self._tried(self.engine.reclaim(MANY, ttl=TTL, worker=WORKER))

    @rule()
    def look(self) -> None:
        """What is told is what those say that answer."""
        answering = self._answering
        counts = self._tried(self.engine.counts([QUEUE, OTHER]))
        if counts is None:
            assert not answering
            return
        found = self.run(self.engine.list(JobFilter(), limit=MANY))
        assert [one.id for one in found] == [one.id for one in _newest_first(found)]
        theirs = [self._jobs(store, queue) for store in answering for queue in (QUEUE, OTHER)]
        assert {one.id for one in found} == {one.id for jobs in theirs for one in jobs}
        standing = Counter((one.queue, one.state) for jobs in theirs for one in jobs)
        for queue in (QUEUE, OTHER):
            told = {state: getattr(counts[queue], state) for state in State}
            assert told == {state: standing[queue, state] for state in State}
        heads = self.run(self.engine.ready([QUEUE.type, OTHER.type], limit=MANY))
        paused = frozenset().union(*(self.run(store.paused()) for store in answering))
        assert self.run(self.engine.paused()) == paused
        assert {one.queue for one in heads} <= {
            queue for queue, state in standing if state is State.READY
        }

    # what happens to it

    @rule(place=places, how=st.sampled_from([Cut.ON_THE_WAY, Cut.ON_THE_WAY_BACK]))
    def cut(self, place: str, how: Cut) -> None:
        self.wide.lines[place].cut = how

    @rule(place=places)
    def mend(self, place: str) -> None:
        self.wide.lines[place].cut = Cut.NOWHERE

    @rule()
    def rest(self) -> None:
        self.wide.pass_by(REST)

    @rule(duration=st.sampled_from([MINUTE, TTL / 2]))
    def tick(self, duration: timedelta) -> None:
        self.wide.clock.tick(duration)

    # what holds

    @invariant()
    def nothing_is_stored_too_often(self) -> None:
        stored = Counter(
            one.params for store in self.wide.stores.values() for one in self._all(store)
        )
        keys = Counter[str]()
        for params, count in stored.items():
            new = self.asked[params]
            assert count <= (1 if _is_once(new) else TRIES)
            if new.idempotency is not None:
                keys[new.idempotency.key] += count
        assert max(keys.values(), default=0) <= 1, "one idempotency key, two jobs"

    def teardown(self) -> None:
        try:
            for place in PLACES:
                self.mend(place)
            self.rest()
            self._settles()
            self.run(self.engine.close())
        finally:
            self._loop.close()

    def _settles(self) -> None:
        """Once all is back the last words hold everywhere, and every job comes to its end."""
        self.run(self.engine.counts())
        for store in self.wide.stores.values():
            paused = self.run(store.paused())
            assert paused == {queue for queue, is_paused in self.said.items() if is_paused}
        for queue in (QUEUE, OTHER):
            self.pause_or_resume(queue, False)
        for _ in range(5):
            self.tick(HOUR)
            self.run(self.engine.promote(MANY))
            reclaimed = self.run(self.engine.reclaim(MANY, ttl=TTL, worker=WORKER))
            self._bury(reclaimed.last)
            while given := [*self.claim_all(QUEUE), *self.claim_all(OTHER)]:
                self._bury(given)
        states = Counter(self._stored(id).state for id in self.told)
        assert all(state.ended for state in states), states
        self.run(assert_conserved(self.engine))

    def claim_all(self, queue: QueueKey) -> Sequence[Claim]:
        claimed = self.run(self.engine.claim([want(queue)], WORKER))
        while claimed.superseded and not claimed.claims:
            claimed = self.run(self.engine.claim([want(queue)], WORKER))
        return claimed.claims

    def _bury(self, given: Sequence[Claim]) -> None:
        ends = [Bury(ref=one.ref, error="over") for one in given]
        assert all(self.run(self.engine.bury(ends)))

    # hands

    @property
    def _answering(self) -> Sequence[Engine]:
        """The stores that can be reached and are not left alone."""
        live, lines = self.wide.engine._partitions.live, self.wide.lines
        return [self.wide.stores[name] for name in live if lines[name].cut is Cut.NOWHERE]

    @property
    def _is_whole(self) -> bool:
        return len(self._answering) == len(PLACES)

    def _named(self, new: NewJob) -> NewJob:
        new = replace(new, params=encode({"name": len(self.asked)}))
        self.asked[new.params] = new
        return new

    def _learn(self, new: NewJob, answer: Pushed) -> None:
        stored = self._stored(answer.id)
        self.told.add(answer.id)
        if new.idempotency is not None:
            assert self.known.setdefault(new.idempotency.key, answer.id) == answer.id
        if answer.deduplicated and not answer.replayed:
            assert self.asked[stored.params].dedupe_key == new.dedupe_key
        if not answer.deduplicated and not answer.replayed:
            assert stored.params == new.params
        if new.root is not None and not answer.replayed:
            rank = _rank_of(new)
            self.ranks[new.queue] = max(rank, self.ranks.get(new.queue, 0))

    def _has_waiting_twin(self, new: NewJob) -> bool:
        """Whether an equal job waits where this one belongs."""
        home = Ring(WEIGHTS).owner(f"dedupe {new.queue}/{new.dedupe_key}")
        if new.dedupe_key is None or home is None:
            return False
        waiting = [
            one
            for one in self._jobs(self.wide.stores[home], new.queue)
            if one.state in WAITING and one.fence == 0
        ]
        return any(self.asked[one.params].dedupe_key == new.dedupe_key for one in waiting)

    def _of_its_home(
        self, id: JobId, ask: Callable[[], Awaitable[Sequence[object]]]
    ) -> Sequence[object] | None:
        """What is answered of the job; None where its own partition is cut off, whatever is with the other."""
        answer = self._tried(ask())
        line = self.wide.lines[PLACES[store_number(id)]]
        assert (answer is None) == (line.cut is not Cut.NOWHERE)
        return answer

    def _stored(self, id: JobId) -> Job:
        [found] = self.run(self.wide.stores[PLACES[store_number(id)]].get([id]))
        assert found is not None, f"job {id} is gone"
        return found

    def _jobs(self, store: Engine, queue: QueueKey, state: State | None = None) -> Sequence[Job]:
        which = JobFilter(domain=queue.domain, type=queue.type, state=state)
        return self.run(store.list(which, limit=MANY))

    def _all(self, store: Engine) -> Sequence[Job]:
        return self.run(store.list(JobFilter(), limit=MANY))

    def _tried(self, question: Awaitable[_Answer]) -> _Answer | None:
        """The answer; None where nobody could be reached."""
        try:
            return self.run(question)
        except EngineUnavailable:
            return None

    def run(self, question: Awaitable[_Answer]) -> _Answer:
        async def ask() -> _Answer:
            return await question

        return self._loop.run_until_complete(ask())


def _is_once(new: NewJob) -> bool:
    """Whether it must never be stored twice, at the price of not being taken."""
    return new.idempotency is not None or new.delivery is Delivery.AT_MOST_ONCE


async def _true(question: Coroutine[object, object, None]) -> bool:
    await question
    return True


def _rank_of(new: NewJob | Job) -> int:
    assert new.root is not None
    return (new.root.timestamp - root(0).timestamp).seconds


def _newest_first(jobs: Sequence[Job]) -> Sequence[Job]:
    return sorted(jobs, key=lambda one: (one.pushed_at, one.id), reverse=True)
