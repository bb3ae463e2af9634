"""From settings to parts: engines, handlers and policies, each made as its section says."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib.metadata import EntryPoint, entry_points, version
from inspect import signature

from penstock.commands.callback import CallbackCommand
from penstock.commands.exec import ExecCommand
from penstock.commands.http import HttpCommand
from penstock.engine import Engine, Feature, Stamp
from penstock.engines.federated import FederatedEngine, Partition
from penstock.errors import EngineError, EngineUnavailable, SettingsError, StoreMismatch
from penstock.handler import Handler, Registry
from penstock.job import CALLBACK_TYPE
from penstock.policy import CALLBACK_POLICY, Exponential, Policies, Policy, Steps
from penstock.settings import QueueSettings, Settings, StoreSettings, nearest

OURS = "penstock"
VERSION = version(OURS)
ENGINES = "penstock.engines"
HANDLERS = "penstock.handlers"
FEDERATED = "federated"  # the kind of a store with partitions


def engine_kinds() -> Mapping[str, EntryPoint]:
    """The installed engines by the scheme of their URLs."""
    return {entry.name: entry for entry in entry_points(group=ENGINES)}


def federation_of(store: StoreSettings, engines: Mapping[str, Engine]) -> Engine:
    """A federation over the engines of its partitions, which everybody else uses too."""
    return FederatedEngine(
        [
            Partition(name=name, engine=engines[name], weight=weight)
            for name, weight in (store.partitions or {}).items()
        ],
        max_partitions_try=store.max_partitions_try,
    )


def engine_of(name: str, store: StoreSettings) -> Engine:
    """A new engine for the store, not open yet; SettingsError where it, or its driver, is not installed."""
    kind = _kind(name, store)
    try:
        made = kind.load()
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"[stores.{name}] url: {kind.name} needs {error.name}, which is not installed; {_to_install(kind)}"
        ) from error
    with naming(name):
        engine: Engine = made(store.url, number=store.number, **_listening(store, made))
    return engine


def kind_of(store: StoreSettings) -> str:
    """The kind of its engine, as the scheme of its URL names it."""
    return store.url.partition(":")[0] if store.partitions is None else FEDERATED


def refuse_unknown_engines(settings: Settings) -> None:
    """SettingsError where no engine is installed for a store's URL; nothing is built or loaded."""
    for name, store in settings.stores.items():
        if store.partitions is None:
            _kind(name, store)


def used_as_partitions_only(settings: Settings) -> Collection[str]:
    """The stores that others are spread over and where no type lives by itself: a process starts without them."""
    partitions = {name for store in settings.stores.values() for name in store.partitions or {}}
    return partitions - {default_store(settings), *routes_of(settings).values()}


def refuse_volatile(
    name: str, store: StoreSettings, engine: Engine, remedies: Sequence[str] = ()
) -> None:
    """SettingsError where the open engine may lose jobs and nobody has accepted that; partitions answer for theirs.

    The remedies are what would make it durable.
    """
    if store.partitions is not None:
        return
    if Feature.DURABLE not in engine.features and not store.accept_volatile:
        told = "".join(f"{remedy}; " for remedy in remedies)
        raise SettingsError(
            f"store {name} can lose jobs that it has answered; {told}"
            f"if that is wanted add to [stores.{name}]: accept_volatile = true"
        )


@contextmanager
def naming(name: str) -> Iterator[None]:
    """What an engine says of its store names its section; what waiting cannot mend is a line to be changed."""
    try:
        yield
    except (EngineUnavailable, StoreMismatch, SettingsError) as error:
        raise type(error)(f"[stores.{name}] {error}") from error
    except EngineError as error:
        raise SettingsError(f"[stores.{name}] {error}") from error


def registry_of(http: HttpCommand, settings: Settings, jobs: Mapping[str, Handler]) -> Registry:
    """The handlers that we ship, those of installed packages, and over them the caller's own."""
    registry = Registry({"http": http, "exec": ExecCommand(settings.commands.exec)})
    registry.register(CALLBACK_TYPE, CallbackCommand(http, registry, settings.callbacks))
    for entry in entry_points(group=HANDLERS):
        registry.register(entry.name, entry.load()())
    for type, handler in jobs.items():
        registry.register(type, handler)
    return registry


