"""Exit codes tell what to do."""

import pytest

from penstock.cli.exits import exit_code_of
from penstock.errors import (
    BadJob,
    EngineUnavailable,
    NotAllowed,
    PenstockError,
    SettingsError,
    StoreMismatch,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineUnavailable(), 75),
        (SettingsError(), 78),
        (StoreMismatch(), 78),
        (BadJob.field("type", "is wrong"), 1),
        (NotAllowed("no"), 1),
        (PenstockError(), 1),
    ],
)
def test_exit_codes(error: PenstockError, code: int) -> None:
    assert exit_code_of(error) == code
