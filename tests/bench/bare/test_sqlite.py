"""The bare SQLite and its files."""

from pathlib import Path

from penstock.bench.bare import sqlite
from penstock.settings import StoreSettings
from tests.bench.stores import opened


def beside(directory: Path) -> StoreSettings:
    return StoreSettings(url=f"sqlite:///{directory}/used.db")


async def test_it_knows_the_room_on_its_disk(tmp_path: Path) -> None:
    async with sqlite.own_store(beside(tmp_path)) as own, opened(own):
        bare = await sqlite.open_bare(own)

        assert bare.room() > 0

        await bare.close()


async def test_its_file_lies_on_the_disk_of_the_named_one(tmp_path: Path) -> None:
    async with sqlite.own_store(beside(tmp_path)) as own:
        assert own.url.startswith(f"sqlite:///{tmp_path}/penstock-bench-")
