"""`penstock run-job`: one line says what became of the job; what is refused changes nothing."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from penstock.cli.run_job import report, result_of
from penstock.job import Job, Move, State
from penstock.policy import Outcome
from penstock.runner.runjob import Ended
from tests.cli.command import Shell
from tests.cli.jobs import GIVEN, listed, push, run_all, state_of
from tests.commands.jobs import context
from tests.installation import SOON

CLAIMED = context({}).job  # number 7, on its first attempt of 3


def test_its_output_then_its_result_then_what_became_of_it(penstock: Shell) -> None:
    id = push(penstock, "greet", "--param", "name=ann")

    answer = penstock("run-job", str(id), *GIVEN)

    assert answer.code == 0
    assert answer.lines[:2] == ["greeting ann", '{"hello":"ann"}']
    assert re.fullmatch(rf"job {id} is done after \S+ s", answer.lines[2])
    assert len(answer.lines) == 3
    assert "50 % half way\n" in answer.err
    assert state_of(penstock, id) == "done"


def test_only_this_job_runs_although_it_is_scheduled_and_its_queue_paused(penstock: Shell) -> None:
    first, second = (push(penstock, "greet", "--delay", "3600") for _ in range(2))
    penstock("pause", "greet")

    assert penstock("run-job", str(second), *GIVEN).code == 0

    assert [state_of(penstock, id) for id in (first, second)] == ["scheduled", "done"]


def test_a_job_that_fails_for_good_is_said_in_one_line(penstock: Shell) -> None:
    id = push(penstock, "fail")

    answer = penstock("run-job", str(id), *GIVEN)

    assert answer.code == 1
    [line] = answer.lines
    assert re.fullmatch(
        rf"job {id} is dead after \S+ s: never\\nagain; `penstock retry {id}` lets it run again",
        line,
    )
    assert state_of(penstock, id) == "dead"


def test_a_failed_attempt_says_when_the_next_is(penstock: Shell) -> None:
    id = push(penstock, "later")

    answer = penstock("run-job", str(id), *GIVEN)

    assert answer.code == 1
    [line] = answer.lines
    assert re.search(
        r"failed after \S+ s: RuntimeError: not now; attempt 1 of 3, the next in", line
    )
    assert state_of(penstock, id) == "scheduled"


def test_a_reader_that_goes_away_fails_no_job(penstock: Shell) -> None:
    id = push(penstock, "greet")
    reading, writing = os.pipe()
    os.close(reading)

    ended = subprocess.run(
        [sys.executable, "-m", "penstock.cli", "run-job", str(id), *GIVEN],
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=SOON * 4,
        check=False,
    )
    os.close(writing)

    assert ended.returncode == 0, ended.stderr
    assert state_of(penstock, id) == "done"


def test_an_unknown_job_is_refused(penstock: Shell) -> None:
    answer = penstock("run-job", "99", *GIVEN[:0])

    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "penstock: no job 99: it was never pushed, or retention has removed it\n"


def test_a_job_that_has_ended_is_refused(penstock: Shell) -> None:
    id = push(penstock, "greet")
    run_all(penstock)

    answer = penstock("run-job", str(id), *GIVEN)

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"penstock: job {id} is done; only a scheduled or ready job")


def test_a_type_without_a_handler_is_refused_and_the_job_stays(penstock: Shell) -> None:
    id = push(penstock, "greet")

    answer = penstock("run-job", str(id))

    assert (answer.code, answer.out) == (1, "")
    assert "no handler for type 'greet'" in answer.err
    assert answer.err.endswith("name your handlers with --app\n")
    [job] = listed(penstock).values()
    assert (job["state"], job["attempt"]) == ("ready", 0)


def ended(outcome: Outcome | None, now: Job | None = None) -> Ended:
    """The end of job 7, after a second and a half."""
    return Ended(claimed=CLAIMED, took=timedelta(seconds=1.5), outcome=outcome, now=now)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (ended(Outcome(move=Move.ACK)), "job 7 is done after 1.5 s"),
        (
            ended(Outcome(move=Move.RETRY, error="no\nway", after=timedelta(seconds=5))),
            r"job 7 failed after 1.5 s: no\nway; attempt 1 of 3, the next in 5 s",
        ),
        (
            ended(Outcome(move=Move.RELEASE)),
            "job 7 was given back after 1.5 s: it waits again, and its attempt does not count",
        ),
        (
            ended(Outcome(move=Move.CANCEL, error="enough")),
            "job 7 is cancelled after 1.5 s: enough",
        ),
        (
            ended(
                Outcome(move=Move.RETRY, error="no"),
                replace(CLAIMED, state=State.CANCELLED, error="enough"),
            ),
            "job 7 is cancelled after 1.5 s: enough",
        ),
        (
            ended(None),
            "job 7 was lost after 1.5 s: its claim ran out, and whoever has it now says "
            "what becomes of it",
        ),
    ],
)
def test_what_became_of_it_is_one_line(what: Ended, told: str) -> None:
    assert report(what) == told


def test_a_result_moves_no_cursor() -> None:
    done = ended(Outcome(move=Move.ACK, result='{"output":"\x9b"}'))

    assert result_of(done) == r'{"output":"\x9b"}'
    assert result_of(ended(Outcome(move=Move.ACK))) is None
    assert result_of(ended(None)) is None
