"""Sizes go together."""

from penstock.bench import Sizes


def test_by_default_a_million_wait() -> None:
    sizes = Sizes()

    assert (sizes.large, sizes.scheduled, sizes.superseded) == (1_000_000, 300_000, 100_000)


def test_the_large_populations_grow_and_shrink_together() -> None:
    sizes = Sizes().with_large(20_000)

    assert (sizes.large, sizes.scheduled, sizes.superseded) == (20_000, 6_000, 2_000)
    assert sizes.drained == Sizes().drained


def test_the_rounds_store_as_many_jobs_as_the_largest_of_them() -> None:
    assert Sizes(rounds=2, batches=500).in_rounds == 2 * 2 * 500 * 100
    assert Sizes(rounds=3, drained=90_000).in_rounds == 3 * 2 * 90_000


def test_a_quick_look_is_smaller_everywhere() -> None:
    quick, usual = Sizes.quick(), Sizes()

    assert quick.large < usual.large
    assert quick.drained < usual.drained
    assert quick.pickups < usual.pickups
