"""What an error of the driver means to us, by the server's number for it."""

from penstock.errors import EngineError, EngineUnavailable

# Another call came in the way, and what was under way can be run again from its beginning: a duplicate entry,
# a deadlock, a lock that did not come, a row or a table that changed meanwhile.
_UNDONE = frozenset({1020, 1062, 1205, 1213, 1412})

# The server or the way to it is in trouble: connections cut, refused or too many, shutting down, out of memory or disk,
# read-only, too slow, a cluster without a majority.
_PASSING = frozenset(
    {
        *(1021, 1030, 1037, 1038, 1040, 1041, 1047, 1053, 1077, 1078, 1079, 1114),
        *(1152, 1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 1203, 1226),
        *(1290, 1317, 1792, 1836, 1927, 1969, 3024, 4031),
        *range(2000, 2060),
    }
)
_LOST = frozenset({0, 1053, 1077, 1078, 1079, 1927, *range(2000, 2060)})
_UNKNOWN_DATABASE = 1049
_NOT_LET_IN = frozenset({1045, 1698})


def is_undone(error: BaseException) -> bool:
    """Whether the same may be run again at once: the server kept nothing of it."""
    return _number(error) in _UNDONE


def is_lost(error: BaseException) -> bool:
    """Whether the connection is not to be used again."""
    return isinstance(error, OSError) or _number(error) in _LOST


def translated(error: BaseException) -> EngineError:
    """Our error for one of the driver."""
    number = _number(error)
    if is_undone(error) or is_lost(error) or number in _PASSING:
        return EngineUnavailable(f"mariadb cannot do it now: {_words(error)}")
    if number == _UNKNOWN_DATABASE:
        return EngineError(
            f"{_words(error)}; make it: create database … character set utf8mb4, "
            "and let the user of the store do everything in it"
        )
    if number in _NOT_LET_IN:
        return EngineError(f"{_words(error)}; correct the user and the password in `url`")
    return EngineError(f"mariadb refused it: {_words(error)}")


def _number(error: BaseException) -> int:
    match error.args:
        case (int() as number, *_):
            return number
    return -1


def _words(error: BaseException) -> str:
    match error.args:
        case (int() as number, str() as words, *_) if words:
            return f"{words} ({number})"
    return str(error) or type(error).__name__
