"""Times and durations as the store keeps them: whole microseconds, since 1970 for a time."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def stored(time: datetime) -> int:
    """The time as it is stored."""
    return (time - _EPOCH) // _MICROSECOND


def told(time: int) -> datetime:
    """The stored time, as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=time)


def later(now: int, duration: timedelta) -> int:
    """The stored time that lies so much after `now`, kept within what a datetime can tell."""
    return min(max(now + duration // _MICROSECOND, _EARLIEST), _LATEST) if duration else now


def span(duration: int) -> timedelta:
    """The duration between two stored times; never below zero."""
    return timedelta(microseconds=max(duration, 0))
