"""`penstock show-jobs`: the classic's count, its lines by queue and by job; and JSON of all three."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.cli.command import Shell
from tests.cli.jobs import listed, push, run_all
from tests.installation import SOON


@pytest.fixture
def several(penstock: Shell) -> Shell:
    """Jobs 1 done, 2 dead, 3 ready, 4 scheduled and 5 ready in another domain, and 6 cancelled."""
    push(penstock, "greet")
    push(penstock, "fail")
    run_all(penstock)
    push(penstock, "greet", "--param", "name=ann")
    push(penstock, "greet", "--delay", "3600")
    push(penstock, "fail", "--domain", "wiki1")
    push(penstock, "fail")
    penstock("cancel", "6")
    return penstock


def test_an_empty_installation(penstock: Shell) -> None:
    assert penstock("show-jobs").out == "0\n"
    assert penstock("show-jobs", "--group").out == ""
    assert penstock("show-jobs", "--list").out == ""
    assert json.loads(penstock("show-jobs", "--list", "--json").out) == {"jobs": []}


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ((), 3),
        (("--type", "greet"), 2),
        (("--type", "greet", "--type", "fail"), 3),
        (("--domain", "wiki1"), 1),
        (("--type", "greet", "--domain", "wiki1"), 0),
        (("--type", "fish"), 0),
        (("--status", "dead"), 1),
        (("--status", "abandoned"), 1),
        (("--status", "unclaimed"), 2),
        (("--status", "delayed"), 1),
        (("--status", "done", "--status", "cancelled"), 2),
    ],
)
def test_without_more_it_is_one_number(several: Shell, words: tuple[str, ...], count: int) -> None:
    assert several("show-jobs", *words).out == f"{count}\n"
    assert json.loads(several("show-jobs", *words, "--json").out) == {"count": count}


def test_by_queue_in_the_words_of_the_classic(several: Shell) -> None:
    several("pause", "greet")

    lines = several("show-jobs", "--group").lines

    assert lines == [
        "fail: 0 queued; 1 claimed (0 active, 1 abandoned); 0 delayed",
        "greet: 1 queued; 0 claimed (0 active, 0 abandoned); 1 delayed; paused",
        "wiki1/fail: 1 queued; 0 claimed (0 active, 0 abandoned); 0 delayed",
    ]


def test_queues_are_picked_by_type_domain_and_status(several: Shell) -> None:
    def names(*words: str) -> list[str]:
        return [line.partition(":")[0] for line in several("show-jobs", "--group", *words).lines]

    assert names("--type", "fail") == ["fail", "wiki1/fail"]
    assert names("--domain", "wiki1") == ["wiki1/fail"]
    assert names("--status", "done") == ["greet"]


def test_queues_as_json_have_all_seven_counts(several: Shell) -> None:
    answer = json.loads(several("show-jobs", "--group", "--type", "greet", "--json").out)

    none = {"claimed": 0, "dead": 0, "cancelled": 0, "superseded": 0}
    assert answer == {
        "queues": [
            {
                "domain": "default",
                "type": "greet",
                "store": "main",
                "paused": False,
                "counts": {"scheduled": 1, "ready": 1, "done": 1, **none},
            }
        ]
    }


def test_jobs_that_are_not_finished_are_listed_the_newest_first(several: Shell) -> None:
    lines = several("show-jobs", "--list").lines

    assert [re.sub(r",timestamp=\d{14}", "", line) for line in lines] == [
        "fail default (id=5) domain=wiki1 status=ready",
        "greet default (id=4) status=scheduled",
        "greet default name=ann (id=3) status=ready",
        r"fail default (id=2) status=dead error=never\nagain",
    ]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (("--type", "greet"), [4, 3]),
        (("--domain", "wiki1"), [5]),
        (("--status", "done"), [1]),
        (("--status", "dead", "--status", "abandoned"), [2]),
        (("--status", "ready", "--type", "greet", "--type", "fail"), [5, 3]),
        (("--type", "fish"), []),
    ],
)
def test_jobs_are_picked_by_type_domain_and_status(
    several: Shell, words: tuple[str, ...], ids: list[int]
) -> None:
    assert list(listed(several, *words)) == ids


def test_of_more_than_the_limit_the_newest_are_listed_and_it_is_said(several: Shell) -> None:
    some, all_of_them = (several("show-jobs", "--list", "--limit", limit) for limit in ("2", "4"))

    assert len(some.lines) == 2
    assert "(id=5," in some.lines[0]
    assert some.err == "penstock show-jobs: these are the newest 2; --limit shows more\n"
    assert (len(all_of_them.lines), all_of_them.err) == (4, "")


def test_a_list_may_be_longer_than_a_page(penstock: Shell) -> None:
    push(penstock, "greet", "--count", "1100")

    answer = penstock("show-jobs", "--list", "--limit", "1050")

    assert len(answer.lines) == 1050
    assert "(id=1100," in answer.lines[0]
    assert "(id=51," in answer.lines[-1]


def test_a_limit_without_a_list_is_wrong_usage(penstock: Shell) -> None:
    answer = penstock("show-jobs", "--limit", "3")

    assert answer.code == 2
    assert answer.err.startswith("penstock show-jobs: --limit belongs to --list")


def test_a_name_that_can_be_none_is_said(penstock: Shell) -> None:
    answer = penstock("show-jobs", "--list", "--domain", "a b")

    assert answer.code == 1
    assert "domain: 'a b'" in answer.err


def test_no_job_forges_a_line(penstock: Shell) -> None:
    push(penstock, "greet", "--param", "name=a\nfail default (id=9) status=ready")

    assert len(penstock("show-jobs", "--list").lines) == 1


def test_a_reader_that_goes_away_ends_the_list_quietly(penstock: Shell) -> None:
    push(penstock, "greet", "--count", "10")
    reading, writing = os.pipe()
    os.close(reading)

    ended = subprocess.run(
        [sys.executable, "-m", "penstock.cli", "show-jobs", "--list"],
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=SOON * 2,
        check=False,
    )
    os.close(writing)

    assert (ended.returncode, ended.stderr) == (0, b"")
