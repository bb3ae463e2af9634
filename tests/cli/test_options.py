# long: each option that verbs share, and each way to name an app
"""What the shared options mean: which configuration counts, and that nothing forges a log line."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from penstock.cli.options import EXAMPLES, _OneLine, application, handlers_of, run, settings_of
from penstock.errors import SettingsError
from penstock.queue import JobSpec


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PENSTOCK_CONFIG", raising=False)


def configured(name: str, port: int) -> Path:
    path = Path(name)
    path.write_text(f"[server]\nport = {port}\n")
    return path


def test_the_option_comes_before_the_variable_and_that_before_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert settings_of(None).server.port == 1337
    configured("penstock.toml", 1)
    assert settings_of(None).server.port == 1
    monkeypatch.setenv("PENSTOCK_CONFIG", str(configured("other.toml", 2)))
    assert settings_of(None).server.port == 2
    assert settings_of(configured("third.toml", 3)).server.port == 3


def test_a_data_directory_is_made_and_holds_the_store() -> None:
    settings = settings_of(None, data=Path("a/b"))

    assert Path("a/b").is_dir()
    assert settings.stores["main"].url == f"sqlite:///{Path('a/b/penstock.db').absolute()}"


def test_a_data_directory_takes_the_place_of_all_stores() -> None:
    Path("penstock.toml").write_text(
        "[stores.a]\nurl = 'sqlite:///a.db'\n[stores.b]\nurl = 'sqlite:///b.db'\nnumber = 1\n"
        "[queues.default]\nstore = 'a'\n[queues.mail]\nstore = 'b'\nmax_attempts = 9\n"
    )

    settings = settings_of(None, data=Path("here"))

    assert list(settings.stores) == ["main"]
    assert settings.queues["mail"].store is None
    assert settings.queues["mail"].max_attempts == 9


def test_a_data_directory_that_cannot_be_made_is_said() -> None:
    Path("file").write_text("")

    with pytest.raises(SettingsError, match="--data file/below"):
        settings_of(None, data=Path("file/below"))


def test_the_development_profile_allows_this_machine_and_the_examples() -> None:
    plain, development = settings_of(None), settings_of(None, profile="development")

    assert plain.commands.http.allow_private == ()
    assert plain.commands.exec.allow == ()
    assert "127.0.0.0/8" in development.commands.http.allow_private
    assert development.commands.exec.allow[0].startswith(str(EXAMPLES))


JOBS = """
from penstock import Job, job

class Mail(Job, type="mail"):
    def run(self, context): ...

class Box:
    jobs = [Mail]

@job
def resize(path): ...

mapping = {"mail": Mail, "plain": lambda context: None}
nothing = []
half = Mail("", 1) if False else 3
"""


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of jobs in the working directory, whose name is new each time."""
    name = f"jobs_{uuid4().hex}"
    Path(f"{name}.py").write_text(JOBS)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


@pytest.mark.parametrize(
    ("attribute", "types"),
    [
        ("", ["mail", "resize"]),
        (":Mail", ["mail"]),
        (":resize", ["resize"]),
        (":Box.jobs", ["mail"]),
        (":mapping", ["mail", "plain"]),
    ],
)
def test_an_app_is_a_module_or_what_an_attribute_of_it_holds(
    attribute: str, types: list[str], jobs: str
) -> None:
    assert sorted(handlers_of(f"{jobs}{attribute}")) == types


