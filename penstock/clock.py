"""What time it is: one source, so that a test can move it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time in UTC."""

    def now(self) -> datetime:
        """The time now, aware, in UTC."""
        ...


class SystemClock:
    """The host's clock, which never goes back within one process."""

    def __init__(self) -> None:
        self._last = 0.0

    def now(self) -> datetime:
        """The host's time, or the last one told if the host's clock was set back."""
        self._last = max(self._last, time.time())
        return datetime.fromtimestamp(self._last, UTC)


class ManualClock:
    """A clock that stands still until it is moved: for tests."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        """The time it was moved to."""
        return self._now

    def tick(self, duration: timedelta) -> None:
        """Move the clock forward."""
        self._now += duration
