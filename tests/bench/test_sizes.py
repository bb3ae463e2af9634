"""Sizes go together."""

from penstock.bench import Sizes


def test_by_default_a_million_wait() -> None:
    sizes = Sizes()

    assert (sizes.large, sizes.scheduled, sizes.superseded) == (1_000_000, 300_000, 100_000)


def test_the_large_populations_grow_and_shrink_together() -> None:
    sizes = Sizes().with_large(20_000)

    assert (sizes.large, sizes.scheduled, sizes.superseded) == (20_000, 6_000, 2_000)
    assert sizes.drained == Sizes().drained


def test_a_quick_look_is_smaller_everywhere() -> None:
    quick, usual = Sizes.quick(), Sizes()

    assert quick.large < usual.large
    assert quick.drained < usual.drained
    assert quick.pickups < usual.pickups
