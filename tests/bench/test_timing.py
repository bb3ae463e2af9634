"""A duration is told from where it began."""

import time
from datetime import timedelta

from penstock.bench.timing import since


def test_it_counts_from_the_beginning_in_nanoseconds() -> None:
    took = since(time.perf_counter_ns() - 5_000_000)

    assert timedelta(milliseconds=5) <= took < timedelta(minutes=1)
