"""What is said of a server before anybody works on it."""

from datetime import timedelta

import pytest

from penstock.app.opening import open_store
from penstock.engines.postgresql.examination import state_of
from penstock.errors import SettingsError
from penstock.examination import About, Examination, Level
from penstock.settings import StoreSettings
from tests.engines.postgresql.harness import PostgresqlHarness, around, sql

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]

PATIENCE = timedelta(seconds=20)
FIGURES: dict[str, object] = {
    "version": "15.4",
    "autovacuum": True,
    "most_sessions": 97,
    "sessions": 5,
    "oldest_transaction": timedelta(seconds=1),
}


def wrong(examination: Examination) -> list[tuple[About, str]]:
    return [(one.about, one.change) for one in examination.findings if one.level is Level.WRONG]


async def test_a_server_in_order_is_told_and_left_alone(postgresql_url: str) -> None:
    async with around(postgresql_url, "examined") as harness:
        found = await harness.engine.examine(PATIENCE)

        assert wrong(found) == []
        assert found.ahead == timedelta(0)
        assert await harness.session.fetchval(sql("there"), "examined") is False


@pytest.mark.parametrize(
    ("setting", "about", "change"),
    [
        (
            "synchronous_commit=off",
            About.DURABILITY,
            "set in postgresql.conf: synchronous_commit = on",
        ),
        (
            "default_transaction_isolation=serializable",
            About.SERVER,
            "set default_transaction_isolation = 'read committed' for this user or database",
        ),
        ("default_transaction_read_only=on", About.SERVER, "point `url` at the primary"),
    ],
)
async def test_a_setting_that_must_be_changed_is_told_with_its_line(
    harness: PostgresqlHarness, setting: str, about: About, change: str
) -> None:
    found = await harness.another(setting=setting).examine(PATIENCE)

    [(told_about, told_change)] = wrong(found)
    assert told_about is about
    assert change in told_change


async def test_a_start_that_is_refused_names_the_setting(harness: PostgresqlHarness) -> None:
    hasty = harness.another(setting="synchronous_commit=off")

    with pytest.raises(SettingsError, match=r"synchronous_commit = on; .* accept_volatile = true"):
        await open_store("main", StoreSettings(url="postgresql://"), hasty)


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ({}, []),
        ({"autovacuum": False}, ["autovacuum is off"]),
        ({"sessions": 90}, ["7 sessions are free"]),
        ({"oldest_transaction": timedelta(hours=2)}, ["open for 120 minutes"]),
    ],
)
def test_what_should_be_looked_at(figures: dict[str, object], told: list[str]) -> None:
    found = [one.text for one in state_of(FIGURES | figures) if one.level is Level.ADVICE]

    assert len(found) == len(told)
    assert all(words in text for words, text in zip(told, found, strict=True))
