"""`penstock run-jobs`: the classic's lines, result and exit codes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.cli.run_jobs import _exit_code, _report
from penstock.errors import EngineUnavailable
from penstock.runner.runjobs import Reached, Run
from tests.cli.command import Shell
from tests.installation import SOON

HANDLERS = """
from penstock.errors import Bury
from penstock.handler import FunctionHandler, Registry


async def bounce(context):
    return None


async def fail(context):
    raise Bury("it did not work")


registry = Registry({"BounceHandlerJob": FunctionHandler(bounce), "fail": FunctionHandler(fail)})
"""

WHEN = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def test_the_lines_of_the_classic_bounce_job(penstock: Shell) -> None:
    Path("bounces.py").write_text(HANDLERS)
    app = ("--app", "bounces:registry")
    email = json.dumps({"email": "x" * 1862})
    penstock("push", "BounceHandlerJob", "--params", email, "--context", "BounceHandler_Job", *app)

    answer = penstock("run-jobs", "--no-metadata", *app)

    line = " BounceHandlerJob BounceHandler_Job email=string\\(1862\\)"
    assert re.fullmatch(WHEN + line + " STARTING", answer.lines[0])
    assert re.fullmatch(WHEN + line + r" t=\d+ good", answer.lines[1])
    assert answer.code == 0


def test_a_failed_job_is_said_in_line_and_exit_code(penstock: Shell) -> None:
    Path("failing.py").write_text(HANDLERS)
    penstock("push", "fail", "--app", "failing:registry")

    answer = penstock("run-jobs", "--app", "failing:registry")

    assert answer.code == 1
    assert answer.lines[1].endswith("error=it did not work")
    assert "(id=1,timestamp=" in answer.lines[0]


def test_an_empty_queue(penstock: Shell) -> None:
    answer = penstock("run-jobs")

    assert (answer.code, answer.out) == (0, "Job queue is empty.\n")


def test_the_result_as_json(penstock: Shell) -> None:
    Path("both.py").write_text(HANDLERS)
    app = ("--app", "both:registry")
    penstock("push", "BounceHandlerJob", "--count", "2", *app)

    answer = penstock("run-jobs", "--result", "json", "--maxjobs", "1", *app)

    result = json.loads(answer.out)
    assert result["reached"] == "job-limit"
    assert [(job["type"], job["status"], job["error"]) for job in result["jobs"]] == [
        ("BounceHandlerJob", "ok", None)
    ]
    assert set(result) == {"jobs", "reached", "backoffs", "elapsed"}


def test_an_unknown_type_is_not_possible(penstock: Shell) -> None:
    answer = penstock("run-jobs", "--type", "fish", "--result", "json")

    assert json.loads(answer.out) == {
        "jobs": [],
        "reached": "none-possible",
        "backoffs": [],
        "elapsed": 0,
    }


def test_handlers_that_cannot_be_found_are_said(penstock: Shell) -> None:
    for app in ("nowhere:registry", "json:nothing", "json", "json:dumps"):
        answer = penstock("run-jobs", "--app", app)

        assert answer.code == 78
        assert app in answer.err


def test_a_limit_of_time_that_is_no_number_is_no_limit(penstock: Shell) -> None:
    for words in ("nan", "1e300"):
        assert penstock("run-jobs", "--maxtime", words).out == "Job queue is empty.\n"


def test_jobs_that_are_due_are_run_however_many_there_are(penstock: Shell) -> None:
    Path("due.py").write_text(HANDLERS)
    app = ("--app", "due:registry")
    penstock("push", "BounceHandlerJob", "--count", "600", "--delay", "0.001", *app)

    answer = penstock("run-jobs", "--result", "json", *app)

    assert len(json.loads(answer.out)["jobs"]) == 600


def test_a_store_that_went_away_is_said_in_result_and_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Run(reached=Reached.EXCEPTION, error=EngineUnavailable("the store is away"))

    _report(run, as_json=True)

    out, err = capsys.readouterr()
    assert json.loads(out)["reached"] == "exception"
    assert err == "penstock: the store is away\n"
    assert _exit_code(run) == 75


def run_into_nothing(*words: str) -> "subprocess.CompletedProcess[bytes]":
    """`penstock run-jobs`, whose standard output nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return subprocess.run(
            [sys.executable, "-m", "penstock.cli", "run-jobs", *words],
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=SOON * 2,
            check=False,
        )
    finally:
        os.close(writing)


def test_a_reader_that_goes_away_hurts_no_job(penstock: Shell, tmp_path: Path) -> None:
    Path("piped.py").write_text(HANDLERS)
    app = ("--app", "piped:registry")
    penstock("push", "BounceHandlerJob", "--count", "2", *app)

    ended = run_into_nothing(*app)

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert penstock("run-jobs", *app).out == "Job queue is empty.\n"


def test_plain_functions_are_handlers_too(penstock: Shell) -> None:
    Path("plain.py").write_text(
        "async def greet(context):\n    return 1\n\n\ndef block(context):\n    return 2\n\n\n"
        "handlers = {'greet': greet, 'block': block}\nwrong = {'greet': 3}\nbad = {'a b': greet}\n"
    )
    penstock("push", "greet", "--app", "plain:handlers")
    penstock("push", "block", "--app", "plain:handlers")

    ran = penstock("run-jobs", "--app", "plain:handlers")
    wrong = penstock("run-jobs", "--app", "plain:wrong")
    bad = penstock("run-jobs", "--app", "plain:bad")

    assert ran.out.count(" good") == 2
    assert (wrong.code, bad.code) == (78, 78)
    assert "greet is no handler" in wrong.err
    assert "'a b'" in bad.err


TALKING = """
from penstock import job


@job
def talk(context):
    print("a word")
    context.log.info("told")


@job
def forge():
    raise ValueError("a\\x1b[31m\\nforged")
"""


def test_what_a_handler_prints_is_none_of_the_lines(penstock: Shell) -> None:
    Path("talking.py").write_text(TALKING)
    app = ("--app", "talking")
    penstock("push", "talk", "--count", "2", *app)

    lines, result = (
        penstock("run-jobs", "--maxjobs", "1", *app),
        penstock("run-jobs", "--result", "json", *app),
    )

    assert [line.split()[2] for line in lines.lines] == ["talk", "talk"]
    assert json.loads(result.out)["jobs"][0]["status"] == "ok"
    assert lines.err.count("a word\n") == result.err.count("a word\n") == 1


def test_a_handler_that_prints_to_a_reader_that_has_gone_has_not_failed(
    penstock: Shell, tmp_path: Path
) -> None:
    Path("talking.py").write_text(TALKING)
    penstock("push", "talk", "--count", "2", "--app", "talking")

    ended = run_into_nothing("--app", "talking")

    assert ended.returncode == 0
    assert ended.stderr.count(b"a word\n") == ended.stderr.count(b"(talk) told\n") == 2


def test_what_a_handler_raises_forges_no_line(penstock: Shell) -> None:
    Path("talking.py").write_text(TALKING)
    penstock("push", "forge", "--app", "talking")

    ended = run_into_nothing("--app", "talking")

    assert b"ValueError" in ended.stderr
    assert b"\x1b" not in ended.stderr
    assert b"\nforged" not in ended.stderr
