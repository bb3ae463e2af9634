"""Options that several verbs share, and how they become an application."""

import asyncio
import gc
import importlib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from penstock.app import Penstock
from penstock.cli.console import printable
from penstock.errors import PenstockError, SettingsError
from penstock.handler import Handler
from penstock.job import JobId
from penstock.job_class import registering
from penstock.runner.executor import named
from penstock.settings import Settings, StoreSettings, development, load

if sys.platform == "win32":
    from asyncio import new_event_loop
else:
    from uvloop import new_event_loop

MAX_ID = 2**53 - 1
LAST_WORDS = 1.0  # seconds for tasks that the end of the loop cancels
CONFIG_VARIABLE = "PENSTOCK_CONFIG"
CONFIG_FILE = Path("penstock.toml")
PACKAGE = Path(__file__).parents[1]
EXAMPLES = Path(__file__).parents[2] / "examples" / "scripts"

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")

config = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"The configuration; else ${CONFIG_VARIABLE}, else ./penstock.toml, else defaults.",
)
app = click.option(
    "--app",
    metavar="MODULE[:ATTRIBUTE]",
    help="Where your jobs are: a module, or an attribute that is a job, a list or a mapping of them, or a Penstock.",
)
data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the jobs in DIRECTORY/penstock.db instead of the configured stores.",
    metavar="DIRECTORY",
)
profile = click.option(
    "--profile",
    type=click.Choice(["production", "development"]),
    default="production",
    show_default=True,
    help="development: http commands may reach this machine, the example scripts may run.",
)


