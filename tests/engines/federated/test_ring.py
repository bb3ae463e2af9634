"""The ring places keys where the classic does, and moves none that need not move."""

import random
from collections import Counter
from collections.abc import Mapping

import pytest

from penstock.engines.federated.ring import Ring

# Placements that the classic itself publishes and that were seen when it ran.
CLASSIC = Ring({"s1": 1, "s2": 1, "s3": 2, "s4": 2, "s5": 2, "s6": 3, "s7": 0})
PLACED = [
    "s4",
    "s6",
    "s3",
    "s6",
    "s6",
    "s4",
    "s3",
    "s4",
    "s3",
    "s3",
    "s3",
    "s5",
    "s4",
    "s5",
    "s2",
    "s5",
    "s6",
    "s5",
    "s1",
    "s1",
    "s6",
    "s5",
    "s3",
    "s4",
    "s1",
]
KEYS = [f"k{number}" for number in range(10_000)]


@pytest.mark.parametrize(("number", "location"), list(enumerate(PLACED)))
def test_a_key_lies_where_the_classic_has_it(number: int, location: str) -> None:
    assert CLASSIC.owner(f"hello{number}") == location


@pytest.mark.parametrize(
    ("item", "first_two"),
    [
        ("hello0", ["s4", "s5"]),
        ("hello1", ["s6", "s5"]),
        ("hello2", ["s3", "s1"]),
        ("hello3", ["s6", "s5"]),
        ("hello4", ["s6", "s3"]),
    ],
)
def test_a_key_goes_on_to_where_the_classic_has_it(item: str, first_two: list[str]) -> None:
    assert list(CLASSIC.owners(item))[:2] == first_two


@pytest.mark.parametrize(
    ("item", "order"),
    [("a", "p1 p2 p3"), ("b", "p2 p3 p1"), ("job-1", "p3 p2 p1")],
)
def test_three_equal_locations_follow_each_other_as_in_the_classic(item: str, order: str) -> None:
    ring = Ring({"p1": 1, "p2": 1, "p3": 1})

    assert list(ring.owners(item)) == order.split()


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ({"p1": 1, "p2": 1, "p3": 1}, {"p1": 3266, "p2": 3256, "p3": 3478}),
        ({"p1": 1, "p2": 2, "p3": 4}, {"p1": 1563, "p2": 2550, "p3": 5887}),
        ({"rdb1": 50, "rdb2": 50}, {"rdb1": 5327, "rdb2": 4673}),
    ],
)
def test_ten_thousand_keys_are_shared_as_in_the_classic(
    weights: Mapping[str, int], shares: Mapping[str, int]
) -> None:
    ring = Ring(weights)

    assert Counter(ring.owner(key) for key in KEYS) == shares


def test_a_location_of_weight_zero_has_no_key() -> None:
    assert "s7" not in {CLASSIC.owner(key) for key in KEYS}
    assert "s7" not in set(CLASSIC.owners("hello0"))


def test_only_the_keys_of_a_location_that_is_left_out_move() -> None:
    ring = Ring({"p1": 1, "p2": 1, "p3": 1})

    before = {key: ring.owner(key) for key in KEYS}
    after = {key: ring.owner(key, without={"p2"}) for key in KEYS}

    moved = [key for key in KEYS if before[key] != after[key]]
    assert len(moved) == 3256
    assert {before[key] for key in moved} == {"p2"}
    assert "p2" not in set(after.values())


def test_the_order_of_the_locations_does_not_matter() -> None:
    weights = {f"p{number}": number % 5 for number in range(20)}
    shuffled = random.Random(7).sample(sorted(weights.items()), len(weights))

    one, other = Ring(weights), Ring(dict(shuffled))

    assert [one.owner(key) for key in KEYS] == [other.owner(key) for key in KEYS]


def test_without_any_location_a_key_lies_nowhere() -> None:
    assert Ring({"only": 1}).owner("a", without={"only"}) is None


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": 0, "b": 0}, {"a": 1, "b": -1}])
def test_weights_that_place_nothing_are_refused(weights: Mapping[str, int]) -> None:
    with pytest.raises(ValueError, match=r"above zero|below zero"):
        Ring(weights)
