"""What settings become: engines by their URLs, handlers by type, a policy for each type."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from penstock.app.building import (
    configured_types,
    default_store,
    engine_of,
    policies_of,
    refuse_unknown_engines,
    refuse_volatile,
    registry_of,
    routes_of,
    stamps_of,
)
from penstock.commands.http import HttpCommand
from penstock.engines.memory import MemoryEngine
from penstock.engines.postgresql import PostgresqlEngine
from penstock.errors import SettingsError
from penstock.handler import FunctionHandler
from penstock.job import CALLBACK_TYPE, Delivery, Order
from penstock.policy import CALLBACK_POLICY, Exponential
from penstock.settings import HttpSettings, QueueSettings, Settings, StoreSettings

MEMORY = StoreSettings(url="memory://", number=3)


def test_a_url_without_engine_names_those_there_are() -> None:
    settings = Settings(stores={"main": StoreSettings(url="sqlit:///x.db")})

    with pytest.raises(SettingsError, match=r"stores\.main.*sqlite"):
        refuse_unknown_engines(settings)


def test_an_engine_has_the_number_of_its_store() -> None:
    engine = engine_of("main", MEMORY)

    assert isinstance(engine, MemoryEngine)
    assert engine.identity.number == 3


@pytest.mark.parametrize(
    ("scheme", "kind", "driver"),
    [
        ("postgresql", "postgresql", "asyncpg"),
        ("mariadb", "mariadb", "pymysql"),
        ("redis", "redis", "redis"),
        ("rediss", "redis", "redis"),
    ],
)
def test_an_engine_without_its_driver_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, scheme: str, kind: str, driver: str
) -> None:
    for name in [*sys.modules]:
        if name.startswith((f"penstock.engines.{kind}", f"{driver}.")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, driver, None)

    with pytest.raises(SettingsError, match=rf"stores\.main.*{driver}.*'penstock\[{kind}\]'"):
        engine_of("main", StoreSettings(url=f"{scheme}:///penstock"))


def test_what_an_engine_of_others_lacks_is_for_its_package_to_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "strange-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Name: strange\n")
    (package / "entry_points.txt").write_text("[penstock.engines]\nodd = penstock_odd:Engine\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(SettingsError, match=r"odd needs penstock_odd.*its package strange says"):
        engine_of("main", StoreSettings(url="odd:///x"))


def test_a_store_that_loses_jobs_must_be_accepted() -> None:
    with pytest.raises(SettingsError, match=r"\[stores.main\]: accept_volatile = true"):
        refuse_volatile("main", MEMORY, MemoryEngine())


def test_an_engine_is_told_where_to_listen() -> None:
    url, listen_url = "postgresql:///by_pooler", "postgresql:///itself"

    engine = engine_of("main", StoreSettings(url=url, listen_url=listen_url))

    assert isinstance(engine, PostgresqlEngine)
    assert engine._listener._url == listen_url


@pytest.mark.parametrize("url", ["memory://", "sqlite:///x.db", "mariadb:///x"])
def test_an_engine_that_cannot_listen_elsewhere_is_not_told_to(url: str) -> None:
    with pytest.raises(SettingsError, match=r"\[stores\.main\] listen_url: .*remove it"):
        engine_of("main", StoreSettings(url=url, listen_url="postgresql:///x"))


def test_a_store_is_told_what_its_queues_stamp_and_what_lives_elsewhere() -> None:
    queues = {
        "default": QueueSettings(store="a", max_attempts=7),
        "mail": QueueSettings(max_attempts=2),
        "pay": QueueSettings(store="b", delivery=Delivery.AT_MOST_ONCE),
    }
    settings = Settings(stores={"a": MEMORY, "b": MEMORY}, queues=queues)

    stamps = stamps_of(settings, policies_of(settings), "b")

    assert [(each.type, each.store, each.max_attempts, each.delivery) for each in stamps] == [
        ("", "a", 7, Delivery.AT_LEAST_ONCE),
        ("mail", "a", 2, Delivery.AT_LEAST_ONCE),
        ("pay", None, 7, Delivery.AT_MOST_ONCE),
    ]


def test_the_callers_handlers_come_before_those_that_we_ship() -> None:
    mine = FunctionHandler(lambda context: None)
    http = HttpCommand(HttpSettings(), version="1")

    registry = registry_of(http, Settings(), {"exec": mine, "mail": mine})

    assert (registry.find("exec"), registry.find("mail")) == (mine, mine)
    assert registry.find("http") is http
    assert CALLBACK_TYPE in registry.types


def test_types_have_a_section_a_store_or_neither() -> None:
    queues = {
        "default": QueueSettings(store="b"),
        CALLBACK_TYPE: QueueSettings(),
        "mail": QueueSettings(),
        "purge": QueueSettings(store="a"),
    }
    settings = Settings(stores={"a": MEMORY, "b": MEMORY}, queues=queues)

    assert configured_types(settings) == {"mail", "purge"}
    assert routes_of(settings) == {"default": "b", "purge": "a"}
    assert default_store(settings) == "b"
    assert default_store(Settings(stores={"a": MEMORY})) == "a"


def test_policies_come_from_the_section_then_the_default_then_ours() -> None:
    settings = Settings(
        stores={"main": StoreSettings(url="memory://")},
        queues={
            "default": QueueSettings(max_attempts=7, backoff=1.0),
            "mail": QueueSettings(
                delivery=Delivery.AT_MOST_ONCE, order=Order.FIFO, ttl=3, timeout=4, keep_done=0
            ),
        },
    )
    policies = policies_of(settings)

    mail = policies.of("mail")
    assert (mail.max_attempts, mail.backoff) == (7, Exponential(first=timedelta(seconds=1)))
    assert (mail.delivery, mail.order) == (Delivery.AT_MOST_ONCE, Order.FIFO)
    assert (mail.ttl, mail.timeout) == (timedelta(seconds=3), timedelta(seconds=4))
    assert mail.keep_done == timedelta(0)
    assert policies.of("other").max_attempts == 7
    assert policies.of(CALLBACK_TYPE) == CALLBACK_POLICY
