"""How long things take."""

import time
from datetime import timedelta


def since(began: int) -> timedelta:
    """How long ago that was, by `time.perf_counter_ns`."""
    return timedelta(microseconds=(time.perf_counter_ns() - began) / 1000)
