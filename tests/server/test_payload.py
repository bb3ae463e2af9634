"""From JSON to jobs."""

from datetime import UTC, datetime, timedelta

import pytest

from penstock.errors import BadJob, NotAllowed, UnknownJob
from penstock.inspection import JobWish
from penstock.job import Callback, On, QueueKey, Root, State
from penstock.queue import JobSpec
from penstock.serialization import JSON, JSONObject
from penstock.server.body import Unreadable
from penstock.server.payload import (
    MAX_BATCH,
    MAX_ID,
    batch,
    job_id,
    legacy_job,
    listing,
    many,
    native_job,
    queue_key,
    waiting,
)

COMMAND: JSON = {"type": "http", "url": "u", "timeout": 3}


def test_the_shape_of_the_queue_server_becomes_a_job() -> None:
    asked = legacy_job({"command": COMMAND, "callback_done": COMMAND, "priority": 7})

    assert asked.spec == JobSpec(
        type="http",
        params={"url": "u", "timeout": 3},
        priority=7,
        callbacks=(
            Callback(on=On.DONE, type="http", params='{"url":"u","timeout":3}', report=False),
        ),
    )


def test_our_own_shape_becomes_a_job() -> None:
    asked = native_job(
        {
            "type": "mail",
            "params": {"a": 1},
            "domain": "d",
            "context": "c",
            "priority": 0,
            "delay": 1.5,
            "dedupe": ["a"],
            "root": {"signature": "s", "timestamp": "2026-01-01T01:00:00+01:00"},
            "max_attempts": 1,
            "timeout": 2,
            "callbacks": {"failed": COMMAND},
        }
    )

    assert asked.spec == JobSpec(
        type="mail",
        params={"a": 1},
        domain="d",
        context="c",
        priority=0,
        delay=timedelta(seconds=1.5),
        dedupe=("a",),
        root=Root(signature="s", timestamp=datetime(2026, 1, 1, tzinfo=UTC)),
        max_attempts=1,
        timeout=timedelta(seconds=2),
        callbacks=(Callback(on=On.FAILED, type="http", params='{"url":"u","timeout":3}'),),
    )


def test_what_is_left_out_is_left_to_the_policy() -> None:
    assert native_job({"type": "mail"}).spec == JobSpec("mail")
    assert native_job({"type": "mail", "params": None, "dedupe": None}).spec == JobSpec("mail")


def test_an_equal_job_that_is_wanted_twice_is_not_left_to_its_class() -> None:
    assert native_job({"type": "mail", "dedupe": False}).spec == JobSpec("mail", dedupe=False)


def test_a_command_of_a_type_without_params_is_enough() -> None:
    assert native_job({"command": {"type": "mail"}}).spec == JobSpec("mail")


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({}, "type"),
        ({"params": {}}, "type"),
        ({"type": None}, "type"),
        ({"type": "mail", "command": COMMAND}, "type"),
        ({"params": {}, "command": COMMAND}, "params"),
        ({"command": {}}, "command.type"),
        ({"command": {"type": 7}}, "command.type"),
        ({"command": {"type": None}}, "command.type"),
        ({"command": "ls"}, "command"),
        ({"type": "mail", "callback_done": {"url": "u"}}, "callback_done.type"),
        ({"type": "mail", "callbacks": {"failed": {"type": []}}}, "callbacks.failed.type"),
        ({"type": "mail", "run_at": "0001-01-01T00:00:00+23:59"}, "run_at"),
        ({"type": "mail", "run_at": "9999-12-31T23:59:59-23:59"}, "run_at"),
        (
            {"type": "m", "root": {"signature": "s", "timestamp": "0001-01-01T00:00:00+01:00"}},
            "root.timestamp",
        ),
    ],
)
def test_a_wrong_job_names_the_field(value: JSON, field: str) -> None:
    with pytest.raises(BadJob) as caught:
        native_job(value)

    assert [error.field for error in caught.value.errors] == [field]


@pytest.mark.parametrize("body", [{}, {"command": None}, {"job": COMMAND}])
def test_what_has_no_command_is_no_job_of_the_queue_server(body: JSONObject) -> None:
    with pytest.raises(Unreadable) as caught:
        legacy_job(body)

    assert [error.field for error in caught.value.errors] == ["command"]


