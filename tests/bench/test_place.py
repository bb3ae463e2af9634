"""A place of new stores leaves nothing; a given one is left as it is."""

from pathlib import Path

import pytest

from penstock.bench import Given, Own, place_of, temporary
from penstock.errors import NotAllowed
from penstock.settings import StoreSettings
from tests.bench.stores import opened


async def test_each_measure_has_a_file_of_its_own_that_is_gone_after_it(tmp_path: Path) -> None:
    place = temporary(tmp_path)

    async with place.store() as first, place.store() as second:
        assert first.url != second.url
        assert len(left_in(tmp_path)) == 2

    assert left_in(tmp_path) == []


async def test_nothing_is_left_of_a_measure_that_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with temporary(tmp_path).store():
            raise ZeroDivisionError

    assert left_in(tmp_path) == []


def test_a_temporary_place_says_where_it_is(tmp_path: Path) -> None:
    assert str(tmp_path) in temporary(tmp_path).shown


async def test_a_given_store_is_the_same_for_all_measures() -> None:
    settings = StoreSettings(url="memory://")
    place = Given(settings, "the store that was given")

    async with place.store() as first, place.store() as second:
        assert first is second is settings

    assert place.shared


async def test_new_stores_are_made_beside_one_that_is_named(tmp_path: Path) -> None:
    used = tmp_path / "used.db"
    used.write_text("not to be touched")
    place = place_of(StoreSettings(url=f"sqlite:///{used}"), "store main")

    async with place.store() as settings, opened(settings):
        files = left_in(tmp_path)

    assert isinstance(place, Own)
    assert len(files) == 2
    assert left_in(tmp_path) == [used]
    assert used.read_text() == "not to be touched"


async def test_a_directory_of_any_name_can_take_them(tmp_path: Path) -> None:
    odd = tmp_path / "50% of what?"
    odd.mkdir()

    async with temporary(odd).store() as settings, opened(settings):
        assert len(left_in(odd)) == 1


async def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    place = temporary(tmp_path / "nowhere")

    with pytest.raises(NotAllowed, match="nowhere"):
        async with place.store():
            pass


def test_where_nobody_can_make_another_store_the_named_one_is_taken() -> None:
    place = place_of(StoreSettings(url="memory://"), "store main")

    assert place == Given(StoreSettings(url="memory://"), "store main")


def left_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())
