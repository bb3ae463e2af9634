"""The sections of the configuration: every key, its kind and its default."""

import shlex
from pathlib import Path
from typing import Annotated

import msgspec

from penstock.job import MAX_ATTEMPTS, MAX_STORE_NUMBER, Delivery, Order

LONGEST = 3660 * 24 * 3600  # seconds

Text = Annotated[str, msgspec.Meta(min_length=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=LONGEST)]
Timeout = Annotated[float, msgspec.Meta(ge=0.001, le=LONGEST)]
ClaimTtl = Annotated[float, msgspec.Meta(ge=0.1, le=LONGEST)]  # renewed at each third of it
Factor = Annotated[float, msgspec.Meta(ge=1, le=1000)]
Attempts = Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPTS)]
Slots = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Weight = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Tries = Annotated[int, msgspec.Meta(ge=1, le=100)]
StoreNumber = Annotated[int, msgspec.Meta(ge=0, le=MAX_STORE_NUMBER)]


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[stores.<name>]: a place where queues live: a store of its own, or one federated over others."""

    url: Text = ""  # empty where there are partitions
    number: StoreNumber = 0
    accept_volatile: bool = False
    listen_url: str = ""  # where to listen, if `url` goes by a pooler
    migrate: bool = True  # whoever opens the store brings its schema up to date
    partitions: dict[str, Weight] | None = None  # the weights of other stores
    max_partitions_try: Tries = 2


class QueueSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[queues.<type>]: how the jobs of one type are treated; [queues.default] for those without their own."""

    store: Text | None = None
    max_attempts: Attempts | None = None
    backoff: Seconds | None = None  # seconds after the first failure
    backoff_factor: Factor | None = None
    backoff_max: Seconds | None = None  # seconds
    timeout: Timeout | None = None  # seconds
    ttl: ClaimTtl | None = None  # seconds
    order: Order | None = None
    keep_done: Seconds | None = None  # seconds
    keep_dead: Seconds | None = None  # seconds
    delivery: Delivery | None = None


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[server]: the HTTP front door."""

    host: Text = "127.0.0.1"
    port: Port = 1337
    allow: tuple[Text, ...] = ("127.0.0.1", "::1")
    trusted_proxies: tuple[Text, ...] = ()
    # Names by which we may be called, beside localhost and our addresses.
    hosts: tuple[Text, ...] = ()
    accept_unknown_types: bool = False


class HttpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[commands.http]: which private targets http commands may reach."""

    allow_private: tuple[Text, ...] = ()


class ExecSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[commands.exec]: which programs exec commands may run."""

    allow: tuple[Text, ...] = ()


class CommandSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[commands]: the handlers we ship."""

    http: HttpSettings = HttpSettings()
    exec: ExecSettings = ExecSettings()


class RunnerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[runner]: how jobs are run in this process."""

    slots: Slots = 20
    grace: Seconds = 25.0  # seconds that running jobs get at SIGTERM


class CallbackSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[callbacks]: how events are signed."""

    secrets: tuple[Text, ...] = ()  # whsec_…; the first signs, all are sent while rotating


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a configuration can say."""

    stores: dict[str, StoreSettings] = msgspec.field(default_factory=dict)
    queues: dict[str, QueueSettings] = msgspec.field(default_factory=dict)
    server: ServerSettings = ServerSettings()
    commands: CommandSettings = CommandSettings()
    runner: RunnerSettings = RunnerSettings()
    callbacks: CallbackSettings = CallbackSettings()


def development(settings: Settings, scripts: Path) -> Settings:
    """The same, with targets on this machine and the example scripts allowed: for trying things out."""
    http = HttpSettings(allow_private=("127.0.0.0/8", "::1", *settings.commands.http.allow_private))
    script = f"{shlex.quote(str(scripts.resolve()))}/*.sh **"
    run = ExecSettings(allow=(script, *settings.commands.exec.allow))
    commands = CommandSettings(http=http, exec=run)
    return msgspec.structs.replace(settings, commands=commands)
