"""The JSON has raw numbers, whose units stand in the keys."""

import json
from collections.abc import Mapping

from penstock.bench.document import document
from penstock.serialization import encode
from tests.bench.reports import report


def figures() -> Mapping[str, Mapping[str, object]]:
    found = json.loads(encode(document(report())))
    return {figure["name"]: figure for figure in found["figures"]}


def test_the_run_is_described() -> None:
    found = json.loads(encode(document(report())))

    assert found["machine"]["cores"] == 2
    assert found["took_seconds"] == 61.4
    assert found["populations_jobs"] == {
        "waiting": 1_000_000,
        "scheduled": 300_000,
        "superseded": 100_000,
    }


def test_a_rate_beside_its_limit() -> None:
    found = figures()["push"]

    assert found["about"] == "push, in any way"
    assert found["jobs_per_second"] == {
        "rounds": 3,
        "least": 5_000.0,
        "median": 10_000.0,
        "most": 20_000.0,
    }
    assert found["bare_jobs_per_second"] == {
        "rounds": 1,
        "least": 20_000.0,
        "median": 20_000.0,
        "most": 20_000.0,
    }
    assert found["share"] == 0.5


def test_a_time_without_a_limit() -> None:
    found = figures()["step"]

    assert found["milliseconds"] == {
        "samples": 1,
        "least": 1.5,
        "median": 1.5,
        "p95": 1.5,
        "p99": 1.5,
        "most": 1.5,
    }
    assert found["bare_milliseconds"] is found["share"] is None


def test_a_total_and_a_ratio() -> None:
    found = figures()

    assert (found["all"]["jobs"], found["all"]["seconds"]) == (2000, 1.25)
    assert (found["bad"]["ratio"], found["bad"]["at_most_ratio"]) == (2.0, 1.5)
    assert (found["good"]["bare_ratio"], found["bad"]["bare_ratio"]) == (1.1, None)
    assert (found["good"]["reached"], found["bad"]["reached"]) == (True, False)
