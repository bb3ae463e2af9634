"""What of a push belongs together, and what it is placed by."""

from collections.abc import Sequence

import pytest

from penstock.conformance.builders import OTHER, job, jobs, key, root
from penstock.engines.federated.placement import BATCH, Unit, units_of
from penstock.job import Delivery, NewJob

QUEUE = "default/mail"


def placed(*new: NewJob) -> list[tuple[Sequence[int], str | None]]:
    return [(unit.places, unit.item) for unit in units_of(new)]


@pytest.mark.parametrize(
    ("new", "item"),
    [
        (job(), None),
        (job(dedupe_key="d"), f"dedupe {QUEUE}/d"),
        (job(dedupe_key="d", queue=OTHER), "dedupe default/thumbnail/d"),
        (job(root=root(1, "r")), f"root {QUEUE}/r"),
        (job(dedupe_key="d", root=root(1, "r")), f"dedupe {QUEUE}/d"),
        (job(idempotency=key("k")), "key k"),
        (job(idempotency=key("k"), root=root(1, "r")), "key k"),
        (job(idempotency=key("k"), dedupe_key="d"), f"dedupe {QUEUE}/d"),
    ],
)
def test_a_job_is_placed_by_its_key(new: NewJob, item: str | None) -> None:
    assert placed(new) == [((0,), item)]


def test_jobs_of_one_key_are_one_unit() -> None:
    new = [job(dedupe_key="d"), job(root=root(1)), job(dedupe_key="d"), job(root=root(2))]

    assert [places for places, _ in placed(*new)] == [(0, 2), (1, 3)]


def test_what_was_asked_for_under_one_key_meets_whatever_its_jobs_are() -> None:
    asked = key("k")
    new = [
        job(idempotency=asked),
        job(idempotency=asked, dedupe_key="d"),
        job(idempotency=asked, queue=OTHER, root=root(1)),
    ]

    assert placed(*new) == [((0, 1, 2), "key k")]


def test_under_one_key_with_one_dedupe_key_jobs_meet_their_twin() -> None:
    asked = key("k")

    assert placed(job(idempotency=asked, dedupe_key="d"), job(dedupe_key="d")) == [
        ((0,), f"dedupe {QUEUE}/d"),
        ((1,), f"dedupe {QUEUE}/d"),
    ]


def test_another_body_under_a_key_is_a_unit_of_its_own_at_the_same_place() -> None:
    new = [job(idempotency=key("k", "one")), job(idempotency=key("k", "other"))]

    assert placed(*new) == [((0,), "key k"), ((1,), "key k")]


def test_what_nothing_binds_goes_in_batches() -> None:
    units = units_of(jobs(*map(str, range(2 * BATCH + 1))))

    assert [len(unit.places) for unit in units] == [BATCH, BATCH, 1]
    assert [place for unit in units for place in unit.places] == list(range(2 * BATCH + 1))


@pytest.mark.parametrize(
    ("new", "bound", "once"),
    [
        (job(), False, False),
        (job(dedupe_key="d"), False, False),
        (job(root=root(1)), False, False),
        (job(delivery=Delivery.AT_MOST_ONCE), False, True),
        (job(idempotency=key()), True, True),
        (job(idempotency=key(), dedupe_key="d"), True, True),
    ],
)
def test_what_must_not_be_stored_twice_is_told_from_what_may(
    new: NewJob, bound: bool, once: bool
) -> None:
    [unit] = units_of([new])

    assert (unit.bound, unit.once) == (bound, once)


def test_a_job_that_may_run_once_binds_no_other() -> None:
    units = units_of([job(), job(delivery=Delivery.AT_MOST_ONCE), job()])

    assert units == [Unit(places=(0, 2)), Unit(places=(1,), once=True)]


def test_of_no_jobs_there_are_no_units() -> None:
    assert units_of([]) == []
