"""Exit codes, as sysexits.h and the shell know them."""

from penstock.errors import EngineUnavailable, PenstockError, SettingsError, StoreMismatch

OK = 0
FAILED = 1
MISUSED = 2
TRY_AGAIN = 75  # EX_TEMPFAIL
MISCONFIGURED = 78  # EX_CONFIG
INTERRUPTED = 130  # 128 and SIGINT


def exit_code_of(error: PenstockError) -> int:
    """What the shell is told of an error."""
    match error:
        case EngineUnavailable():
            return TRY_AGAIN
        case SettingsError() | StoreMismatch():
            return MISCONFIGURED
    return FAILED
