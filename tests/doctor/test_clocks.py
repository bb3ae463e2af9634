"""How far clocks are apart."""

from datetime import timedelta

import pytest

from penstock.doctor.clocks import against_host, between
from penstock.examination import Level

MS = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("ahead", "level", "text"),
    [
        (0 * MS, Level.OK, "agrees with this host's"),
        (12 * MS, Level.OK, "is 12 ms before this host's"),
        (-1000 * MS, Level.OK, "is 1000 ms behind this host's"),
        (1001 * MS, Level.ADVICE, "is 1001 ms before this host's"),
        (-5000 * MS, Level.ADVICE, "is 5000 ms behind this host's"),
    ],
)
def test_a_clock_beside_that_of_this_host(ahead: timedelta, level: Level, text: str) -> None:
    found = against_host(ahead)

    assert (found.level, found.text) == (level, text)
    assert ("NTP" in found.change) == (level is Level.ADVICE)


@pytest.mark.parametrize(
    "ahead", [{}, {"main": 9000 * MS}, {"main": 600 * MS, "fast": -400 * MS, "wide": 0 * MS}]
)
def test_clocks_that_are_near_each_other_are_not_told(ahead: dict[str, timedelta]) -> None:
    assert list(between(ahead)) == []


def test_the_two_that_are_farthest_apart_are_told() -> None:
    [told] = between({"main": 600 * MS, "fast": -500 * MS, "wide": 0 * MS})

    assert told.store is None
    assert told.finding.level is Level.ADVICE
    assert told.finding.text == "the clock of main is 1100 ms before that of fast"
