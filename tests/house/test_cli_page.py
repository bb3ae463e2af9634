"""The page of the command line and the commands themselves tell the same."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

from penstock.cli import exits
from penstock.cli.main import HELP, VERBS, verbs

PAGE = (Path(__file__).parents[2] / "docs/cli.md").read_text()
HEADING = re.compile(r"^## `penstock (?P<verb>[a-z-]+)(?P<arguments>[^`]*)`$", re.MULTILINE)
OPTION = re.compile(r"`(--[a-z-]+)[^`]*`")
FENCED = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"(?:^|\$\()penstock ([^)>|\n]*)", re.MULTILINE)


def sections() -> Mapping[str, str]:
    """The heading's arguments and the text of each verb's section, by the verb."""
    found = list(HEADING.finditer(PAGE))
    ends = [one.start() for one in found[1:]] + [len(PAGE)]
    return {
        one["verb"]: one["arguments"] + PAGE[one.end() : end]
        for one, end in zip(found, ends, strict=True)
    }


def command(verb: str) -> click.Command:
    """The verb."""
    found = verbs.get_command(click.Context(verbs), verb)
    assert found is not None
    return found


def rows(section: str) -> Iterator[str]:
    """What a section says of options: the first cells of its table, and the list of those that many verbs take."""
    for line in section.splitlines():
        if line.startswith("| `--"):
            yield line.split("|")[1]
        elif line.startswith(("Also: ", "Options: ")):
            yield line


def test_the_page_has_every_verb_in_the_order_of_the_help() -> None:
    assert list(sections()) == list(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_a_section_has_every_option_of_its_verb_once_and_no_other(verb: str) -> None:
    told = [option for row in rows(sections()[verb]) for option in OPTION.findall(row)]

    taken = [
        option
        for param in command(verb).params
        if isinstance(param, click.Option) and not param.hidden
        for option in param.opts
    ]

    assert sorted(told) == sorted(taken)


@pytest.mark.parametrize("verb", VERBS)
def test_a_heading_has_the_arguments_of_its_verb(verb: str) -> None:
    told = sections()[verb].partition("\n")[0].split()

    arguments = [param for param in command(verb).params if isinstance(param, click.Argument)]

    assert told == [
        "SHELL" if param.name == "shell" else param.human_readable_name for param in arguments
    ]


def calls() -> list[str]:
    """Every example of the page and of the help, without its `penstock`."""
    page = [call for block in FENCED.findall(PAGE) for call in CALL.findall(block)]
    help = [(command(verb).epilog or "").partition("Example: penstock ")[2] for verb in VERBS]
    return page + [CALL.findall(f"penstock {example}")[0] for example in help]


@pytest.mark.parametrize("call", calls())
def test_an_example_is_right_usage(call: str) -> None:
    verb, *words = shlex.split(call, comments=True)

    with command(verb).make_context(verb, words) as context:
        assert context.params


@pytest.mark.parametrize("verb", VERBS)
def test_a_section_has_an_example_of_its_verb(verb: str) -> None:
    blocks = "\n".join(FENCED.findall(sections()[verb]))

    assert any(call.startswith(verb) for call in CALL.findall(blocks))


def test_the_options_of_many_verbs_are_explained() -> None:
    head = PAGE[: PAGE.index("## ")]
    explained = {option for row in rows(head) for option in OPTION.findall(row)}

    also = [row for text in sections().values() for row in rows(text) if not row.startswith(" `")]

    assert {option for row in also for option in OPTION.findall(row)} <= explained


def test_the_exit_codes_are_those_of_the_code_and_of_the_help() -> None:
    codes = {code for name, code in vars(exits).items() if name.isupper()}

    page = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)

    assert {int(code) for code in page} == codes
    assert {int(code) for code in re.findall(r"\b\d+\b", HELP.partition("Exit codes:")[2])} == codes
