"""`penstock pause`."""

import json

from penstock.serialization import JSON
from tests.cli.command import Shell
from tests.cli.jobs import push, run_all, state_of


def paused(penstock: Shell) -> list[JSON]:
    """The queues that are paused."""
    queues = json.loads(penstock("show-jobs", "--group", "--json").out)["queues"]
    return [[queue["domain"], queue["type"]] for queue in queues if queue["paused"]]


def test_no_job_of_the_type_begins_in_any_domain(penstock: Shell) -> None:
    first, second = push(penstock, "greet"), push(penstock, "greet", "--domain", "wiki1")
    other = push(penstock, "fail")

    answer = penstock("pause", "greet")
    run_all(penstock)

    assert (answer.code, answer.lines) == (
        0,
        ["default/greet is paused; 1 job waits", "wiki1/greet is paused; 1 job waits"],
    )
    assert [state_of(penstock, id) for id in (first, second, other)] == ["ready", "ready", "dead"]


def test_a_domain_is_paused_alone(penstock: Shell) -> None:
    push(penstock, "greet", "--domain", "wiki1")
    push(penstock, "greet", "--domain", "wiki2")

    answer = penstock("pause", "greet", "--domain", "wiki1", "--domain", "wiki1")

    assert answer.lines == ["wiki1/greet is paused; 1 job waits"]
    assert paused(penstock) == [["wiki1", "greet"]]


def test_a_type_yet_to_come_can_be_paused_and_a_slip_is_noticed(penstock: Shell) -> None:
    slip, own = penstock("pause", "htpp"), penstock("pause", "http")

    assert (slip.code, own.code) == (0, 0)
    assert slip.err == (
        "penstock pause: no job of type htpp was ever pushed there; did you mean http?\n"
    )
    assert own.err == ""
    assert paused(penstock) == [["default", "htpp"], ["default", "http"]]


def test_a_name_that_can_be_none_is_refused_in_one_line(penstock: Shell) -> None:
    for words in (("a b",), ("greet", "--domain", "a b")):
        answer = penstock("pause", *words)

        assert (answer.code, answer.out) == (1, "")
        assert answer.err.count("\n") == 1
        assert "'a b'" in answer.err
    assert paused(penstock) == []
