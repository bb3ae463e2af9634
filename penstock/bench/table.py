"""The report for people: aligned, every number with its unit."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from penstock.bench.bench import Report
from penstock.bench.figures import Rate, Ratio, Time, Times, Total
from penstock.bench.sizes import Sizes

GAP = "  "
RATES = ("", "jobs/s", "least", "most", "bare store", "share")
TIMES = ("", "median ms", "p95 ms", "p99 ms", "most ms", "bare ms", "share")
TOTALS = ("", "jobs", "seconds")
RATIOS = ("", "times", "bare store", "aim")

Row = Sequence[str]


def lines(report: Report) -> Iterable[str]:
    """The lines of the report."""
    yield from _head(report)
    kinds: Sequence[tuple[Row, Sequence[Row]]] = (
        (RATES, [_rate(each) for each in report.figures if isinstance(each, Rate)]),
        (TIMES, [_time(each) for each in report.figures if isinstance(each, Time)]),
        (TOTALS, [_total(each) for each in report.figures if isinstance(each, Total)]),
        (RATIOS, [_ratio(each) for each in report.figures if isinstance(each, Ratio)]),
    )
    for titles, rows in kinds:
        if rows:
            yield ""
            yield from _aligned([titles, *rows])


def _head(report: Report) -> Iterable[str]:
    machine = report.machine
    versions = [f"penstock {machine.penstock}", machine.python, machine.loop, machine.store]
    yield ", ".join(version for version in versions if version)
    yield f"{machine.system}, {machine.cores} cores"
    yield f"store: {report.place}"
    yield f"populations: {_populations(report.sizes)}"
    yield f"took {report.took.total_seconds():.0f} s"


def _populations(sizes: Sizes) -> str:
    told = (
        f"{sizes.large:,} waiting, {sizes.scheduled:,} scheduled, {sizes.superseded:,} superseded"
    )
    usual = Sizes()
    return told if sizes == usual else f"{told} (usually {usual.large:,} waiting)"


def _rate(rate: Rate) -> Row:
    ours, limit = rate.ours, rate.limit
    bare = f"{limit.median:,.0f}" if limit else "-"
    return (
        rate.about,
        *(f"{each:,.0f}" for each in (ours.median, ours.least, ours.most)),
        bare,
        _share(rate.share),
    )


def _time(time: Time) -> Row:
    ours: Times = time.ours
    bare = milliseconds(time.limit.median) if time.limit else "-"
    shown = (ours.median, ours.p95, ours.p99, ours.most)
    return (time.about, *(milliseconds(each) for each in shown), bare, _share(time.share))


def _total(total: Total) -> Row:
    return (total.about, f"{total.jobs:,}", f"{total.took.total_seconds():.2f}")


def _ratio(ratio: Ratio) -> Row:
    bare = "-" if ratio.limit is None else f"{ratio.limit:.2f}"
    aim = f"at most {ratio.at_most:.2f}: {'yes' if ratio.reached else 'no'}"
    return (ratio.about, f"{ratio.value:.2f}", bare, aim)


def milliseconds(duration: timedelta) -> str:
    """The duration in milliseconds, to the hundredth."""
    return f"{duration / timedelta(milliseconds=1):.2f}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _aligned(rows: Sequence[Row]) -> Iterable[str]:
    """The first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [each.rjust(width) for each, width in zip(others, widths[1:], strict=True)]
        yield GAP.join(cells).rstrip()
