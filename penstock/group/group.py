"""All queues together: a job goes to the store of its type, a claim's end to the store that issued the id."""

import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from penstock.engine import Pushed
from penstock.errors import BadJob, FieldError, NotAllowed, UnknownJob, UnknownType
from penstock.group.store import Store
from penstock.group.waiting import Pump, Waiter, patient
from penstock.handler import Handler, Registry
from penstock.job import CALLBACK_TYPE, Callback, JobId, NewJob, is_name, store_number
from penstock.policy import Policies, callback_params
from penstock.queue import Completing, JobSpec, Queue, numbered
from penstock.serialization import JSONObject, decode

log = logging.getLogger(__name__)


class QueueGroup:
    """Every queue of this installation: checks what is pushed and routes it to the store of its type.

    Of the `places` where types may live, the `stores` hold jobs and issue their ids; the others are federated over
    them. Whoever goes over the stores meets each job once.

    Raises UnsupportedFeature where the store of a type cannot do what its policy asks for.
    """

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
        self.places = dict(stores)
        self.stores = {name: store for name, store in stores.items() if not store.partitions}
        self.policies = policies
        self.registry = registry
        self._default = default
        self._routes = dict(routes or {})
        self._accepts = accepts
        self._partitions = frozenset[str]().union(*(store.partitions for store in stores.values()))
        self._pumps = [
            Pump(patient(store.engine.wait) if self.is_partition(store) else store.engine.wait)
            for store in self.stores.values()
        ]
        self._by_number = {store.engine.identity.number: store for store in self.stores.values()}
        # Of each handler whether it completes specs: looking at a protocol is slow.
        self._completing: dict[str, tuple[Handler, Completing | None]] = {}
        self._queues = {type: self._made(type) for type in (*registry.types, *policies.types)}

    def store_of_type(self, type: str) -> Store:
        """Where jobs of this type live."""
        return self.places[self._routes.get(type, self._default)]

    def holders_of(self, type: str) -> Sequence[Store]:
        """The stores that hold the jobs of this type; callbacks are in each."""
        if type == CALLBACK_TYPE:
            return list(self.stores.values())
        home = self.store_of_type(type)
        return [self.stores[name] for name in sorted(home.partitions)] or [home]

    def is_partition(self, store: Store) -> bool:
        """Whether another place is spread over this store, so that work goes on without it."""
        return store.name in self._partitions

    def store_of(self, id: JobId) -> Store:
        """The store that issued this id; UnknownJob where none of ours did."""
        store = self._by_number.get(store_number(id))
        if store is None:
            raise UnknownJob(f"no job {id}: no store has the number {store_number(id)}")
        return store

    def prepare(self, spec: JobSpec) -> NewJob:
        """The job, checked by its queue, and by its handler and those of its callbacks as far as they are here.

        Any type will do: another process may run it. Raises BadJob with every field named that its queue, or else a
        handler, finds wrong; or NotAllowed.
        """
        return self._prepared(spec, self._check_type, self._check_callback)

    def admit(self, spec: JobSpec) -> NewJob:
        """The job, prepared for somebody whom we do not know: a type that nobody here knows of is refused as well."""
        return self._prepared(spec, self._check_known_type, self._check_known_callback)

    async def store(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """The prepared jobs are stored and answered in their places; all or none within each store.

        Jobs with the same idempotency key were asked for together, each as an item of its own. BadJob, and nothing
        stored, where they live in several stores: a key is known in one.
        """
        places: dict[str, list[int]] = {}
        for index, job in enumerate(jobs):
            places.setdefault(self.store_of_type(job.queue.type).name, []).append(index)
        if len(places) > 1:
            self._refuse_divided(jobs)
        answers: dict[int, Pushed] = {}
        for name, indexes in places.items():
            pushed = await self.places[name].push(numbered([jobs[index] for index in indexes]))
            answers.update(zip(indexes, pushed, strict=True))
        return [answers[index] for index in range(len(jobs))]

    def _refuse_divided(self, jobs: Sequence[NewJob]) -> None:
        stores: dict[str, set[str]] = {}
        for job in jobs:
            if job.idempotency is not None:
                known_in = stores.setdefault(job.idempotency.key, set())
                known_in.add(self.store_of_type(job.queue.type).name)
        for names in stores.values():
            if len(names) > 1:
                several = ", ".join(sorted(names))
                detail = f"its jobs live in several stores ({several}); push those of each with a key of their own"
                raise BadJob.field("idempotency_key", detail)

    async def push(self, specs: Sequence[JobSpec]) -> Sequence[Pushed]:
        """All jobs are checked first, then stored: a bad one leaves nothing stored, its fields named `jobs[i].…`."""
        return await self.store(self.prepare_all(specs))

    def prepare_all(self, specs: Sequence[JobSpec]) -> Sequence[NewJob]:
        """Every job prepared; BadJob with the wrong fields of all of them, or NotAllowed."""
        prepared: list[NewJob] = []
        errors: list[FieldError] = []
        for index, spec in enumerate(specs):
            try:
                prepared.append(self.prepare(spec))
            except BadJob as error:
                errors += error.below(f"jobs[{index}]").errors
            except NotAllowed as error:
                raise error.below(f"jobs[{index}]") from error
        if errors:
            raise BadJob(errors)
        return prepared

    def types_of(self, store: Store) -> frozenset[str]:
        """The types that run here and are claimed from this place."""
        return self.types_in(store, self.registry.types)

    def types_in(self, store: Store, types: Collection[str]) -> frozenset[str]:
        """Those of the types that live in this place, federated or not; callbacks do in each store."""
        own = {type for type in types if self.store_of_type(type) is store} - {CALLBACK_TYPE}
        return frozenset(own if store.partitions else own | ({CALLBACK_TYPE} & set(types)))

    def waiter(self) -> Waiter:
        """One who waits for jobs that become ready in any store from now on."""
        return Waiter(self._pumps)

    def _queue(self, type: str) -> Queue:
        return self._queues.get(type) or self._made(type)

    def _made(self, type: str) -> Queue:
        return Queue(type, self.policies.of(type), self.store_of_type(type).engine)

    def knows(self, type: str) -> bool:
        """Whether jobs of this type may be pushed: a handler is here, or a queue is configured, or all are accepted."""
        return self.registry.find(type) is not None or self._accepts(type)

    def _prepared(
        self,
        spec: JobSpec,
        check_type: Callable[[str, JSONObject], None],
        check_callback: Callable[[Callback], None],
    ) -> NewJob:
        spec = self._completed(spec)
        new = self._queue(spec.type).stamp(spec)
        checks = [partial(check_type, spec.type, spec.params)]
        checks += [partial(check_callback, callback) for callback in spec.callbacks]
        errors = [error for check in checks if (error := _error(check)) is not None]
        if len(errors) > 1:
            raise BadJob([wrong for error in errors for wrong in error.errors])
        if errors:
            raise errors[0]
        return new

    def _completed(self, spec: JobSpec) -> JobSpec:
        """The spec, with what it leaves open as its handler says, if that is one to say so."""
        handler = self.registry.find(spec.type)
        if handler is None:
            return spec
        known, completing = self._completing.get(spec.type, (None, None))
        if known is not handler:
            completing = handler if isinstance(handler, Completing) else None
            self._completing[spec.type] = (handler, completing)
        return spec if completing is None else completing.complete(spec)

    def _check_known_type(self, type: str, params: JSONObject) -> None:
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
        self._check_type(type, params)

    def _check_type(self, type: str, params: JSONObject) -> None:
        if type == CALLBACK_TYPE:
            # They are signed as ours, so nobody else may say what they tell.
            raise BadJob.field(
                "type", "callback jobs are pushed by Penstock alone; use `callbacks`"
            )
        handler = self.registry.find(type)
        if handler is not None:
            _below("params", lambda: handler.check(params))

    def _check_known_callback(self, callback: Callback) -> None:
        if self.registry.find(callback.type) is None:
            raise _unknown(callback)
        self._check_callback(callback)

    def _check_callback(self, callback: Callback) -> None:
        """As its handler will, and the one of callbacks, when its turn has come."""
        if callback.type == CALLBACK_TYPE or not is_name(callback.type):
            raise _unknown(callback)
        field = f"callbacks.{callback.on}"
        handler = self.registry.find(callback.type)
        if handler is None and not callback.report:
            return  # it is known where it will run
        params = decode(callback.params)
        if handler is not None and isinstance(params, Mapping):
            _below(field, lambda: handler.check(params))
        sender = self.registry.find(CALLBACK_TYPE)
        if sender is not None:
            foreseen = callback_params(callback, JobId(0), "done", {})
            _below(field, lambda: _as_asked(lambda: sender.check(foreseen)))


def _unknown(callback: Callback) -> UnknownType:
    shown = f"{callback.type[:100]!a}"
    return UnknownType(
        [FieldError(f"callbacks.{callback.on}.type", f"no handler for type {shown} here")]
    )


def _error(check: Callable[[], None]) -> BadJob | None:
    try:
        check()
    except BadJob as error:
        return error
    return None


def _as_asked(check: Callable[[], None]) -> None:
    """The check of a callback job, whose command the caller gave without `command` and `params` around it."""
    try:
        check()
    except BadJob as error:
        inner = [re.sub(r"^command\.(params\.)?", "", wrong.field) for wrong in error.errors]
        found = zip(inner, error.errors, strict=True)
        raise BadJob([FieldError(name, wrong.detail) for name, wrong in found]) from error


def _below(prefix: str, call: Callable[[], None]) -> None:
    try:
        call()
    except (BadJob, NotAllowed) as error:
        raise error.below(prefix) from error
    except Exception as error:
        log.exception("a handler could not check %s", prefix)
        detail = f"cannot be checked: the handler of this type failed with {type(error).__name__}"
        raise BadJob.field(prefix, detail) from error
