"""A report with a figure of each kind."""

from datetime import timedelta
from pathlib import Path

from penstock.bench import Report, Sizes, temporary
from penstock.bench.figures import Rate, Ratio, Time, Total, rates, times
from penstock.bench.machine import Machine


def ms(*values: float) -> list[timedelta]:
    return [timedelta(milliseconds=value) for value in values]


def report(sizes: Sizes | None = None) -> Report:
    """Something of everything, with and without a limit."""
    return Report(
        machine=Machine(
            penstock="0.1.0",
            python="CPython 3.11",
            loop="uvloop",
            system="Linux x86_64",
            cores=2,
            store="SQLite 3.99",
        ),
        place=temporary(Path("somewhere")).shown,
        sizes=sizes or Sizes(),
        figures=[
            Rate(
                name="push",
                about="push, in any way",
                ours=rates(1000, ms(50, 100, 200)),
                limit=rates(1000, ms(50)),
            ),
            Rate(name="drain", about="drain", ours=rates(10, ms(100))),
            Time(name="claim", about="claim", ours=times(ms(4)), limit=times(ms(1))),
            Time(name="step", about="step", ours=times(ms(1.5))),
            Total(name="all", about="all of them", jobs=2000, took=timedelta(seconds=1.25)),
            Ratio(name="good", about="good ratio", value=1.25, at_most=1.5, limit=1.1),
            Ratio(name="bad", about="bad ratio", value=2.0, at_most=1.5),
        ],
        took=timedelta(seconds=61.4),
    )