def policies_of(settings: Settings) -> Policies:
    """The policy of every type that has a section, and of the others."""
    default = _policy(settings.queues.get("default", QueueSettings()), Policy())
    by_type = {
        type: _policy(queue, CALLBACK_POLICY if type == CALLBACK_TYPE else default)
        for type, queue in settings.queues.items()
        if type != "default"
    }
    return Policies(default, by_type)


def routes_of(settings: Settings) -> Mapping[str, str]:
    """The stores of the types that have one of their own."""
    return {type: queue.store for type, queue in settings.queues.items() if queue.store}


def stamps_of(settings: Settings, policies: Policies, store: str) -> list[Stamp]:
    """What the queues of all types stamp on their jobs, as this store is to know it."""
    default, routes = default_store(settings), routes_of(settings)
    types = ["", *sorted({*policies.types, *routes} - {"default", CALLBACK_TYPE})]
    return [_stamp(type, policies.of(type), routes.get(type, default), store) for type in types]


def configured_types(settings: Settings) -> Collection[str]:
    """The types that have a section."""
    return settings.queues.keys() - {"default", CALLBACK_TYPE}


def default_store(settings: Settings) -> str:
    """Where the jobs of all other types live."""
    default = settings.queues.get("default")
    if default is not None and default.store is not None:
        return default.store
    return next(iter(settings.stores))


def _stamp(type: str, policy: Policy, home: str, store: str) -> Stamp:
    return Stamp(
        type=type,
        store=None if home == store else home,
        max_attempts=policy.max_attempts,
        delivery=policy.delivery,
    )


def _policy(queue: QueueSettings, below: Policy) -> Policy:
    """The policy of the section, with what it leaves out from below."""
    return Policy(
        ttl=_seconds(queue.ttl, below.ttl),
        max_attempts=queue.max_attempts or below.max_attempts,
        backoff=_backoff(queue, below.backoff),
        timeout=_seconds(queue.timeout, below.timeout),
        order=queue.order or below.order,
        keep_done=_seconds(queue.keep_done, below.keep_done),
        keep_dead=_seconds(queue.keep_dead, below.keep_dead),
        delivery=queue.delivery or below.delivery,
    )


def _backoff(queue: QueueSettings, below: Exponential | Steps) -> Exponential | Steps:
    if queue.backoff is queue.backoff_factor is queue.backoff_max is None:
        return below
    base = below if isinstance(below, Exponential) else Exponential()
    return Exponential(
        first=_seconds(queue.backoff, base.first),
        factor=base.factor if queue.backoff_factor is None else queue.backoff_factor,
        most=_seconds(queue.backoff_max, base.most),
    )


def _seconds(value: float | None, below: timedelta) -> timedelta:
    return below if value is None else timedelta(seconds=value)


def _listening(store: StoreSettings, made: Callable[..., Engine]) -> Mapping[str, str]:
    """What an engine is told that can listen elsewhere; SettingsError where it is to, and cannot."""
    if not store.listen_url:
        return {}
    if "listen_url" not in signature(made).parameters:
        raise SettingsError(
            f"listen_url: {kind_of(store)} does not listen anywhere else; remove it"
        )
    return {"listen_url": store.listen_url}


def _to_install(kind: EntryPoint) -> str:
    package = kind.dist.name if kind.dist else OURS
    if package == OURS:
        return f"install '{OURS}[{kind.module.rpartition('.')[2]}]'"
    return f"see what its package {package} says of it"


def _kind(name: str, store: StoreSettings) -> EntryPoint:
    scheme = kind_of(store)
    kinds = engine_kinds()
    if scheme not in kinds:
        raise SettingsError(
            f"[stores.{name}] url: no engine for {scheme[:20]!a}; {nearest(scheme, kinds)}"
        )
    return kinds[scheme]
