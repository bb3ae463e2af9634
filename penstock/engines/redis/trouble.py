"""What an error of the driver means to us."""

import re

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    ConnectionError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TimeoutError,
    TryAgainError,
)

from penstock.errors import EngineError, EngineUnavailable

_NOT_LET_IN = (AuthenticationError, AuthorizationError)
_PASSING = (
    ConnectionError,
    TimeoutError,
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)
# Codes for which the driver has no class: another script is too slow, the disk fails, a replica is cut off.
_PASSING_CODES = frozenset({"BUSY", "MISCONF", "MASTERDOWN", "NOREPLICAS"})
# Those for which it has one stand within the text where Redis 6.2 tells of a command in a script.
_PASSING_INSIDE = _PASSING_CODES | {"OOM", "READONLY", "CLUSTERDOWN"}
_CODE = re.compile(r"([A-Z]+) ")
_CODE_INSIDE = re.compile(r"^Error running script .*?: -([A-Z]+) ")


class StoreEmptied(EngineError):
    """This is not the store that was opened: it was emptied, or its server came back without it."""


def translated(error: RedisError, verb: str) -> EngineError:
    """Our error for one of the driver, naming the verb that failed, or the step of one."""
    verb = verb.rpartition("/")[2]
    if _code(error) == "EMPTIED":
        return StoreEmptied()
    if isinstance(error, MovedError):
        return EngineError(
            f"redis cannot {verb}: the keys of this store lie on another node of the cluster; "
            f"name {error.host}:{error.port} in the url"
        )
    if _may_pass(error):
        return EngineUnavailable(f"redis cannot {verb} now: {error}")
    return EngineError(f"redis cannot {verb}: {error}")


def is_of_a_replica(error: RedisError) -> bool:
    """Whether the server takes no writes because it is none, or no longer, that others follow."""
    return isinstance(error, ReadOnlyError) or _code_inside(error) == "READONLY"


def _may_pass(error: RedisError) -> bool:
    # A pool that cannot connect tells so, and why as the cause.
    if isinstance(error, _NOT_LET_IN) or isinstance(error.__cause__, _NOT_LET_IN):
        return False
    if isinstance(error, _PASSING) or _code(error) in _PASSING_CODES:
        return True
    return _code_inside(error) in _PASSING_INSIDE


def _code(error: RedisError) -> str:
    found = _CODE.match(str(error))
    return found[1] if found else ""


def _code_inside(error: RedisError) -> str:
    found = _CODE_INSIDE.match(str(error))
    return found[1] if found else ""
