"""`penstock copy-queue`."""

import json
from pathlib import Path

import pytest

from tests.cli.command import Shell

CONFIG = """
[stores.main]
url = "sqlite:///main.db"

[stores.other]
url = "sqlite:///other.db"
number = 1

[stores.east]
url = "sqlite:///east.db"
number = 2

[stores.wide]
partitions = {{ other = 1, east = 1 }}

[stores.fast]
url = "memory://"
number = 3
accept_volatile = true

[queues.default]
store = "main"

[queues.mail]
store = "{home}"
"""


@pytest.fixture
def mail(penstock: Shell) -> Shell:
    """Three mails wait in `main`, one of them for later and one in a domain; mail lives in `other` from now on."""
    lives_in("main")
    for words in ((), ("--delay", "3600"), ("--domain", "wiki1")):
        assert penstock("push", "mail", *words).code == 0
    lives_in("other")
    return penstock


def lives_in(store: str) -> None:
    Path("penstock.toml").write_text(CONFIG.format(home=store))


def copy(penstock: Shell, *words: str, source: str = "main", target: str = "other") -> list[str]:
    """The lines of a copy that goes well."""
    answer = penstock("copy-queue", "--type", "mail", "--from", source, "--to", target, *words)
    assert answer.code == 0, answer.err
    return list(answer.lines)


def test_a_line_for_each_queue_tells_what_became_of_it(mail: Shell) -> None:
    assert copy(mail) == [
        "default/mail from main to other: 2 copied, 0 already there, 0 deduplicated, 0 refused, 0 removed; "
        "left: 2 waiting, 0 claimed",
        "wiki1/mail from main to other: 1 copied, 0 already there, 0 deduplicated, 0 refused, 0 removed; "
        "left: 1 waiting, 0 claimed",
    ]
    assert mail("show-jobs").lines == ["6"]


def test_the_same_command_again_copies_nothing_twice(mail: Shell) -> None:
    copy(mail)

    [first, second] = copy(mail)

    assert "0 copied, 2 already there" in first
    assert "0 copied, 1 already there" in second
    assert mail("show-jobs").lines == ["6"]


def test_a_move_leaves_each_job_in_one_store(mail: Shell) -> None:
    [first, _] = copy(mail, "--move", "--batch", "1")

    assert "2 copied" in first
    assert "2 removed; left: 0 waiting, 0 claimed" in first
    assert mail("show-jobs").lines == ["3"]


def test_a_domain_may_be_moved_alone(mail: Shell) -> None:
    [line] = copy(mail, "--move", "--domain", "wiki1")

    assert line.startswith("wiki1/mail from main to other: 1 copied")


def test_a_federation_may_be_source_and_target(mail: Shell) -> None:
    copy(mail, "--move", target="wide")
    lines = copy(mail, "--move", source="wide", target="main")

    assert {line.split()[2] for line in lines} <= {"other", "east"}
    assert mail("show-jobs").lines == ["3"]


def test_a_dry_run_changes_nothing(mail: Shell) -> None:
    assert copy(mail, "--dry-run", "--move", "--domain", "default") == [
        "default/mail from main to other: 2 would be copied, 1 of them scheduled; 0 claimed would stay"
    ]
    assert mail("show-jobs").lines == ["3"]


def test_programs_read_one_document(mail: Shell) -> None:
    [foreseen] = copy(mail, "--dry-run", "--json", "--domain", "default")
    [copied] = copy(mail, "--json", "--domain", "default")

    left = {"scheduled": 1, "ready": 1, "claimed": 0}
    queue = {"from": "main", "domain": "default", "type": "mail", "left": left}
    figures = {"copied": 2, "already_there": 0, "deduplicated": 0, "refused": 0, "removed": 0}
    assert json.loads(foreseen) == {"to": "other", "queues": [queue]}
    assert json.loads(copied) == {"to": "other", "queues": [queue | figures]}


def test_where_nothing_waits_that_is_said(mail: Shell) -> None:
    copy(mail, "--move")

    assert copy(mail, "--move") == ["no job of type mail waits there"]
    assert copy(mail, source="east", target="main") == ["no job of type mail waits there"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ("--from", "mian", "--to", "other"),
            78,
            "no store mian is configured; did you mean main?",
        ),
        (("--from", "main", "--to", "main"), 1, "main is both source and target; name two stores"),
        (("--from", "other", "--to", "wide"), 1, "other is a part of wide"),
        (("--from", "main", "--to", "fast"), 1, "fast lives in the memory of each process"),
        (("--from", "fast", "--to", "main"), 1, "fast lives in the memory of each process"),
        (("--to", "main"), 2, "--from is missing"),
        (("--from", "main", "--to", "other", "--batch", "0"), 2, "--batch"),
    ],
)
def test_what_makes_no_sense_is_refused(
    mail: Shell, words: tuple[str, ...], code: int, told: str
) -> None:
    answer = mail("copy-queue", "--type", "mail", *words)

    assert (answer.code, answer.out) == (code, "")
    assert told in answer.err
    assert mail("show-jobs").lines == ["3"]


def test_an_unknown_type_is_refused_with_the_nearest(mail: Shell) -> None:
    answer = mail("copy-queue", "--type", "mial", "--from", "main", "--to", "other")

    assert answer.code == 1
    assert "no job of type mial was ever pushed; did you mean mail?" in answer.err


def test_whoever_has_not_changed_the_configuration_is_told_which_line(mail: Shell) -> None:
    lives_in("main")

    answer = mail("copy-queue", "--type", "mail", "--from", "main", "--to", "other")

    assert answer.code == 0
    assert 'add to [queues.mail]: store = "other"' in answer.err


def test_a_pause_that_was_there_is_told(mail: Shell) -> None:
    lives_in("main")
    assert mail("pause", "mail", "--domain", "default").code == 0
    lives_in("other")

    answer = mail("copy-queue", "--type", "mail", "--from", "main", "--to", "other", "--move")

    assert "default/mail was paused in main before, and still is" in answer.err
    assert "wiki1/mail was paused" not in answer.err
