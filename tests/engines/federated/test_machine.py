"""Whatever is cut and mended, and in whatever order, a federation does what it promises."""

import os
from collections.abc import Collection, Iterator, Sequence
from itertools import count
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from penstock.engine import Want
from penstock.engines.federated import push, turns
from penstock.engines.federated.missed import Missed
from penstock.engines.federated.partitions import Partitions
from penstock.engines.federated.placement import Unit
from penstock.engines.federated.ring import Ring
from penstock.errors import EngineUnavailable
from tests.engines.federated.machine import CutFederation

# To make a failure small takes minutes, and is worth them.
pytestmark = pytest.mark.timeout(600)

STEPS = settings(
    deadline=None,
    # A desk searches anew each time; CI judges a change by the same examples as the one before.
    derandomize="CI" in os.environ,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow],
)
# The same questions each time, until the first that tells.
TRIAL = settings(
    STEPS,
    database=None,
    derandomize=True,
    max_examples=400,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)


def test_a_federation_keeps_its_promises() -> None:
    run_state_machine_as_test(CutFederation, settings=settings(STEPS, max_examples=40))


@pytest.mark.slow
def test_a_federation_keeps_its_promises_for_long() -> None:
    run_state_machine_as_test(
        CutFederation, settings=settings(STEPS, max_examples=150, stateful_step_count=60)
    )


@pytest.mark.slow
def test_the_machine_accepts_the_federation_by_the_road_of_the_mutants() -> None:
    run_state_machine_as_test(CutFederation, settings=settings(TRIAL, max_examples=100))


def key_lies_anywhere(ring: Ring, item: str, *, without: Collection[str] = ()) -> str | None:
    turn: Iterator[int] = ring.__dict__.setdefault("turn", count())
    owners = [owner for owner in ring.owners(item) if owner not in without]
    return owners[next(turn) % len(owners)] if owners else None


def bound_goes_elsewhere(
    partitions: Partitions, unit: Unit, ejected: frozenset[str], chance: Random
) -> str | None:
    return partitions.ring.owner(unit.item or "free", without=ejected)


def tried_again_whatever_it_is(*arguments: object) -> None:
    return None


def roots_are_kept_for_oneself(*arguments: object) -> None:
    return None


def each_gives_as_much_as_is_wanted(want: Want, given: Sequence[object]) -> Want:
    return want


def only_one_is_asked(turns: turns.Turns) -> Sequence[str]:
    return turns._partitions.live[:1]


def home_is_left_alone_too(partitions: Partitions, id: int) -> str | None:
    home = partitions._numbers.get(id // 10**13)
    if home in partitions.ejected:
        raise EngineUnavailable("it failed a moment ago")
    return home


def nobody_is_left_alone(partitions: Partitions, name: str, error: object) -> None:
    return None


MUTANTS = [
    (Ring, "owner", key_lies_anywhere),
    (push, "_place", bound_goes_elsewhere),
    (push, "_refuse_to_go_on", tried_again_whatever_it_is),
    (Missed, "register", roots_are_kept_for_oneself),
    (turns, "_left", each_gives_as_much_as_is_wanted),
    (turns.Turns, "_in_turn", only_one_is_asked),
    (Partitions, "home", home_is_left_alone_too),
    (Partitions, "_fails", nobody_is_left_alone),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "name", "instead"), MUTANTS, ids=[each[2].__name__ for each in MUTANTS]
)
def test_the_machine_tells_a_federation_where(
    monkeypatch: pytest.MonkeyPatch, place: object, name: str, instead: object
) -> None:
    monkeypatch.setattr(place, name, instead)

    with pytest.raises((AssertionError, RuntimeError)):
        run_state_machine_as_test(CutFederation, settings=TRIAL)
