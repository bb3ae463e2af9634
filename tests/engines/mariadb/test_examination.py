"""What is said of a server before anybody works on it."""

from datetime import timedelta

import pytest

from penstock.app.opening import open_store
from penstock.engines.mariadb.database import SESSIONS
from penstock.engines.mariadb.examination import room
from penstock.errors import SettingsError
from penstock.examination import About, Examination, Level
from penstock.settings import StoreSettings
from tests.engines.mariadb.harness import MariadbHarness, around, setting
from tests.servers.mariadb import Server

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("mariadb")]

PATIENCE = timedelta(seconds=20)


def wrong(examination: Examination) -> list[tuple[About, str]]:
    return [(one.about, one.change) for one in examination.findings if one.level is Level.WRONG]


async def test_a_server_in_order_is_told_and_left_alone(mariadb_server: Server) -> None:
    async with around(mariadb_server) as harness:
        found = await harness.engine.examine(PATIENCE)

        assert wrong(found) == []
        assert found.ahead == timedelta(0)
        assert harness.ask("tables") == []


@pytest.mark.parametrize(
    ("name", "value", "before", "about", "change"),
    [
        (
            "innodb_flush_log_at_trx_commit",
            2,
            1,
            About.DURABILITY,
            "under [mariadbd] in the server's configuration: innodb_flush_log_at_trx_commit = 1",
        ),
        ("max_allowed_packet", 2**20, 2**24, About.SERVER, ""),
        ("read_only", 1, 0, About.SERVER, "point `url` at the primary"),
    ],
)
async def test_a_setting_that_must_be_changed_is_told(
    harness: MariadbHarness,
    mariadb_server: Server,
    name: str,
    value: int,
    before: int,
    about: About,
    change: str,
) -> None:
    with setting(mariadb_server, name, value, before):
        found = await harness.another().examine(PATIENCE)

    [(told_about, told_change)] = wrong(found)
    assert told_about is about
    assert change in told_change


async def test_a_start_that_is_refused_names_the_setting(
    harness: MariadbHarness, mariadb_server: Server
) -> None:
    with (
        setting(mariadb_server, "innodb_flush_log_at_trx_commit", 2, before=1),
        pytest.raises(SettingsError, match=r"trx_commit = 1; .* accept_volatile = true"),
    ):
        await open_store("main", StoreSettings(url="mariadb://"), harness.another())


@pytest.mark.parametrize(("free", "count"), [(SESSIONS, 0), (SESSIONS - 1, 1)])
def test_few_free_connections_are_told(free: int, count: int) -> None:
    assert len(list(room(free))) == count
