"""All queues together: a job goes to the store of its type, a claim's end to the store that issued the id."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from penstock.engine import (
    Ack,
    Bury,
    Cancel,
    CancelAnswer,
    Claimed,
    Engine,
    Feature,
    Held,
    Pushed,
    Reclaimed,
    Release,
    Retry,
    Want,
)
from penstock.errors import BadJob, FieldError, NotAllowed, UnknownJob, UnknownType
from penstock.events import Event, Events, Kind
from penstock.handler import Registry
from penstock.job import CALLBACK_TYPE, Claim, JobId, Move, NewJob, store_number
from penstock.policy import Outcome, Policies, follow_ups, keep
from penstock.queue import JobSpec, Queue
from penstock.serialization import JSONObject, decode


@dataclass(frozen=True, slots=True)
class End:
    """A claim and the move it ends with."""

    claim: Claim
    outcome: Outcome


class Store:
    """A configured place where queues live: an engine, and what all engines share around it."""

    def __init__(self, name: str, engine: Engine, policies: Policies, events: Events) -> None:
        self.name = name
        self.engine = engine
        self._policies = policies
        self._events = events

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """The jobs are stored, all or none; told."""
        pushed = await self.engine.push(jobs)
        for job, answer in zip(jobs, pushed, strict=True):
            self._tell(_pushed_kind(answer), job, answer.id)
        return pushed

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        """The worker holds what was found; told."""
        claimed = await self.engine.claim(wants, worker)
        for claim in claimed.claims:
            self._tell_of(Kind.CLAIMED, claim)
        return claimed

    async def claim_ids(
        self, ids: Sequence[JobId], *, ttl: timedelta, worker: str
    ) -> Sequence[Claim]:
        """The worker holds those of the named jobs that were waiting; told."""
        claims = await self.engine.claim_ids(ids, ttl=ttl, worker=worker)
        for claim in claims:
            self._tell_of(Kind.CLAIMED, claim)
        return claims

    async def reclaim(self, limit: int, *, ttl: timedelta, worker: str) -> Reclaimed:
        """Expired claims are taken from their holders."""
        return await self.engine.reclaim(limit, ttl=ttl, worker=worker)

    async def finish(self, ends: Sequence[End]) -> Sequence[bool]:
        """Each claim has ended with its move and its follow-ups, or answers False: it was no longer held.

        One call of the engine for each kind of move. A retry or release of a job that is asked to cancel ends it cancelled.
        """
        held = dict.fromkeys(range(len(ends)), False)
        by_move: dict[Move, list[int]] = {}
        for index, end in enumerate(ends):
            by_move.setdefault(end.outcome.move, []).append(index)
        for move, indexes in by_move.items():
            answers = await self._end(move, [ends[index] for index in indexes])
            held.update(zip(indexes, answers, strict=True))
        for index, end in enumerate(ends):
            self._tell_of(
                _ENDED[end.outcome.move] if held[index] else Kind.LOST, end.claim, end.outcome.error
            )
        return [held[index] for index in range(len(ends))]

    async def _end(self, move: Move, ends: Sequence[End]) -> Sequence[bool]:
        match move:
            case Move.ACK:
                return await self.engine.ack([self._ack(end) for end in ends])
            case Move.BURY:
                return await self.engine.bury([self._bury(end) for end in ends])
            case Move.CANCEL:
                answers = await self.engine.cancel([self._cancel(end) for end in ends])
                return [answer is CancelAnswer.CANCELLED for answer in answers]
            case Move.RETRY:
                return await self._or_cancel(
                    ends, await self.engine.retry([_retry(end) for end in ends])
                )
            case Move.RELEASE:
                return await self._or_cancel(
                    ends, await self.engine.release([_release(end) for end in ends])
                )
        raise ValueError(f"{move} ends no claim")

    async def _or_cancel(self, ends: Sequence[End], held: Sequence[Held]) -> Sequence[bool]:
        asked = [end for end, answer in zip(ends, held, strict=True) if answer is Held.CANCEL_ASKED]
        if not asked:
            return [answer is Held.HELD for answer in held]
        cancelled = iter(await self.finish([_cancelled(end) for end in asked]))
        return [
            next(cancelled) if answer is Held.CANCEL_ASKED else answer is Held.HELD
            for answer in held
        ]

    def _ack(self, end: End) -> Ack:
        return Ack(
            ref=end.claim.ref,
            result=end.outcome.result,
            keep=self._keep(end),
            follow_ups=follow_ups(end.claim.job, end.outcome),
        )

    def _bury(self, end: End) -> Bury:
        return Bury(
            ref=end.claim.ref,
            error=end.outcome.error,
            result=end.outcome.result,
            keep=self._keep(end),
            follow_ups=follow_ups(end.claim.job, end.outcome),
        )

    def _cancel(self, end: End) -> Cancel:
        return Cancel(
            id=end.claim.job.id,
            fence=end.claim.job.fence,
            error=end.outcome.error or None,
            result=end.outcome.result,
            keep=self._keep(end),
            follow_ups=follow_ups(end.claim.job, end.outcome),
        )

    def _keep(self, end: End) -> timedelta:
        return keep(self._policies.of(end.claim.job.type), end.outcome.move)

    def _tell_of(self, kind: Kind, claim: Claim, error: str = "") -> None:
        if self._events.heard:
            self._events.tell(Event(kind, self.name, claim.job.queue, claim.job.id, error or None))

    def _tell(self, kind: Kind, job: NewJob, id: JobId) -> None:
        if self._events.heard:
            self._events.tell(Event(kind, self.name, job.queue, id))


class QueueGroup:
    """Every queue of this installation: checks what is pushed and routes it to the store of its type."""

    def __init__(
        self,
        stores: Mapping[str, Store],
        *,
        default: str,
        routes: Mapping[str, str] | None = None,
        policies: Policies,
        registry: Registry,
        accepts: Callable[[str], bool] = lambda type: False,
    ) -> None:
        self.stores = dict(stores)
        self.policies = policies
        self.registry = registry
        self._default = default
        self._routes = dict(routes or {})
        self._accepts = accepts
        self._by_number = {store.engine.identity.number: store for store in stores.values()}
        self._queues: dict[str, Queue] = {}

    def store_of_type(self, type: str) -> Store:
        """Where jobs of this type live."""
        return self.stores[self._routes.get(type, self._default)]

    def store_of(self, id: JobId) -> Store:
        """The store that issued this id; UnknownJob where none of ours did."""
        store = self._by_number.get(store_number(id))
        if store is None:
            raise UnknownJob(f"no job {id}: no store has the number {store_number(id)}")
        return store

    def prepare(self, spec: JobSpec) -> NewJob:
        """The job, checked by its queue, its type and the types of its callbacks, ready to be stored.

        Raises BadJob with every wrong field named, or NotAllowed.
        """
        new = self._queue(spec.type).stamp(spec)
        self._check_type(spec.type, spec.params)
        for callback in spec.callbacks:
            self._check_callback(callback.type, callback.params, callback.on.value)
        return new

    async def store(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """The prepared jobs are stored and answered in their places; all or none within each store."""
        places: dict[str, list[int]] = {}
        for index, job in enumerate(jobs):
            places.setdefault(self.store_of_type(job.queue.type).name, []).append(index)
        answers: dict[int, Pushed] = {}
        for name, indexes in places.items():
            pushed = await self.stores[name].push([jobs[index] for index in indexes])
            answers.update(zip(indexes, pushed, strict=True))
        return [answers[index] for index in range(len(jobs))]

    async def push(self, specs: Sequence[JobSpec]) -> Sequence[Pushed]:
        """All jobs are checked first, then stored: a bad one leaves nothing stored, and its fields are named `jobs[i].…`."""
        return await self.store(self.prepare_all(specs))

    def prepare_all(self, specs: Sequence[JobSpec]) -> Sequence[NewJob]:
        """Every job prepared; BadJob with the wrong fields of all of them."""
        prepared: list[NewJob] = []
        errors: list[FieldError] = []
        for index, spec in enumerate(specs):
            try:
                prepared.append(self.prepare(spec))
            except BadJob as error:
                errors += error.below(f"jobs[{index}]").errors
        if errors:
            raise BadJob(errors)
        return prepared

    def types_of(self, store: Store) -> frozenset[str]:
        """The types that run here and live in this store."""
        own = {type for type in self.registry.types if self.store_of_type(type) is store}
        return frozenset(own | ({CALLBACK_TYPE} & set(self.registry.types)))

    async def wait(self, timeout: timedelta) -> bool:
        """True soon after a job may have become ready in any store, False at the timeout."""
        waits = [
            asyncio.ensure_future(store.engine.wait(timeout)) for store in self.stores.values()
        ]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return any(wait.result() for wait in done)
        finally:
            for wait in waits:
                wait.cancel()

    def _queue(self, type: str) -> Queue:
        queue = self._queues.get(type)
        if queue is None:
            queue = Queue(type, self.policies.of(type), self.store_of_type(type).engine)
            if self.knows(type):
                self._queues[type] = queue
        return queue

    def knows(self, type: str) -> bool:
        """Whether jobs of this type may be pushed: a handler is here, or a queue is configured, or all are accepted."""
        return self.registry.find(type) is not None or self._accepts(type)

    def _check_type(self, type: str, params: JSONObject) -> None:
        if not self.knows(type):
            known = ", ".join(self.registry.types) or "none"
            raise UnknownType(
                [
                    FieldError(
                        "type",
                        f"no handler for type {type!r}; known: {known}. For remote workers add [queues.{type}] "
                        "or [server] accept_unknown_types = true",
                    )
                ]
            )
        handler = self.registry.find(type)
        if handler is not None:
            _below("params", lambda: handler.check(params))

    def _check_callback(self, type: str, params: str, on: str) -> None:
        handler = self.registry.find(type)
        field = f"callbacks.{on}"
        if handler is None:
            raise UnknownType(
                [FieldError(f"{field}.type", f"no handler for type {type[:100]!a} here")]
            )
        value = decode(params)
        if isinstance(value, Mapping):
            _below(field, lambda: handler.check(value))


def _below(prefix: str, call: Callable[[], None]) -> None:
    try:
        call()
    except (BadJob, NotAllowed) as error:
        raise error.below(prefix) from error


_ENDED = {
    Move.ACK: Kind.DONE,
    Move.BURY: Kind.BURIED,
    Move.CANCEL: Kind.CANCELLED,
    Move.RETRY: Kind.RETRIED,
    Move.RELEASE: Kind.RELEASED,
}


def _pushed_kind(pushed: Pushed) -> Kind:
    if pushed.replayed or pushed.conflict:
        return Kind.REPLAYED
    return Kind.DEDUPLICATED if pushed.deduplicated else Kind.PUSHED


def _retry(end: End) -> Retry:
    return Retry(ref=end.claim.ref, after=end.outcome.after, error=end.outcome.error)


def _release(end: End) -> Release:
    return Release(ref=end.claim.ref, after=end.outcome.after)


def _cancelled(end: End) -> End:
    error = end.outcome.error or "cancelled while running"
    return End(end.claim, Outcome(move=Move.CANCEL, error=error))


def is_atomic(store: Store) -> bool:
    """Whether a push of many to this store is all or none."""
    return Feature.ATOMIC in store.engine.features
