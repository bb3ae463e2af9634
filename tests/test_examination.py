"""What a store says of itself."""

from datetime import UTC, datetime, timedelta

import pytest

from penstock.examination import About, Level, advice, ahead, ok, wrong

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("store", "found"),
    [
        (NOON, timedelta(0)),
        (NOON + SECOND, timedelta(0)),
        (NOON + 2 * SECOND, timedelta(0)),
        (NOON + 5 * SECOND, 3 * SECOND),
        (NOON - SECOND, -SECOND),
    ],
)
def test_only_what_is_certain_of_a_clock_is_told(store: datetime, found: timedelta) -> None:
    assert ahead(store, before=NOON, after=NOON + 2 * SECOND) == found


def test_a_finding_knows_what_it_asks_for() -> None:
    found = [
        ok(About.CLOCK, "agrees"),
        advice(About.PLACE, "is full", "make room"),
        wrong(About.REACH, "is away", "start it"),
    ]

    assert [one.level for one in found] == [Level.OK, Level.ADVICE, Level.WRONG]
    assert [one.change for one in found] == ["", "make room", "start it"]
