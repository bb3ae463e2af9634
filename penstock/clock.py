"""What time it is: one source, so that a test can move it. And how long something takes."""

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


def duration(value: object, *, name: str) -> timedelta:
    """The duration that a caller means, who may give seconds or a timedelta.

    Raises TypeError for anything else, and ValueError where it is negative or beyond all bounds; both say `name`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | timedelta):
        shown = f"{value!r:.50}"
        raise TypeError(f"{name} is no duration but {shown}; give seconds or a timedelta")
    try:
        given = value if isinstance(value, timedelta) else timedelta(seconds=value)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{name}={value!r:.50} is no duration; give finite seconds") from error
    if given < timedelta(0):
        raise ValueError(f"{name}={value!r:.50} is negative; give 0 or more")
    return given
