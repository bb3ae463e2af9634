"""What the doctor found, as a whole."""

import pytest

from penstock.doctor.report import Report, Told
from penstock.examination import About, Finding, advice, ok, wrong

FINE, BETTER = ok(About.CLOCK, "agrees"), advice(About.PLACE, "is full", "make room")
BAD = wrong(About.REACH, "is away", "start it")


@pytest.mark.parametrize(
    ("findings", "is_well"),
    [([], True), ([FINE], True), ([FINE, BETTER], True), ([FINE, BAD], False)],
)
def test_all_is_well_where_nothing_must_be_changed(findings: list[Finding], is_well: bool) -> None:
    assert Report([Told("main", one) for one in findings]).is_well is is_well
