"""Clocks: UTC, never back, and moved by hand in tests."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from penstock.clock import Clock, ManualClock, SystemClock, duration


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()])
def test_a_clock_tells_aware_time_in_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC


def test_the_system_clock_tells_the_time_of_the_host() -> None:
    before = datetime.now(UTC)

    told = SystemClock().now()

    assert before <= told <= datetime.now(UTC)


def test_the_system_clock_does_not_go_back_with_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    told = clock.now()
    monkeypatch.setattr(time, "time", lambda: told.timestamp() - 3600)

    assert clock.now() == told

    monkeypatch.setattr(time, "time", lambda: told.timestamp() + 1)
    assert clock.now() == told + timedelta(seconds=1)


def test_a_manual_clock_stands_until_it_is_moved() -> None:
    clock = ManualClock()
    start = clock.now()

    assert clock.now() == start

    clock.tick(timedelta(hours=1, microseconds=1))
    assert clock.now() == start + timedelta(hours=1, microseconds=1)


@pytest.mark.parametrize("given", [90, 90.0, timedelta(minutes=1.5)])
def test_a_duration_is_given_in_seconds_or_as_a_timedelta(given: object) -> None:
    assert duration(given, name="after") == timedelta(seconds=90)


@pytest.mark.parametrize("given", ["90", None, True, [1]])
def test_what_is_no_number_is_no_duration(given: object) -> None:
    with pytest.raises(
        TypeError, match=r"after is no duration but .*; give seconds or a timedelta"
    ):
        duration(given, name="after")


@pytest.mark.parametrize("given", [-1, timedelta(seconds=-1), float("nan"), float("inf"), 1e300])
def test_a_duration_is_finite_and_not_negative(given: object) -> None:
    with pytest.raises(ValueError, match="after="):
        duration(given, name="after")