def suggest_types(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The types that begin so: those that have a handler in every process, and those of the configuration."""
    try:
        penstock = Penstock(settings_of(ctx.params.get("config")))
    except PenstockError:  # said when the command is run
        return []
    known = {*penstock.registry.types, *penstock.policies.types}
    return sorted(type for type in known if type.startswith(incomplete))


types = click.option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE",
    shell_complete=suggest_types,
    help="Run only jobs of this type; may be repeated.",
)
domains = click.option(
    "--domain",
    "domains",
    multiple=True,
    metavar="DOMAIN",
    help="Run only jobs of this domain; may be repeated.",
)
only_types = click.option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE",
    shell_complete=suggest_types,
    help="Only jobs of this type; may be repeated.",
)
only_domains = click.option(
    "--domain",
    "domains",
    multiple=True,
    metavar="DOMAIN",
    help="Only this domain; may be repeated.",
)
type_name = click.argument("type", shell_complete=suggest_types)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def _job_id(text: str) -> JobId:
    """The id of a job, if this may be one."""
    if text.isascii() and text.isdecimal() and 0 < int(text[:20]) <= MAX_ID:
        return JobId(int(text))
    raise click.BadParameter(f"{text[:100]!a} is no id of a job; ids are whole numbers from 1 on")


job_id = click.argument("id", type=_job_id)
job_ids = click.argument("ids", metavar="ID...", nargs=-1, required=True, type=_job_id)


def application(
    config: Path | None,
    *,
    app: str | None = None,
    data: Path | None = None,
    profile: str = "production",
) -> Penstock:
    """What these options mean, not open yet: the Penstock that --app names, else one that runs the jobs named there.

    A Penstock that --app names has its own settings, but for what the options say; no file is looked for.
    """
    found = None if app is None else _found(app)
    if not isinstance(found, Penstock):
        settings = settings_of(config, data=data, profile=profile)
        return Penstock(settings, handlers_of(app))
    found.close_sync()  # its module may have used it
    own = found.settings if config is None else load(config, os.environ)
    found.configure(_changed(own, data, profile))
    return found


def settings_of(
    config: Path | None, *, data: Path | None = None, profile: str = "production"
) -> Settings:
    """The settings that these options mean; a --data directory exists afterwards."""
    if config is None and CONFIG_VARIABLE in os.environ:
        config = Path(os.environ[CONFIG_VARIABLE])
    if config is None and CONFIG_FILE.exists():
        config = CONFIG_FILE
    return _changed(load(config, os.environ), data, profile)


def handlers_of(app: str | None) -> Mapping[str, Handler]:
    """The handlers named by --app."""
    if app is None:
        return {}
    found = _found(app)
    try:
        handlers = registering.handlers_of(found)
    except SettingsError as error:
        raise SettingsError(f"--app {app}: {error}") from error
    if not handlers:
        raise SettingsError(f"--app {app} holds no jobs; {registering.TAKEN}")
    return handlers


def _found(app: str) -> object:
    """What --app names: a module, or an attribute of one; SettingsError where it is not to be had."""
    module, colon, attribute = app.partition(":")
    if not module or (colon and not attribute):
        raise SettingsError(
            f"--app {app}: write MODULE, or MODULE:ATTRIBUTE as in myapp.jobs:registry"
        )
    sys.path.insert(0, "")
    found: object = _imported(app, module)
    try:
        for name in attribute.split(".") if attribute else ():
            found = getattr(found, name)
    except AttributeError as error:
        raise SettingsError(f"--app {app}: {error}") from error
    return found


def _imported(app: str, module: str) -> object:
    """The module; SettingsError, naming the line that failed, where it cannot be imported."""
    if "/" in module or module.startswith(".") or module.endswith(".py"):
        raise SettingsError(
            f"--app {app}: {module} is no module's name; write it as Python imports it, as in myapp.jobs"
        )
    try:
        return importlib.import_module(module)
    except Exception as error:
        told = str(error) if isinstance(error, ImportError | PenstockError) else named(error)
        raise SettingsError(f"--app {app}: {told}{_place(error)}") from error


def _place(error: Exception) -> str:
    """The last line that was reached in code that is not ours, if there was one."""
    if isinstance(error, SyntaxError):
        return ""  # it names the line itself
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [one for one in frames if "importlib" not in one.filename and not _is_ours(one)]
    return f" ({theirs[-1].filename}, line {theirs[-1].lineno})" if theirs else ""


def _is_ours(frame: traceback.FrameSummary) -> bool:
    return Path(frame.filename).is_relative_to(PACKAGE)


def run(main: Coroutine[object, object, T]) -> T:
    """Run the coroutine to its end, on uvloop where there is one.

    A handler that refuses to be cancelled is left behind: asyncio's own `run` would wait for it for ever.
    """
    loop = new_event_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.run_until_complete(_end_the_rest())
        loop.close()


def collect_rarely() -> None:
    """For a process that stays up: the collector of cycles looks less often, and never at what is there already.

    Jobs come and go in large numbers and hold no cycles; looking through all of them took a tenth of a runner's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` at SIGTERM and SIGINT; a second signal calls it again."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


async def until_stopped(main: Coroutine[object, object, T]) -> T:
    """What it comes to; cancelled by SIGTERM or SIGINT, with everything put in order on the way out."""
    running = asyncio.ensure_future(main)
    on_signals(lambda: _cancel(running))
    return await running


def _cancel(task: asyncio.Future[T]) -> None:
    task.cancel()


def log_to_stderr() -> None:
    """Log lines go to standard error, one line each, whatever they carry."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class _OneLine(logging.Formatter):
    """Nothing that a client or a job says can forge a line: control characters are written out.

    A traceback follows its line, each of its own lines set in, so that none looks like a new record.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the standard library's name
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802  the standard library's name
        lines = super().formatException(ei).splitlines()
        return "\n".join(f"    {printable(line)}" for line in lines)


async def _end_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        await asyncio.wait(rest, timeout=LAST_WORDS)
    await asyncio.get_running_loop().shutdown_asyncgens()


def _changed(settings: Settings, data: Path | None, profile: str) -> Settings:
    if data is not None:
        settings = _in_directory(settings, data)
    return development(settings, EXAMPLES) if profile == "development" else settings


def _in_directory(settings: Settings, data: Path) -> Settings:
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--data {data}: {error.strerror}") from error
    store = StoreSettings(url=f"sqlite:///{(data / 'penstock.db').absolute()}")
    queues = {
        type: msgspec.structs.replace(queue, store=None) for type, queue in settings.queues.items()
    }
    return msgspec.structs.replace(settings, stores={"main": store}, queues=queues)
