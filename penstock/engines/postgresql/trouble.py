"""The driver's errors in our words."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import asyncpg

from penstock.errors import EngineError, EngineUnavailable

TRIES = 5

# Another call came in the way, and the server undid the whole statement: it is simply run again.
_UNDONE = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.UniqueViolationError,
)
PASSING = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # Of the driver, where a session is lost while it goes back to the pool.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    *_UNDONE,
)

_HINTS: Mapping[type[Exception], str] = {
    asyncpg.InvalidAuthorizationSpecificationError: "correct the user and the password in `url`",
    asyncpg.InvalidCatalogNameError: "make it: create database …, or correct `url`",
    asyncpg.InsufficientPrivilegeError: "grant it to the user in `url`",
}

_T = TypeVar("_T")


async def translated(run: Callable[[], Awaitable[_T]]) -> _T:
    """What `run` returns; tried again where the server undid it all, else with its error in our words."""
    for _ in range(TRIES - 1):
        try:
            return await _in_our_words(run)
        except EngineUnavailable as error:
            if not isinstance(error.__cause__, _UNDONE):
                raise
    return await _in_our_words(run)


async def connected(connect: Callable[[], Awaitable[_T]]) -> _T:
    """What `connect` returns, as `translated`. Of a URL that cannot be read nothing is told: a password is in it."""

    async def read() -> _T:
        try:
            return await connect()
        except asyncpg.InterfaceError:
            raise
        except ValueError:
            raise EngineError(
                "the url cannot be read; write postgresql://user:password@host:5432/database, and in the password "
                "/ ? # [ ] @ : % as %2F %3F %23 %5B %5D %40 %3A %25"
            ) from None

    return await translated(read)


async def _in_our_words(run: Callable[[], Awaitable[_T]]) -> _T:
    try:
        return await run()
    except ValueError as error:
        raise EngineError(f"postgresql does not take it: {error}") from error
    except PASSING as error:
        raise EngineUnavailable(f"postgresql cannot do it now: {_words(error)}") from error
    except asyncpg.PostgresError as error:
        hints = [hint for kind, hint in _HINTS.items() if isinstance(error, kind)]
        raise EngineError("; ".join([f"postgresql refused it: {_words(error)}", *hints])) from error


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
