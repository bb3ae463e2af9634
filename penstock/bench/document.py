"""The report for programs: one JSON object with raw numbers, whose units stand in the names of the keys."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import assert_never

from penstock.bench.bench import Report
from penstock.bench.figures import Figure, Rate, Rates, Ratio, Time, Times, Total
from penstock.serialization import JSON, JSONObject


def document(report: Report) -> JSONObject:
    """The report as JSON."""
    sizes = report.sizes
    return {
        "machine": asdict(report.machine),
        "store": report.place,
        "populations_jobs": {
            "waiting": sizes.large,
            "scheduled": sizes.scheduled,
            "superseded": sizes.superseded,
        },
        "took_seconds": report.took.total_seconds(),
        "figures": [_figure(figure) for figure in report.figures],
    }


def _figure(figure: Figure) -> JSONObject:
    return {"name": figure.name, "about": figure.about, **_numbers(figure)}


def _numbers(figure: Figure) -> JSONObject:
    match figure:
        case Rate(ours=ours, limit=limit, share=share):
            bare = None if limit is None else _rates(limit)
            return {"jobs_per_second": _rates(ours), "bare_jobs_per_second": bare, "share": share}
        case Time(ours=times, limit=limit_times, share=share):
            bare = None if limit_times is None else _times(limit_times)
            return {"milliseconds": _times(times), "bare_milliseconds": bare, "share": share}
        case Total(jobs=jobs, took=took):
            return {"jobs": jobs, "seconds": took.total_seconds()}
        case Ratio(value=value, at_most=at_most, limit=limit_ratio, reached=reached):
            return {
                "ratio": value,
                "bare_ratio": limit_ratio,
                "at_most_ratio": at_most,
                "reached": reached,
            }
    assert_never(figure)


def _rates(rates: Rates) -> Mapping[str, JSON]:
    return asdict(rates)


def _times(times: Times) -> Mapping[str, JSON]:
    named: Mapping[str, timedelta] = {
        "least": times.least,
        "median": times.median,
        "p95": times.p95,
        "p99": times.p99,
        "most": times.most,
    }
    spread: dict[str, JSON] = {
        name: duration / timedelta(milliseconds=1) for name, duration in named.items()
    }
    return {"samples": times.samples, **spread}
