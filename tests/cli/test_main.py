"""The command as a stranger meets it: help, versions, errors and exit codes."""

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


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example_and_a_config(penstock: Shell, verb: str) -> None:
    answer = penstock(verb, "--help")

    assert answer.code == 0
    assert f"Example: penstock {verb}" in answer.out
    assert "--config" in answer.out


def test_the_version(penstock: Shell) -> None:
    assert penstock("--version").out == "penstock, version 0.1.0\n"


def test_an_unknown_verb_is_wrong_usage(penstock: Shell) -> None:
    answer = penstock("sreve")

    assert answer.code == 2
    assert "sreve" in answer.err


def test_an_unknown_option_is_wrong_usage(penstock: Shell) -> None:
    assert penstock("push", "--nope", "x").code == 2


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
        file.write('[stores.main]\nurl = "postgresql://localhost/x"\n')

    answer = penstock("run-jobs")

    assert answer.code == 78
    assert "postgresql" in answer.err
    assert "sqlite" in answer.err


def test_a_store_that_loses_jobs_is_refused_with_the_line_to_add(penstock: Shell) -> None:
    with open("penstock.toml", "w") as file:
        file.write('[stores.main]\nurl = "memory://"\n')

    answer = penstock("run-jobs")

    assert answer.code == 78
    assert "accept_volatile = true" in answer.err
