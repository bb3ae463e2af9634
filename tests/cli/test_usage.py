"""Wrong usage is told in one line: which verb, what is wrong with it, what to do."""

import click
import pytest

from penstock.cli.usage import explain, suggest
from tests.cli.command import Shell


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sreve",), "penstock: no verb sreve; did you mean serve?"),
        (("xyzzy",), "penstock: no verb xyzzy; `penstock --help` lists them"),
        (("--nope",), "penstock: no option --nope; see `penstock --help`"),
        (("--versoin",), "penstock: no option --versoin; did you mean --version?"),
        (
            ("worker", "--prcs", "3"),
            "penstock worker: no option --prcs; did you mean --procs?",
        ),
        (("push", "--zz"), "penstock push: no option --zz; see `penstock push --help`"),
        (
            ("push",),
            "penstock push: TYPE is missing; `penstock push --help` shows an example",
        ),
        (
            ("cancel",),
            "penstock cancel: ID is missing; `penstock cancel --help` shows an example",
        ),
        (
            ("cancel", "1", "x"),
            "penstock cancel: ID: 'x' is no id of a job; ids are whole numbers from 1 on",
        ),
        (
            ("retry", "9007199254740992"),
            "penstock retry: ID: '9007199254740992' is no id of a job; "
            "ids are whole numbers from 1 on",
        ),
        (
            ("serve", "--port", "70000"),
            "penstock serve: --port: 70000 is not in the range 0<=x<=65535",
        ),
        (
            ("serve", "--port"),
            "penstock serve: --port requires an argument; see `penstock serve --help`",
        ),
        (
            ("completion", "tcsh"),
            "penstock completion: SHELL: 'tcsh' is not one of 'bash', 'zsh', 'fish'",
        ),
        (
            ("pause", "http", "exec"),
            "penstock pause: got unexpected extra argument (exec); see `penstock pause --help`",
        ),
        (("a\nb",), r"penstock: no verb a\nb; `penstock --help` lists them"),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_to_do(
    penstock: Shell, words: tuple[str, ...], told: str
) -> None:
    answer = penstock(*words)

    assert (answer.code, answer.out, answer.err) == (2, "", f"{told}\n")


def test_an_error_without_a_place_is_told_too() -> None:
    error = click.FileError("a.txt", "no such\nfile")

    assert explain(error).startswith("penstock: ")
    assert "\n" not in explain(error)


def test_the_nearest_word_is_suggested() -> None:
    assert suggest("htpp", ["exec", "http"], otherwise="look") == "did you mean http?"
    assert suggest("mail", ["exec", "http"], otherwise="look") == "look"
