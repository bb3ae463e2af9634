"""`penstock resume`."""

from tests.cli.command import Shell
from tests.cli.jobs import push, run_all, state_of


def test_jobs_begin_again_in_all_domains(penstock: Shell) -> None:
    first, second = push(penstock, "greet"), push(penstock, "greet", "--domain", "wiki1")
    penstock("pause", "greet")

    answer = penstock("resume", "greet")
    run_all(penstock)

    assert answer.lines == [
        "default/greet is resumed; 1 job waits",
        "wiki1/greet is resumed; 1 job waits",
    ]
    assert [state_of(penstock, id) for id in (first, second)] == ["done", "done"]


def test_other_domains_and_types_stay_paused(penstock: Shell) -> None:
    ids = [
        push(penstock, "greet"),
        push(penstock, "greet", "--domain", "wiki1"),
        push(penstock, "fail"),
    ]
    penstock("pause", "greet")
    penstock("pause", "fail")

    penstock("resume", "greet", "--domain", "wiki1")
    run_all(penstock)

    assert [state_of(penstock, id) for id in ids] == ["ready", "done", "ready"]


def test_a_slip_is_noticed(penstock: Shell) -> None:
    answer = penstock("resume", "exce")

    assert (answer.code, answer.out) == (0, "default/exce is resumed; 0 jobs wait\n")
    assert "did you mean exec?" in answer.err
