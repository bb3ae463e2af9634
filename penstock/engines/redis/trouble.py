"""What an error of the driver means to us."""

from redis.exceptions import (
    ClusterDownError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TimeoutError,
    TryAgainError,
)

from penstock.errors import EngineError, EngineUnavailable

_PASSING = (
    ConnectionError,
    TimeoutError,
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)
# Answers for which the driver has no class: another script is too slow, the disk fails, a replica is cut off.
_PASSING_WORDS = ("BUSY ", "MISCONF ", "MASTERDOWN ", "NOREPLICAS ")


def translated(error: RedisError, verb: str) -> EngineError:
    """Our error for one of the driver, naming the verb that failed."""
    if isinstance(error, _PASSING) or str(error).startswith(_PASSING_WORDS):
        return EngineUnavailable(f"redis cannot {verb} now: {error}")
    return EngineError(f"redis cannot {verb}: {error}")
