"""The start of a process that stays."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from penstock.app import Penstock
from penstock.cli.exits import MISCONFIGURED, TRY_AGAIN
from penstock.cli.starting import opened
from penstock.errors import EngineUnavailable, SettingsError
from penstock.settings import Settings, StoreSettings
from tests.cli.command import Shell

NOBODY = "postgresql://127.0.0.1:1/penstock"
MINUTE = timedelta(minutes=1)


def away() -> Penstock:
    return Penstock(Settings(stores={"main": StoreSettings(url=NOBODY)}))


async def test_without_patience_it_is_tried_once() -> None:
    with pytest.raises(EngineUnavailable, match=r"stores\.main"):
        async with opened(away(), timedelta(0)):
            pass


async def test_when_the_time_is_up_the_error_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(EngineUnavailable, match=r"stores\.main"):
        async with opened(away(), timedelta(seconds=0.2)):
            pass

    [told] = caplog.messages
    assert told.startswith("[stores.main] postgresql cannot do it now")
    assert "waiting for it, 0 s more" in told


async def test_what_waiting_cannot_mend_is_raised_at_once(tmp_path: Path) -> None:
    missing = StoreSettings(url=f"sqlite:///{tmp_path}/no/a.db")

    async with asyncio.timeout(10):
        with pytest.raises(SettingsError, match="directory must exist"):
            async with opened(Penstock(Settings(stores={"main": missing})), MINUTE):
                pass


@pytest.mark.parametrize("verb", [("serve", "--port", "0"), ("worker",)])
def test_a_process_that_stays_ends_when_its_patience_does(
    penstock: Shell, verb: tuple[str, ...]
) -> None:
    Path("penstock.toml").write_text(f'[stores.main]\nurl = "{NOBODY}"\n')

    answer = penstock(*verb, "--wait-for-stores", "0")

    assert answer.code == TRY_AGAIN
    assert answer.err.count("\n") == 1
    assert "[stores.main] postgresql cannot do it now" in answer.err


@pytest.mark.parametrize("verb", [("serve", "--port", "0"), ("worker",), ("show-jobs",)])
def test_a_directory_that_is_missing_is_a_wrong_configuration(
    penstock: Shell, verb: tuple[str, ...]
) -> None:
    Path("penstock.toml").write_text('[stores.main]\nurl = "sqlite:///no/a.db"\n')

    answer = penstock(*verb)

    assert answer.code == MISCONFIGURED
    assert answer.err.count("\n") == 1
    assert "its directory must exist" in answer.err
