"""The command as a stranger meets it: help, versions, errors and exit codes."""

import subprocess
import sys
from collections.abc import Coroutine

import pytest

from penstock.cli.main import VERBS
from tests.cli.command import Shell


def test_help_names_every_verb_and_what_the_exit_codes_mean(penstock: Shell) -> None:
    answer = penstock("--help")

    assert answer.code == 0
    for verb, (_, about) in VERBS.items():
        assert f"  {verb} " in answer.out
        assert about.split(",")[0] in answer.out
    assert "75" in answer.out


def test_help_lists_the_verbs_as_a_stranger_needs_them(penstock: Shell) -> None:
    listed = penstock("--help").out.partition("Verbs:")[2].splitlines()[1:]

    assert [line.split()[0] for line in listed] == list(VERBS)
    assert next(iter(VERBS)) == "serve"


def test_the_bare_command_shows_the_help(penstock: Shell) -> None:
    bare, asked = penstock(), penstock("-h")

    assert (bare.code, bare.err) == (0, "")
    assert bare.out == asked.out


def test_help_imports_no_verb_and_no_store() -> None:
    look = (
        "import sys; sys.argv = ['penstock', '--help']; from penstock.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )

    told = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60
    )

    loaded = set(told.stderr.split())
    assert "penstock.cli.main" in loaded
    assert not loaded & {"penstock.app", "penstock.settings", "asyncio", "aiohttp", "msgspec"}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(penstock: Shell, verb: str) -> None:
    answer = penstock(verb, "--help")

    assert answer.code == 0
    assert f"Example: penstock {verb}" in answer.out


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "completion"])
def test_every_verb_that_needs_a_configuration_takes_one(penstock: Shell, verb: str) -> None:
    assert "--config" in penstock(verb, "--help").out


def test_the_version(penstock: Shell) -> None:
    assert penstock("--version").out == "penstock, version 0.1.0\n"


def test_an_interrupt_ends_quietly(penstock: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(main: Coroutine[object, object, object]) -> None:
        main.close()
        raise KeyboardInterrupt

    monkeypatch.setattr("penstock.cli.options.run", interrupted)

    answer = penstock("show-jobs")

    assert (answer.code, answer.out, answer.err.strip()) == (130, "", "")


def test_a_wrong_configuration_is_one_line_and_its_own_exit_code(penstock: Shell) -> None:
    with open("penstock.toml", "w") as file:
        file.write("[server]\nprot = 1\n")

    answer = penstock("run-jobs")

    assert answer.code == 78
    assert answer.err.count("\n") == 1
    assert "penstock.toml:2" in answer.err
    assert "did you mean port" in answer.err


def test_a_missing_configuration_is_said(penstock: Shell) -> None:
    answer = penstock("migrate", "--config", "missing.toml")

    assert answer.code == 78
    assert "missing.toml" in answer.err


def test_a_store_without_engine_is_said_with_those_there_are(penstock: Shell) -> None:
    with open("penstock.toml", "w") as file:
        file.write('[stores.main]\nurl = "oracle://localhost/x"\n')

    answer = penstock("run-jobs")

    assert answer.code == 78
    assert "oracle" in answer.err
    assert "sqlite" in answer.err


def test_a_store_that_loses_jobs_is_refused_with_the_line_to_add(penstock: Shell) -> None:
    with open("penstock.toml", "w") as file:
        file.write('[stores.main]\nurl = "memory://"\n')

    answer = penstock("run-jobs")

    assert answer.code == 78
    assert "accept_volatile = true" in answer.err
