"""What the shared options mean: which configuration counts, and that nothing forges a log line."""

import asyncio
import logging
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from penstock.cli.options import EXAMPLES, _OneLine, handlers_of, run, settings_of
from penstock.errors import SettingsError


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
