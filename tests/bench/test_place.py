"""A temporary place leaves nothing; a given one is left as it is."""

from pathlib import Path

import pytest

from penstock.bench import Given, Temporary
from penstock.settings import StoreSettings


def test_each_measure_has_a_file_of_its_own_that_is_gone_after_it(tmp_path: Path) -> None:
    place = Temporary(tmp_path)

    with place.store() as first, place.store() as second:
        assert first.url != second.url
        for each in (first, second):
            Path(each.url.removeprefix("sqlite:///")).touch()

    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_measure_that_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Temporary(tmp_path).store():
        raise ZeroDivisionError

    assert list(tmp_path.iterdir()) == []


def test_a_temporary_place_says_where_it_is(tmp_path: Path) -> None:
    assert str(tmp_path) in Temporary(tmp_path).shown


def test_a_given_store_is_the_same_for_all_measures() -> None:
    settings = StoreSettings(url="memory://")
    place = Given(settings, "the store that was given")

    with place.store() as first, place.store() as second:
        assert first is second is settings

    assert place.shared
