"""Times and durations as the store keeps them: whole microseconds, since 1970 in UTC."""

from datetime import UTC, datetime, timedelta
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def duration(span: timedelta) -> int:
    """The span as it is stored."""
    return span // _MICROSECOND


def span(duration: int) -> timedelta:
    """The span that was stored."""
    return timedelta(microseconds=duration)


def moment(time: datetime) -> int:
    """The time as it is stored."""
    return (time - _EPOCH) // _MICROSECOND


@overload
def time(moment: int) -> datetime: ...


@overload
def time(moment: int | None) -> datetime | None: ...


def time(moment: int | None) -> datetime | None:
    """The time that was stored, if there is one."""
    return None if moment is None else _EPOCH + timedelta(microseconds=moment)
