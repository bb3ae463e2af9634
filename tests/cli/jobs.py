"""Handlers and jobs for tests of the command line: a module in the test's directory, and how to push its jobs."""

import json
from pathlib import Path

from penstock.serialization import JSON
from tests.cli.command import Answer, Shell

APP = """
from penstock.errors import Bury
from penstock.handler import FunctionHandler, Registry


async def greet(context):
    print("greeting", context.params.get("name"))
    context.report(50, "half way")
    context.log.info("a line in the log")
    return {"hello": context.params.get("name")}


async def fail(context):
    raise Bury("never\\nagain")


async def later(context):
    raise RuntimeError("not now")


registry = Registry(
    {"greet": FunctionHandler(greet), "fail": FunctionHandler(fail), "later": FunctionHandler(later)}
)
"""
GIVEN = ("--app", "handlers_of_tests:registry")


def write_app() -> None:
    """The handlers are in the directory of the test."""
    Path("handlers_of_tests.py").write_text(APP)


def push(penstock: Shell, type: str, *words: str) -> int:
    """The id of a job that waits now."""
    write_app()
    answer = penstock("push", type, *words, *GIVEN)
    assert answer.code == 0, answer.err
    return int(answer.lines[0])


def run_all(penstock: Shell) -> Answer:
    """All that waits has run once."""
    return penstock("run-jobs", *GIVEN)


def listed(penstock: Shell, *words: str) -> dict[int, dict[str, JSON]]:
    """The jobs that `show-jobs --list` shows, by their ids."""
    answer = penstock("show-jobs", "--list", "--json", *words)
    assert answer.code == 0, answer.err
    return {job["id"]: job for job in json.loads(answer.out)["jobs"]}


def state_of(penstock: Shell, id: int) -> JSON:
    """The state of the job."""
    every = ("scheduled", "ready", "claimed", "done", "dead", "cancelled", "superseded")
    found = listed(penstock, *[word for state in every for word in ("--status", state)])
    return found[id]["state"]
