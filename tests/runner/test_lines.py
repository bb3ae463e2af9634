"""The classic's lines."""

from datetime import UTC, datetime

import pytest

from penstock.job import Delivery, Details, Job, JobId, QueueKey, State
from penstock.runner.lines import describe_run, ended, render, starting
from penstock.serialization import JSON, JSONObject

NOW = datetime(2014, 7, 13, 15, 2, 38, tzinfo=UTC)


def job(type: str, context: str = "default") -> Job:
    return Job(
        id=JobId(3),
        queue=QueueKey("default", type),
        state=State.CLAIMED,
        params="{}",
        details=Details(context=context),
        priority=500,
        attempt=1,
        max_attempts=3,
        fence=1,
        delivery=Delivery.AT_LEAST_ONCE,
        pushed_at=datetime(2026, 11, 21, 22, 1, 22, tzinfo=UTC),
    )


def test_the_lines_of_the_bounce_handler_job() -> None:
    params: JSONObject = {"email": "x" * 1862}

    run = describe_run(job("BounceHandlerJob", "BounceHandler Job"), params, metadata=False)

    assert starting(NOW, run) == (
        "2014-07-13 15:02:38 BounceHandlerJob BounceHandler_Job email=string(1862) STARTING"
    )
    assert ended(NOW, run, 100, None) == (
        "2014-07-13 15:02:38 BounceHandlerJob BounceHandler_Job email=string(1862) t=100 good"
    )


def test_metadata_names_the_id_and_the_time_of_the_push() -> None:
    run = describe_run(job("null"), {"lives": 1}, metadata=True)

    assert run == "null default lives=1 (id=3,timestamp=20261121220122)"


def test_params_namespace_and_title_make_the_title() -> None:
    params: JSONObject = {"namespace": 3, "title": "Some one", "a": "b"}

    run = describe_run(job("touch"), params, metadata=False)

    assert run == "touch User_talk:Some_one namespace=3 title=Some one a=b"


@pytest.mark.parametrize(
    ("namespace", "title", "expected"),
    [
        (0, "Page", "Page"),
        (-1, "RunJobs", "Special:RunJobs"),
        (6, "A b.png", "File:A_b.png"),
        (1, "Page", "Talk:Page"),
        (15, "X", "Category_talk:X"),
        (None, "Page", "Page"),
    ],
)
def test_titles(namespace: JSON, title: str, expected: str) -> None:
    params = {"namespace": namespace, "title": title}

    assert describe_run(job("t"), params, metadata=False).split(" ")[1] == expected


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("val", "val"),
        (True, "1"),
        (False, ""),
        (None, ""),
        (7, "7"),
        (1.5, "1.5"),
        ([1, "b"], '[1,"b"]'),
        ({"a": [1, "x"]}, '{"a":[1,"x"]}'),
        (list(range(10)), "[0,1,2,3,4,5,6,7,8,9]"),
        (list(range(11)), "array(11)"),
        (["x" * 600], '["string(600)"]'),
        ([["x" * 600]], '["array(1)"]'),
        ("x" * 1024, "x" * 1024),
        ("x" * 1025, "string(1025)"),
        ("ä" * 1024, "ä" * 1024),
        (["ä/€", "𝄞"], '["\\u00e4/\\u20ac","\\ud834\\udd1e"]'),
    ],
)
def test_values(value: JSON, shown: str) -> None:
    assert render(value) == shown


def test_an_error_may_be_empty_and_forges_no_line() -> None:
    assert ended(NOW, "t x", 2, "").endswith("t=2 error=")
    assert ended(NOW, "t x", 2, "a\n2026 forged good").count("\n") == 0
    assert "\n" not in describe_run(job("t"), {"a": "x\ny", "b\n": 1}, metadata=False)
