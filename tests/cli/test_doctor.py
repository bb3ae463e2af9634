"""`penstock doctor`."""

from pathlib import Path

import msgspec
import pytest

from penstock.cli.doctor import line_of
from penstock.cli.exits import FAILED, MISUSED, OK
from penstock.doctor import Told
from penstock.examination import About, ok, wrong
from tests.cli.command import Shell


def test_before_the_first_start_it_says_what_to_do_and_makes_nothing(penstock: Shell) -> None:
    answer = penstock("doctor")

    assert answer.code == FAILED
    assert any(
        line.startswith("wrong  main: schema: there is no store yet; run `penstock migrate`")
        for line in answer.lines
    )
    assert list(Path().iterdir()) == []


def test_all_is_well_in_a_new_store(penstock: Shell) -> None:
    penstock("migrate")

    answer = penstock("doctor")

    assert answer.code == OK
    assert {line.split()[0] for line in answer.lines} == {"ok"}
    assert answer.err == ""


def test_as_json_each_finding_says_what_to_change(penstock: Shell) -> None:
    Path("penstock.toml").write_text("[queues.greet]\n")
    penstock("push", "greet")

    answer = penstock("doctor", "--json")

    report = msgspec.json.decode(answer.out)
    assert answer.code == FAILED
    assert report["ok"] is False
    [found] = [one for one in report["findings"] if one["level"] == "wrong"]
    assert (found["store"], found["about"]) == ("main", "runners")
    assert "penstock worker" in found["change"]


def test_it_makes_no_directory(penstock: Shell) -> None:
    answer = penstock("doctor", "--data", "nowhere")

    assert answer.code == MISUSED
    assert not Path("nowhere").exists()


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (Told("main", ok(About.CLOCK, "agrees")), "ok     main: clock: agrees"),
        (
            Told(None, wrong(About.REACH, "a\nb", "c")),
            "wrong  all stores: reach: a\\nb; c",
        ),
    ],
)
def test_a_finding_is_one_line(told: Told, line: str) -> None:
    assert line_of(told) == line
