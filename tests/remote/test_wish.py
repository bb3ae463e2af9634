"""What a remote worker wants, and under which name it is shown."""

from penstock.remote import Wish


def wish(worker: str, *types: str) -> Wish:
    return Wish(types=frozenset(types), worker=worker)


def test_workers_of_one_name_are_shown_apart_if_they_do_other_work() -> None:
    names = {wish("w", "a").presence, wish("w", "b").presence, wish("w", "a", "b").presence}

    assert len(names) == 3


def test_the_same_worker_is_shown_once() -> None:
    assert wish("w", "a", "b").presence == wish("w", "b", "a").presence


def test_no_worker_is_shown_under_the_bare_name_of_another() -> None:
    assert wish("host-1-abc", "a").presence != "host-1-abc"


def test_the_longest_name_is_shown_shortened_and_still_apart() -> None:
    one, two = wish("x" * 254 + "1", "a").presence, wish("x" * 254 + "2", "a").presence

    assert one != two
    assert max(len(one), len(two)) <= 255
