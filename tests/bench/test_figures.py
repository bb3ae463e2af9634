"""Figures are plain arithmetic over what was measured."""

from datetime import timedelta

import pytest

from penstock.bench.figures import Rate, Ratio, Time, percentile, rates, ratio, times


def ms(*values: float) -> list[timedelta]:
    return [timedelta(milliseconds=value) for value in values]


def test_rates_are_jobs_a_second_over_the_rounds() -> None:
    found = rates(100, ms(100, 200, 50))

    assert (found.rounds, found.least, found.median, found.most) == (3, 500.0, 1000.0, 2000.0)


def test_a_round_too_short_for_the_clock_took_its_smallest_step() -> None:
    assert rates(1, [timedelta(0)]).most == 1_000_000.0


def test_times_are_spread_out_in_any_order() -> None:
    found = times(ms(*range(100, 0, -1)))

    assert found.samples == 100
    assert [found.least, found.median, found.p95, found.p99, found.most] == ms(1, 50, 95, 99, 100)


@pytest.mark.parametrize(
    ("samples", "percent", "expected"),
    [((7,), 99, 7), ((1, 2), 50, 1), ((1, 2, 3), 50, 2), ((1, 2, 3, 4), 95, 4), ((1, 2), 0, 1)],
)
def test_a_percentile_is_a_sample_that_was_seen(
    samples: tuple[float, ...], percent: int, expected: float
) -> None:
    assert [percentile(ms(*samples), percent)] == ms(expected)


def test_the_share_of_a_rate_is_ours_of_the_limit() -> None:
    ours, limit = rates(10, ms(100)), rates(10, ms(25))

    assert Rate(name="a", about="", ours=ours, limit=limit).share == pytest.approx(0.25)
    assert Rate(name="a", about="", ours=ours).share is None


def test_the_share_of_a_time_is_the_limit_of_ours() -> None:
    ours, limit = times(ms(4)), times(ms(1))

    assert Time(name="a", about="", ours=ours, limit=limit).share == pytest.approx(0.25)
    assert Time(name="a", about="", ours=ours).share is None


@pytest.mark.parametrize(("dear", "reached"), [(14, True), (15, True), (16, False)])
def test_a_ratio_is_reached_up_to_its_aim(dear: float, reached: bool) -> None:
    value = ratio(times(ms(dear)), times(ms(10)))

    assert Ratio(name="a", about="", value=value, at_most=1.5).reached is reached
