"""`penstock retry`."""

from tests.cli.command import Shell
from tests.cli.jobs import listed, push, run_all, state_of


def test_dead_jobs_are_ready_again_with_all_attempts_before_them(penstock: Shell) -> None:
    first, second = push(penstock, "fail"), push(penstock, "fail")
    run_all(penstock)

    answer = penstock("retry", str(first))

    assert (answer.code, answer.lines) == (0, [f"job {first} is ready"])
    assert listed(penstock)[first]["attempt"] == 0
    assert state_of(penstock, second) == "dead"


def test_a_job_that_is_not_dead_is_refused_and_stays_as_it_is(penstock: Shell) -> None:
    id = push(penstock, "greet")

    answer = penstock("retry", str(id), "99")

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines() == [
        f"penstock retry: job {id} is ready; only a dead job can be retried",
        "penstock retry: no job 99: it was never pushed, or retention has removed it",
    ]
    assert state_of(penstock, id) == "ready"