def test_errors_call_fields_as_the_request_does() -> None:
    ours = ["type", "params.url", "params[0]", "paramset", "callbacks.done.url", "priority"]
    error = BadJob([error for field in ours for error in BadJob.field(field, "x").errors])

    def seen(value: JSON) -> list[str]:
        return [wrong.field for wrong in native_job(value).wrong(error).errors]

    assert seen({"type": "mail"}) == ours
    assert seen({"command": COMMAND, "callback_done": COMMAND}) == [
        "command.type",
        "command.url",
        "command[0]",
        "paramset",
        "callback_done.url",
        "priority",
    ]
    assert seen({"type": "m", "callback_done": COMMAND, "callbacks": {"done": COMMAND}}) == ours


def test_a_refusal_calls_its_field_as_the_request_does() -> None:
    error = NotAllowed("no", field="params.url", add="a line")

    told = native_job({"command": COMMAND}).refused(error)

    assert (told.field, str(told)) == ("command.url", str(error))


def test_a_batch_of_too_many_jobs_is_refused() -> None:
    assert len(batch({"jobs": [1] * MAX_BATCH}).items) == MAX_BATCH

    with pytest.raises(BadJob, match="jobs: 10001 jobs; at most 10000"):
        batch({"jobs": [1] * (MAX_BATCH + 1)})


@pytest.mark.parametrize("text", ["1", "17", str(MAX_ID)])
def test_an_id_is_a_number(text: str) -> None:
    assert job_id(text) == int(text)


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "0",
            "01",
            "-1",
            "+1",
            "1_000",
            "1abc",
            "abc",
            "1.0",
            "1e3",
            "0x1",
            " 1",
            "1 ",
            "1\n",
        ],
        *[
            "\u0661",
            "\uff11",
            "\u00b2",
            "1;drop",
            "..",
            "%31",
            "null",
            str(MAX_ID + 1),
            "9" * 17,
            "9" * 5000,
        ],
    ],
)
def test_what_is_no_id_is_an_unknown_job(text: str) -> None:
    with pytest.raises(UnknownJob):
        job_id(text)


@pytest.mark.parametrize(
    ("values", "seconds"), [([], 0), (["0"], 0), (["30"], 30), (["60"], 60), (["0.25"], 0.25)]
)
def test_a_wait_is_a_number_of_seconds(values: list[str], seconds: float) -> None:
    assert waiting(values) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "values",
    [
        *[
            [""],
            ["61"],
            ["60.1"],
            ["-1"],
            ["+1"],
            ["nan"],
            ["inf"],
            ["1e1"],
            ["1_0"],
            ["\u0663"],
            ["\uff11"],
        ],
        *[["1", "2"], ["1 "], ["0x1"], ["true"], [".5"], ["1."], ["9" * 5000]],
    ],
)
def test_what_is_no_wait_is_refused(values: list[str]) -> None:
    with pytest.raises(BadJob, match="wait"):
        waiting(values)


def test_a_list_without_parameters_is_the_newest_hundred_of_all() -> None:
    asked = listing({})

    assert (asked.which, asked.limit, asked.after) == (JobWish(), 100, None)


def test_the_parameters_of_a_list_become_a_wish() -> None:
    asked = listing(
        {
            "type": "mail",
            "domain": "d",
            "state": "dead",
            "context": "",
            "limit": "1000",
            "after": "x",
        }
    )

    assert asked.which == JobWish(type="mail", domain="d", state=State.DEAD, context="")
    assert (asked.limit, asked.after) == (1000, "x")


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": ""}, "limit"),
        ({"limit": "+5"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"limit": "5\n"}, "limit"),
        ({"state": "Dead"}, "state"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named(parameters: dict[str, str], field: str) -> None:
    with pytest.raises(BadJob) as caught:
        listing(parameters)

    assert [error.field for error in caught.value.errors] == [field]


def test_many_jobs_are_named_by_ids_and_moved_unless_it_says_otherwise() -> None:
    assert (many({"ids": [3, 1, 3]}).ids, many({"ids": []}).dry_run) == ([3, 1, 3], False)
    assert many({"ids": [], "dry_run": True}).dry_run is True


def test_more_ids_than_a_batch_are_refused() -> None:
    assert len(many({"ids": [1] * MAX_BATCH}).ids) == MAX_BATCH
    with pytest.raises(BadJob, match="ids: 10001 ids; at most 10000"):
        many({"ids": [1] * (MAX_BATCH + 1)})


def test_a_path_names_a_queue() -> None:
    assert queue_key({"domain": "d", "type": "t"}) == QueueKey("d", "t")
