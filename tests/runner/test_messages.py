"""What a runner and its processes tell each other comes through unchanged."""

from datetime import timedelta

import pytest

from penstock.policy import Failed, GaveUp, Happened, Returned, Stopped
from penstock.runner.messages import (
    Ended,
    FromChild,
    Logged,
    Reported,
    Stop,
    ToChild,
    ended,
    for_child,
    from_child,
    line_of,
)
from tests.runner.tasks import HEAVY, task


@pytest.mark.parametrize("message", [task(HEAVY, do="a\nb", path="ü\u2028"), Stop()])
def test_what_a_process_is_told_comes_through(message: ToChild) -> None:
    line = line_of(message)

    assert line.count(b"\n") == 1
    assert for_child(line) == message


@pytest.mark.parametrize(
    "message",
    [
        Reported(percent=0.5, message="a\nb"),
        Logged(name="a", level=10, message="b", traceback="c\nd", of_job=True),
        Ended(),
    ],
)
def test_what_a_process_tells_comes_through(message: FromChild) -> None:
    assert from_child(line_of(message)) == message


@pytest.mark.parametrize(
    ("happened", "told"),
    [
        (Returned(), Returned()),
        (Returned(result='{"a":1}'), Returned(result='{"a":1}')),
        (
            Failed(error="e", permanent=True, after=timedelta(days=3), result="1"),
            Failed(error="e", permanent=True, after=timedelta(days=3), result="1"),
        ),
        (GaveUp(error="e"), GaveUp(error="e")),
        (Stopped(started=True), None),
        (None, None),
    ],
)
def test_what_a_job_came_to_comes_through(happened: Happened | None, told: Happened | None) -> None:
    message = from_child(line_of(ended(happened)))

    assert isinstance(message, Ended)
    assert message.happened == told