@pytest.mark.parametrize(
    ("app", "told"),
    [
        (":jobs", "write MODULE, or MODULE:ATTRIBUTE as in myapp.jobs:registry"),
        ("{jobs}:", "write MODULE, or MODULE:ATTRIBUTE as in myapp.jobs:registry"),
        ("{jobs}:mial", "module '{jobs}' has no attribute 'mial'"),
        ("{jobs}:nothing", "holds no jobs; give a job class, a job function"),
        ("{jobs}:half", "a int holds no jobs; give a job class"),
        ("no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
    ],
)
def test_an_app_without_jobs_is_refused_by_name(app: str, told: str, jobs: str) -> None:
    named = app.format(jobs=jobs)

    with pytest.raises(SettingsError) as caught:
        handlers_of(named)

    assert str(caught.value).startswith(f"--app {named}")
    assert told.format(jobs=jobs) in str(caught.value)


def test_without_an_app_there_are_no_handlers() -> None:
    assert handlers_of(None) == {}


def test_no_record_forges_a_line() -> None:
    record = logging.LogRecord("n", logging.INFO, "f", 1, "a\nERROR forged \x1b[2J", None, None)

    line = _OneLine("%(message)s").format(record)

    assert line == r"a\nERROR forged \x1b[2J"


def test_a_task_that_refuses_to_end_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("penstock.cli.options.LAST_WORDS", 0.01)
    cancelled: list[str] = []

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append("once")

    async def main() -> str:
        tasks.append(asyncio.ensure_future(stubborn()))
        await asyncio.sleep(0)
        return "answer"

    tasks: list[asyncio.Task[None]] = []
    assert run(main()) == "answer"
    assert cancelled == ["once"]


def test_a_traceback_is_set_in_line_by_line() -> None:
    try:
        raise RuntimeError("a\n2026-01-01 ERROR forged \x1b[2J")
    except RuntimeError:
        record = logging.LogRecord("n", logging.INFO, "f", 1, "failed", None, sys.exc_info())

    first, *rest = _OneLine("%(message)s").format(record).split("\n")

    assert first == "failed"
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in "".join(rest)


@pytest.fixture
def module(empty_directory: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module beside us that holds a Penstock with settings of its own, and jobs."""
    name = "jobs_of_this_test"
    Path(f"{name}.py").write_text(MODULE)
    monkeypatch.syspath_prepend("")
    yield name
    sys.modules.pop(name, None)


MODULE = """
from penstock import Context, Penstock
from penstock.settings import ServerSettings, Settings, StoreSettings

def echo(context: Context) -> object:
    return context.params

stores = {"own": StoreSettings(url="memory://", accept_volatile=True)}
penstock = Penstock(Settings(stores=stores, server=ServerSettings(port=7)), {"echo": echo})
jobs = {"echo": echo}
"""


def test_a_penstock_that_is_named_is_taken_with_its_own_settings(module: str) -> None:
    configured("penstock.toml", 1)

    found = application(None, app=f"{module}:penstock")

    assert found is sys.modules[module].penstock
    assert (list(found.settings.stores), found.settings.server.port) == (["own"], 7)


def test_what_the_options_say_comes_before_its_own_settings(module: str) -> None:
    app = f"{module}:penstock"

    kept = application(None, app=app, data=Path("here")).settings
    assert (kept.stores["main"].url, kept.server.port) == (
        f"sqlite:///{Path('here/penstock.db').absolute()}",
        7,
    )
    loaded = application(configured("other.toml", 2), app=app).settings
    assert (list(loaded.stores), loaded.server.port) == (["main"], 2)
    assert loaded.commands.http.allow_private == ()
    allowing = application(None, app=app, profile="development").settings
    assert "127.0.0.0/8" in allowing.commands.http.allow_private


def test_a_penstock_that_its_own_module_has_used_is_closed_first(module: str) -> None:
    used = application(None, app=f"{module}:penstock")
    pushed = used.push_sync(JobSpec("echo"))

    found = application(None, app=f"{module}:penstock")

    assert [one for one in threading.enumerate() if one.name == "penstock"] == []
    assert found.push_sync(JobSpec("echo")).id == pushed.id + 1
    found.close_sync()


def test_jobs_that_are_named_run_in_what_is_configured(module: str) -> None:
    configured("penstock.toml", 1)

    found = application(None, app=f"{module}:jobs")

    assert found is not sys.modules[module].penstock
    assert found.settings.server.port == 1
    assert "echo" in found.registry.types


@pytest.mark.parametrize(
    "app", ["", ":", ":jobs", "jobs_of_this_test:", "jobs_of_this_test:nope", "no_such_module:x"]
)
def test_what_cannot_be_named_is_said_with_the_option(module: str, app: str) -> None:
    with pytest.raises(SettingsError, match=f"^--app {app}: "):
        application(None, app=app)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\nraise ValueError('no\\nway')\n", "ValueError: no\nway (FILE, line 2)"),
        ("import no_such_module", "No module named 'no_such_module' (FILE, line 1)"),
        ("x = 1\ndef (\n", "SyntaxError: invalid syntax (broken_for_this_test.py, line 2)"),
        (
            "from penstock import Job\nclass Mail(Job, type='a b'):\n    to: str\n",
            "class Mail: type: 'a b' is no name; use 1 to 100 of A-Z a-z 0-9 _ . : - and start with a letter, "
            "a digit or _ (FILE, line 2)",
        ),
    ],
)
def test_a_module_that_cannot_be_imported_is_said_with_its_line(text: str, told: str) -> None:
    path = Path("broken_for_this_test.py").absolute()
    path.write_text(text)

    with pytest.raises(SettingsError) as caught:
        application(None, app="broken_for_this_test")

    assert str(caught.value) == f"--app broken_for_this_test: {told.replace('FILE', str(path))}"


@pytest.mark.parametrize("app", ["./jobs.py", "jobs.py", "jobs.py:Mail", "my/jobs", ".jobs"])
def test_a_file_is_no_module(app: str) -> None:
    with pytest.raises(SettingsError, match=r"is no module's name; write it as Python imports it"):
        application(None, app=app)


def test_what_is_neither_jobs_nor_a_penstock_is_refused_with_the_option(module: str) -> None:
    with pytest.raises(SettingsError, match=rf"^--app {module}:stores: (?!--app)"):
        application(None, app=f"{module}:stores")


def test_the_collector_leaves_alone_what_is_there_and_still_finds_what_comes() -> None:
    program = (
        "import gc, weakref\n"
        "from penstock.cli import options\n"
        "class Node: ...\n"
        "old = gc.get_freeze_count()\n"
        "options.collect_rarely()\n"
        "node = Node(); node.itself = node; gone = weakref.ref(node); del node\n"
        "few = [Node() for _ in range(10_000)]; still = gone() is not None\n"
        "for one in few: one.itself = one\n"
        "many = [Node() for _ in range(60_000)]\n"
        "print(gc.get_freeze_count() > old, still, gone() is None)\n"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert said.stdout == "True True True\n"
