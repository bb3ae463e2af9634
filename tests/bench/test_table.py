"""The table is aligned and has a unit for every number."""

from datetime import timedelta

import pytest

from penstock.bench import Sizes
from penstock.bench.table import lines, milliseconds
from tests.bench.reports import report


def line(part: str) -> str:
    [found] = [each for each in lines(report()) if each.startswith(part)]
    return found


@pytest.mark.parametrize(
    ("part", "cells"),
    [
        ("push", ["10,000", "5,000", "20,000", "20,000", "50%"]),
        ("drain", ["100", "100", "100", "-", "-"]),
        ("claim", ["4.00", "4.00", "4.00", "4.00", "1.00", "25%"]),
        ("step", ["1.50", "1.50", "1.50", "1.50", "-", "-"]),
        ("all of them", ["2,000", "1.25"]),
        ("good", ["1.25", "1.10", "at", "most", "1.50:", "yes"]),
        ("bad", ["2.00", "-", "at", "most", "1.50:", "no"]),
    ],
)
def test_every_figure_has_its_line(part: str, cells: list[str]) -> None:
    assert line(part).split()[-len(cells) :] == cells


def test_the_numbers_of_a_table_end_where_their_title_ends() -> None:
    table = list(lines(report()))
    start = table.index("") + 1
    titles, push, drain = table[start : start + 3]

    end = titles.index("jobs/s") + len("jobs/s")
    assert push[:end].endswith(" 10,000")
    assert drain[:end].endswith(" 100")


def test_the_head_says_where_and_on_what() -> None:
    head = list(lines(report()))[:5]

    assert head[0] == "penstock 0.1.0, CPython 3.11, uvloop, SQLite 3.99"
    assert head[1] == "Linux x86_64, 2 cores"
    assert "somewhere" in head[2]
    assert head[3] == "populations: 1,000,000 waiting, 300,000 scheduled, 100,000 superseded"
    assert head[4] == "took 61 s"


def test_smaller_populations_are_never_passed_over_in_silence() -> None:
    told = "\n".join(lines(report(Sizes.quick())))

    assert "20,000 waiting" in told
    assert "(usually 1,000,000 waiting)" in told


def test_milliseconds_have_two_digits() -> None:
    assert milliseconds(timedelta(microseconds=1234)) == "1.23"
