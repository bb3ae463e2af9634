"""Which exec commands are taken, and how their words are read."""

from datetime import timedelta
from pathlib import Path

import pytest

from penstock.commands.exec import MAX_COMMAND, MAX_PROGRAM, MAX_WORDS, ExecCommand
from penstock.errors import BadJob, NotAllowed
from penstock.job import JobId
from penstock.serialization import JSON, JSONObject
from tests.commands.jobs import context, exec_command
from tests.commands.processes import script


@pytest.mark.parametrize("form", ["cmd", "argv"])
async def test_the_placeholder_is_the_id(form: str, run_any: ExecCommand, folder: Path) -> None:
    path = script(folder / "a.sh", 'printf "%s" "$*"')
    words = [str(path), "job=__JOBID__", "__JOBID____JOBID__"]
    params: JSONObject = {form: " ".join(words) if form == "cmd" else words}

    result = await run_any.run(context(params, id=42))

    assert isinstance(result, dict)
    assert result["output"] == "job=42 4242"


def test_the_placeholder_is_judged_as_the_number_that_it_will_be(folder: Path) -> None:
    exact = exec_command(f"{folder}/a.sh 1")

    exact.check({"argv": [f"{folder}/a.sh", "__JOBID__"]})


def test_a_callback_is_filled_with_the_id_that_it_is_given() -> None:
    params: JSONObject = {"cmd": "x __JOBID__", "argv": ["__JOBID__"], "timeout": 5}

    filled = exec_command().fill(params, JobId(5))

    assert filled == {"cmd": "x 5", "argv": ["5"], "timeout": 5}


@pytest.mark.parametrize(
    "cmd",
    ["ok.sh; touch pwn", "touch pwn", "/bin/sh -c id", "/opt/q/../../bin/sh", "./a.sh", "nope"],
)
async def test_by_default_nothing_runs_and_the_line_to_add_is_named(cmd: str) -> None:
    with pytest.raises(NotAllowed, match=r"\[commands\.exec\] allow = \["):
        exec_command().check({"cmd": cmd})
    with pytest.raises(NotAllowed, match=r"\[commands\.exec\] allow = \["):
        await exec_command().run(context({"cmd": cmd}))


async def test_where_a_link_leads_counts_at_the_run_too(folder: Path) -> None:
    inside = script(folder / "a.sh", "exit 0")
    only = exec_command(str(inside))
    link = folder / "link"
    link.symlink_to(inside)
    only.check({"cmd": str(link)})

    link.unlink()
    link.symlink_to("/bin/sh")

    with pytest.raises(NotAllowed):
        await only.run(context({"cmd": str(link)}))


WRONG: list[tuple[JSONObject, str]] = [
    ({}, "cmd"),
    ({"cmd": ""}, "cmd"),
    ({"cmd": "  "}, "cmd"),
    ({"cmd": "''"}, "cmd"),
    ({"cmd": "/bin/x 'open"}, "cmd"),
    ({"cmd": 5}, "cmd"),
    ({"cmd": ["/bin/x"]}, "cmd"),
    ({"argv": []}, "argv"),
    ({"argv": [""]}, "argv"),
    ({"argv": "/bin/x"}, "argv"),
    ({"argv": ["/bin/x", 1]}, "argv"),
    ({"argv": ["/bin/x", "a\0b"]}, "argv"),
    ({"cmd": "/bin/x", "argv": ["/bin/x"]}, "cmd"),
    ({"cmd": "/bin/x", "timeout": 0}, "timeout"),
    ({"cmd": "/bin/x", "timeout": "60"}, "timeout"),
    ({"cmd": "/bin/x", "shell": True}, "shell"),
    ({"cmd": "/bin/x", "comand": "x"}, "comand"),
]


@pytest.mark.parametrize(("params", "field"), WRONG)
def test_a_wrong_field_is_refused_by_name(params: JSONObject, field: str) -> None:
    with pytest.raises(BadJob) as refused:
        exec_command("/bin/x **").check(params)

    assert field in {error.field for error in refused.value.errors}


TOO_LONG: list[tuple[JSONObject, str]] = [
    ({"cmd": "/bin/x " + "y" * MAX_COMMAND}, "cmd"),
    ({"argv": ["/bin/x", "y" * MAX_WORDS]}, "argv"),
    ({"argv": ["/bin/x", *["y"] * MAX_WORDS]}, "argv"),
    ({"argv": ["/" + "a/" * (MAX_PROGRAM // 2) + "b"]}, "argv"),
    ({"cmd": "/" + "a/../" * (MAX_PROGRAM // 5) + "bin/x"}, "cmd"),
]


@pytest.mark.parametrize(("params", "field"), TOO_LONG)
def test_what_is_too_long_is_refused_before_it_costs_time(params: JSONObject, field: str) -> None:
    with pytest.raises(BadJob, match=r"characters; (at most|a path has at most) \d+") as refused:
        exec_command("/bin/x **").check(params)

    assert [error.field for error in refused.value.errors] == [field]


def test_what_is_just_short_enough_is_taken() -> None:
    command = exec_command("/nowhere/x **")

    command.check({"cmd": "/nowhere/x ".ljust(MAX_COMMAND, "y")})
    command.check({"argv": ["/nowhere/x", "y" * (MAX_WORDS - len("/nowhere/x"))]})
    with pytest.raises(NotAllowed):
        command.check({"argv": ["/" + "a/" * (MAX_PROGRAM // 2 - 1) + "bb"]})


@pytest.mark.parametrize(
    ("asked", "seconds"), [({}, 65), ({"timeout": 20}, 25), ({"timeout": "wrong"}, 65)]
)
def test_the_job_has_a_little_longer_than_the_command(asked: JSONObject, seconds: int) -> None:
    params: dict[str, JSON] = {"cmd": "/bin/x", **asked}

    assert exec_command().timeout(params) == timedelta(seconds=seconds)
