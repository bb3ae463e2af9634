"""The composition root: what it builds, and what it refuses to build."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from penstock.app import Penstock
from penstock.errors import SettingsError, StoreMismatch
from penstock.handler import Context, FunctionHandler
from penstock.job import CALLBACK_TYPE, Delivery, Order, State
from penstock.policy import CALLBACK_POLICY, Exponential
from penstock.queue import JobSpec
from penstock.serialization import JSON
from penstock.settings import QueueSettings, Settings, StoreSettings
from tests.installation import SOON


async def echo(context: Context) -> JSON:
    return context.params


ECHO = {"echo": FunctionHandler(echo)}


def two_stores(tmp_path: Path) -> Settings:
    return Settings(
        stores={
            "disk": StoreSettings(url=f"sqlite:///{tmp_path}/a.db"),
            "fast": StoreSettings(url="memory://", number=1, accept_volatile=True),
        },
        queues={"default": QueueSettings(store="disk"), "purge": QueueSettings(store="fast")},
    )


async def test_from_a_file_to_a_result(tmp_path: Path) -> None:
    config = tmp_path / "penstock.toml"
    config.write_text('[stores.main]\nurl = "sqlite:///jobs.db"\n')

    async with Penstock.from_config(config, ECHO) as penstock:
        [pushed] = await penstock.push(JobSpec("echo", {"a": 1}))
        runner = penstock.runner()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(runner.run())
            job = await penstock.inspection.ended(pushed.id, timedelta(seconds=SOON))
            runner.stop()

    assert (job.state, job.result) == (State.DONE, '{"a":1}')
    assert (tmp_path / "jobs.db").exists()


async def test_each_type_lives_in_its_store_and_its_id_says_which(tmp_path: Path) -> None:
    async with Penstock(two_stores(tmp_path), {**ECHO, "purge": ECHO["echo"]}) as penstock:
        mail, purge = await penstock.push(JobSpec("echo"), JobSpec("purge"))

        assert penstock.group.store_of(mail.id).name == "disk"
        assert penstock.group.store_of(purge.id).name == "fast"
        assert purge.id == 10**13 + 1
        assert (await penstock.inspection.totals()).waiting == 2


async def test_a_configured_type_is_welcome_without_a_handler(tmp_path: Path) -> None:
    async with Penstock(two_stores(tmp_path)) as penstock:
        [pushed] = await penstock.push(JobSpec("purge"))

    assert pushed.id


async def test_handlers_we_ship_are_there(tmp_path: Path) -> None:
    penstock = Penstock(two_stores(tmp_path))

    assert {"http", "exec", CALLBACK_TYPE} <= set(penstock.registry.types)


async def test_a_store_that_loses_jobs_must_be_accepted() -> None:
    settings = Settings(stores={"main": StoreSettings(url="memory://")})

    with pytest.raises(SettingsError, match="accept_volatile = true"):
        async with Penstock(settings):
            pass


def test_a_url_without_engine_names_those_there_are() -> None:
    settings = Settings(stores={"main": StoreSettings(url="sqlit:///x.db")})

    with pytest.raises(SettingsError, match=r"stores\.main.*sqlite"):
        Penstock(settings)


def test_an_engine_whose_driver_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in [name for name in sys.modules if name.startswith("penstock.engines.mariadb")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pymysql", None)
    settings = Settings(stores={"main": StoreSettings(url="mariadb:///jobs")})

    with pytest.raises(SettingsError, match=r"stores\.main.*install penstock\[mariadb\]"):
        Penstock(settings)


async def test_a_store_keeps_its_number(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    async with Penstock(Settings(stores={"main": StoreSettings(url=url)})):
        pass

    with pytest.raises(StoreMismatch, match="number"):
        async with Penstock(Settings(stores={"main": StoreSettings(url=url, number=3)})):
            pass


async def test_closing_twice_or_unopened_is_fine(tmp_path: Path) -> None:
    penstock = Penstock(two_stores(tmp_path))

    await penstock.close()
    await penstock.open()
    await penstock.open()
    await penstock.close()
    await penstock.close()


def test_what_is_closed_says_how_to_open_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        _ = Penstock(two_stores(tmp_path)).group


def test_policies_come_from_the_section_then_the_default_then_ours(tmp_path: Path) -> None:
    settings = Settings(
        stores={"main": StoreSettings(url="memory://")},
        queues={
            "default": QueueSettings(max_attempts=7, backoff=1.0),
            "mail": QueueSettings(
                delivery=Delivery.AT_MOST_ONCE, order=Order.FIFO, ttl=3, timeout=4, keep_done=0
            ),
        },
    )
    policies = Penstock(settings).policies

    mail = policies.of("mail")
    assert (mail.max_attempts, mail.backoff) == (7, Exponential(first=timedelta(seconds=1)))
    assert (mail.delivery, mail.order) == (Delivery.AT_MOST_ONCE, Order.FIFO)
    assert (mail.ttl, mail.timeout) == (timedelta(seconds=3), timedelta(seconds=4))
    assert mail.keep_done == timedelta(0)
    assert policies.of("other").max_attempts == 7
    assert policies.of(CALLBACK_TYPE) == CALLBACK_POLICY
