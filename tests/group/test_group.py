# long: routes, checks and waits of one class, with handlers that ship
"""All queues together: routes, checks before anything is stored, and waiting on many stores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from penstock.clock import ManualClock
from penstock.commands.callback import CallbackCommand
from penstock.commands.http import HttpCommand
from penstock.engine import CONFLICT, Feature, JobFilter
from penstock.engines.memory import MemoryEngine
from penstock.errors import (
    BadJob,
    FieldError,
    NotAllowed,
    UnknownJob,
    UnknownType,
    UnsupportedFeature,
)
from penstock.events import Events
from penstock.group import QueueGroup, Store
from penstock.handler import Context, FunctionHandler, Handler, Registry
from penstock.job import CALLBACK_TYPE, Callback, Idempotency, JobId, On, Order, QueueKey
from penstock.policy import Policies, Policy
from penstock.queue import JobSpec
from penstock.serialization import JSON, JSONObject
from penstock.settings import CallbackSettings, HttpSettings
from tests.installation import installation


@dataclass
class Strict:
    """A handler that takes no job whose params say no."""

    def check(self, params: JSONObject) -> None:
        if params.get("wrong"):
            raise BadJob([FieldError("wrong", "is wrong"), FieldError("[0]", "is too")])
        if params.get("forbidden"):
            raise NotAllowed("not here", field="forbidden", add="[x] y = 1")

    def timeout(self, params: JSONObject) -> timedelta | None:
        return None

    async def run(self, context: Context) -> JSON:
        return None


class Simple(MemoryEngine):
    """A store that keeps no order but its own."""

    features = MemoryEngine.features - {Feature.ORDER}


def group(
    engines: Mapping[str, MemoryEngine] | None = None,
    *,
    handlers: Mapping[str, Handler] | None = None,
    routes: Mapping[str, str] | None = None,
    policies: Mapping[str, Policy] | None = None,
    accepts: Callable[[str], bool] = lambda type: False,
) -> QueueGroup:
    """A group over these stores; the first is the default."""
    engines = engines or {"main": MemoryEngine(clock=ManualClock())}
    settled = Policies(Policy(), policies)
    stores = {name: Store(name, engine, settled, Events()) for name, engine in engines.items()}
    return QueueGroup(
        stores,
        default=next(iter(stores)),
        routes=routes,
        policies=settled,
        registry=Registry(handlers if handlers is not None else {"mail": Strict()}),
        accepts=accepts,
    )


def two_stores() -> QueueGroup:
    engines = {"disk": MemoryEngine(), "fast": MemoryEngine(number=1)}
    return group(engines, handlers={"mail": Strict(), "purge": Strict()}, routes={"purge": "fast"})


async def stored(at: QueueGroup) -> list[str]:
    """The types of all stored jobs, newest first, store by store."""
    found = [await store.engine.list(JobFilter(), limit=1000) for store in at.stores.values()]
    return [job.type for jobs in found for job in jobs]


def refusal(at: QueueGroup, *specs: JobSpec) -> BadJob:
    with pytest.raises(BadJob) as caught:
        at.prepare_all(specs)
    return caught.value


def fields(error: BadJob) -> list[str]:
    return [wrong.field for wrong in error.errors]


async def test_a_job_goes_to_the_store_of_its_type_and_is_answered_in_its_place() -> None:
    at = two_stores()

    pushed = await at.push([JobSpec(type) for type in ("purge", "mail", "purge", "mail")])

    assert [one.id for one in pushed] == [10**13 + 1, 1, 10**13 + 2, 2]
    assert [at.store_of(one.id).name for one in pushed] == ["fast", "disk", "fast", "disk"]
    assert (at.store_of_type("purge").name, at.store_of_type("other").name) == ("fast", "disk")


async def test_jobs_under_one_key_are_items_of_one_push() -> None:
    at = two_stores()
    together = [JobSpec("mail", idempotency=Idempotency(key="k", fingerprint="a"))] * 3

    first = await at.push(together)
    again = await at.push(together)
    other = await at.push([replace(together[0], idempotency=Idempotency(key="k", fingerprint="b"))])

    assert [one.id for one in first] == [one.id for one in again] == [1, 2, 3]
    assert [one.replayed for one in (*first, *again)] == [False] * 3 + [True] * 3
    assert other == [CONFLICT]


async def test_jobs_under_one_key_that_live_in_several_stores_are_refused() -> None:
    at = two_stores()
    mail, purge = (
        JobSpec(type, idempotency=Idempotency(key="k", fingerprint="a"))
        for type in ("mail", "purge")
    )

    with pytest.raises(BadJob, match=r"idempotency_key: .*disk, fast"):
        await at.push([mail, JobSpec("mail"), purge])
    assert await stored(at) == []

    other = replace(purge, idempotency=Idempotency(key="other", fingerprint="a"))
    assert not any(one.conflict for one in await at.push([mail, other]))


async def test_nothing_pushed_is_nothing_answered() -> None:
    assert await two_stores().push([]) == []


@pytest.mark.parametrize("id", [2 * 10**13, 10**30, -1, -(10**13)])
def test_an_id_of_no_store_of_ours_is_unknown(id: int) -> None:
    with pytest.raises(UnknownJob, match=f"no job {id}"):
        two_stores().store_of(JobId(id))


async def test_one_bad_job_leaves_nothing_stored_in_any_store() -> None:
    at = two_stores()
    good = [JobSpec("mail"), JobSpec("purge")]

    with pytest.raises(BadJob):
        await at.push([*good, JobSpec("mail", priority=5000)])

    assert await stored(at) == []


def test_the_wrong_fields_of_all_jobs_are_named_with_their_places() -> None:
    error = refusal(
        two_stores(),
        JobSpec("mail", priority=5000, context="x" * 300),
        JobSpec("purge"),
        JobSpec("purge", {"wrong": True}),
        JobSpec("a b"),
        JobSpec(CALLBACK_TYPE),
    )

    assert fields(error) == [
        "jobs[0].context",
        "jobs[0].priority",
        "jobs[2].params.wrong",
        "jobs[2].params[0]",
        "jobs[3].type",
        "jobs[4].type",
    ]


def test_what_is_not_allowed_is_named_with_its_place_and_the_line_to_add() -> None:
    specs = [JobSpec("mail"), JobSpec("mail", {"forbidden": True})]

    with pytest.raises(
        NotAllowed,
        match=r"not here; to allow it add to penstock.toml, under its section: \[x\] y = 1",
    ) as caught:
        two_stores().prepare_all(specs)

    assert caught.value.field == "jobs[1].params.forbidden"


def test_an_unknown_type_is_refused_with_the_known_ones_and_the_line_to_add() -> None:
    at = two_stores()

    with pytest.raises(UnknownType, match=r"'htpp'; known: mail, purge.* add \[queues\.htpp\]"):
        at.admit(JobSpec("htpp"))

    assert not at.knows("htpp")


async def test_an_accepted_type_needs_no_handler() -> None:
    at = group(accepts=lambda type: type.startswith("remote"))

    await at.store([at.admit(JobSpec("remote_mail", {"wrong": True}))])

    assert await stored(at) == ["remote_mail"]
    with pytest.raises(UnknownType):
        at.admit(JobSpec("local"))


async def test_our_own_code_may_push_a_type_that_only_another_process_knows() -> None:
    at = two_stores()

    await at.push([JobSpec("elsewhere", {"wrong": True}), JobSpec("purge")])

    assert await stored(at) == ["elsewhere", "purge"]


@pytest.mark.parametrize("door", ["prepare", "admit"])
def test_callback_jobs_cannot_be_pushed_as_if_we_told_them(door: str) -> None:
    at = group(handlers={CALLBACK_TYPE: Strict()}, accepts=lambda type: True)

    with pytest.raises(BadJob, match="type: callback jobs are pushed by Penstock alone"):
        getattr(at, door)(JobSpec(CALLBACK_TYPE, {"event": "job.done"}))


@pytest.mark.parametrize("type", ["unknown", CALLBACK_TYPE, "x" * 5000, "\ud800", ""])
def test_a_callback_of_a_type_that_cannot_run_here_is_refused(type: str) -> None:
    at = group(handlers={"mail": Strict(), CALLBACK_TYPE: Strict()}, accepts=lambda type: True)
    callback = Callback(on=On.FAILED, type=type, params="{}")

    with pytest.raises(UnknownType, match="no handler for type") as caught:
        at.admit(JobSpec("mail", callbacks=(callback,)))

    assert fields(caught.value) == ["callbacks.failed.type"]
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("type", [CALLBACK_TYPE, "x" * 5000, "\ud800", ""])
def test_a_callback_of_a_type_that_runs_nowhere_is_refused_to_our_own_code(type: str) -> None:
    callback = Callback(on=On.DONE, type=type, params="{}", report=False)

    with pytest.raises(UnknownType, match="no handler for type") as caught:
        group().prepare(JobSpec("mail", callbacks=(callback,)))

    assert fields(caught.value) == ["callbacks.done.type"]


def test_our_own_code_may_name_a_callback_that_another_process_runs(calling: QueueGroup) -> None:
    callback = Callback(on=On.DONE, type="elsewhere", params="{}", report=False)

    new = calling.prepare(JobSpec("mail", callbacks=(callback,)))

    assert new.details.callbacks == (callback,)
    with pytest.raises(UnknownType):
        calling.admit(JobSpec("mail", callbacks=(callback,)))


def test_an_event_goes_to_a_url_and_to_no_other_command(calling: QueueGroup) -> None:
    callback = Callback(on=On.DONE, type="elsewhere", params="{}")

    with pytest.raises(BadJob, match="callback_done for commands") as caught:
        calling.prepare(JobSpec("mail", callbacks=(callback,)))

    assert fields(caught.value) == ["callbacks.done.type"]


@pytest.fixture
def calling() -> QueueGroup:
    """A group with the handlers that ship, and one of its own."""
    http = HttpCommand(HttpSettings(), version="1")
    registry = Registry({"http": http, "mail": Strict()})
    registry.register(CALLBACK_TYPE, CallbackCommand(http, registry, CallbackSettings()))
    return group(handlers={type: registry.handler(type) for type in registry.types})


def to(url: str, **more: object) -> str:
    inner = "".join(f',"{name}":{value}' for name, value in more.items())
    return f'{{"url":"{url}"{inner}}}'


PUBLIC = "https://example.org/"

CALLBACKS: list[tuple[Callback, str]] = [
    (Callback(on=On.DONE, type="http", params='{"url":5}'), "callbacks.done.url"),
    (Callback(on=On.DONE, type="http", params=to(PUBLIC, nope=1)), "callbacks.done.nope"),
    (Callback(on=On.DONE, type="mail", params='{"wrong":1}'), "callbacks.done.wrong"),
    (Callback(on=On.FAILED, type="mail", params="{}"), "callbacks.failed.type"),
    (Callback(on=On.DONE, type="http", params="[]"), "callbacks.done"),
]


@pytest.mark.parametrize(("callback", "field"), CALLBACKS)
def test_a_callback_is_checked_when_its_job_is_pushed(
    calling: QueueGroup, callback: Callback, field: str
) -> None:
    with pytest.raises(BadJob) as caught:
        calling.prepare(JobSpec("mail", callbacks=(callback,)))

    assert fields(caught.value)[0] == field


def test_a_callback_into_our_own_network_is_not_allowed(calling: QueueGroup) -> None:
    callback = Callback(on=On.DONE, type="http", params=to("http://127.0.0.1/"), report=False)

    with pytest.raises(NotAllowed, match="allow_private") as caught:
        calling.prepare(JobSpec("mail", callbacks=(callback,)))

    assert caught.value.field.startswith("callbacks.done")


@pytest.mark.parametrize(
    "callback",
    [
        Callback(on=On.DONE, type="http", params=to(PUBLIC)),
        Callback(on=On.DONE, type="http", params=to(PUBLIC, method='"PUT"'), report=False),
        Callback(on=On.DONE, type="mail", params="{}", report=False),
    ],
)
def test_a_callback_that_can_be_sent_is_taken(calling: QueueGroup, callback: Callback) -> None:
    new = calling.prepare(JobSpec("mail", callbacks=(callback,)))

    assert new.details.callbacks == (callback,)


def test_the_handlers_of_a_job_and_of_its_callbacks_are_heard_at_once(
    calling: QueueGroup,
) -> None:
    callbacks = tuple(Callback(on=on, type="mail", params='{"wrong":1}', report=False) for on in On)

    error = refusal(calling, JobSpec("mail", {"wrong": 1}, callbacks=callbacks))

    assert fields(error) == [
        "jobs[0].params.wrong",
        "jobs[0].params[0]",
        "jobs[0].callbacks.done.wrong",
        "jobs[0].callbacks.done[0]",
        "jobs[0].callbacks.failed.wrong",
        "jobs[0].callbacks.failed[0]",
    ]


@pytest.mark.parametrize("where", ["registry", "policies"])
def test_a_policy_that_a_store_cannot_keep_is_refused_at_the_start(where: str) -> None:
    engines = {"main": MemoryEngine(), "simple": Simple(number=1)}
    handlers = {"mail": Strict()} if where == "registry" else {}
    policies = {"mail": Policy(order=Order.FIFO)}

    with pytest.raises(UnsupportedFeature, match="'mail' keeps no fifo order"):
        group(engines, handlers=handlers, policies=policies, routes={"mail": "simple"})

    group(engines, handlers=handlers, policies=policies)


async def test_the_types_of_a_store_are_those_that_live_there_and_callbacks() -> None:
    at = group(
        {"disk": MemoryEngine(), "fast": MemoryEngine(number=1)},
        handlers={"mail": Strict(), "purge": Strict(), CALLBACK_TYPE: Strict()},
        routes={"purge": "fast", "elsewhere": "fast"},
    )

    types = {name: at.types_of(store) for name, store in at.stores.items()}

    assert types == {
        "disk": {"mail", CALLBACK_TYPE},
        "fast": {"purge", CALLBACK_TYPE},
    }


async def test_those_of_some_types_that_live_in_a_store_need_no_handler_here() -> None:
    at = two_stores()

    types = {
        name: at.types_in(store, ["purge", "elsewhere", CALLBACK_TYPE])
        for name, store in at.stores.items()
    }

    assert types == {"disk": {"elsewhere", CALLBACK_TYPE}, "fast": {"purge", CALLBACK_TYPE}}


async def test_jobs_of_all_domains_have_the_queue_of_their_type() -> None:
    at = group()

    await at.push([JobSpec("mail", domain="acme"), replace(JobSpec("mail"), domain="other")])

    counts = await at.stores["main"].engine.counts()
    assert set(counts) == {QueueKey("acme", "mail"), QueueKey("other", "mail")}


async def test_a_handler_whose_check_fails_refuses_the_job_and_nothing_else() -> None:
    class Broken(FunctionHandler):
        def check(self, params: JSONObject) -> None:
            raise KeyError("x")

    at = await installation({"broken": Broken(lambda context: None)})

    with pytest.raises(BadJob, match=r"params: cannot be checked: .* KeyError"):
        await at.group.push([JobSpec("broken")])
