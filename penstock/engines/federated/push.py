"""Push: each unit goes to one partition, and, where that fails and it may, to another one."""

from collections.abc import Mapping, Sequence
from functools import partial
from random import Random

from penstock.engine import Engine, Pushed
from penstock.engines.federated.partitions import Partitions, Replies
from penstock.engines.federated.placement import Unit, units_of
from penstock.engines.federated.roots import of_pushed, register_elsewhere
from penstock.errors import EngineError, EngineUnavailable
from penstock.job import NewJob

Placed = Mapping[str, Sequence[Unit]]


async def push(
    partitions: Partitions, jobs: Sequence[NewJob], *, tries: int, chance: Random
) -> Sequence[Pushed]:
    """The jobs are stored, answered in their places, and their roots known everywhere.

    EngineUnavailable where some could not be, or may not have been; the others are.
    """
    answers: dict[int, Pushed] = {}
    try:
        await _push_units(partitions, jobs, answers, tries, chance)
    finally:
        await register_elsewhere(partitions, list(of_pushed(jobs, answers)))
    return [answers[place] for place in range(len(jobs))]


async def _push_units(
    partitions: Partitions,
    jobs: Sequence[NewJob],
    answers: dict[int, Pushed],
    tries: int,
    chance: Random,
) -> None:
    units = units_of(jobs)
    tried: dict[str, EngineError] = {}
    for _ in range(tries):
        placed = _placed(partitions, units, chance)
        replies = await _push_to(partitions, placed, jobs)
        for name, pushed in replies.answers.items():
            answers.update(zip(_places(placed[name]), pushed, strict=True))
        if not replies.troubles:
            return
        tried |= replies.troubles
        units = [unit for name in replies.troubles for unit in placed[name]]
        _refuse_to_go_on(replies, units)
    told = "; ".join(f"{name}: {trouble}" for name, trouble in tried.items())
    raise EngineUnavailable(f"could not store all jobs; tried {len(tried)} partitions: {told}")


def _placed(partitions: Partitions, units: Sequence[Unit], chance: Random) -> Placed:
    ejected = partitions.ejected
    placed: dict[str, list[Unit]] = {}
    for unit in units:
        name = _place(partitions, unit, ejected, chance)
        if name is None:
            raise EngineUnavailable("could not store all jobs, no partition takes new ones now")
        placed.setdefault(name, []).append(unit)
    return placed


def _place(
    partitions: Partitions, unit: Unit, ejected: frozenset[str], chance: Random
) -> str | None:
    if unit.bound and unit.item is not None:
        return partitions.ring.owner(unit.item)
    if unit.item is not None:
        return partitions.ring.owner(unit.item, without=ejected)
    names = [name for name in partitions.live if partitions.weight(name) > 0]
    weights = [partitions.weight(name) for name in names]
    return chance.choices(names, weights)[0] if names else None


async def _push_to(
    partitions: Partitions, placed: Placed, jobs: Sequence[NewJob]
) -> Replies[Sequence[Pushed]]:
    return await partitions.ask(
        {
            name: partial(_push_batch, [jobs[place] for place in _places(units)])
            for name, units in placed.items()
        }
    )


async def _push_batch(jobs: Sequence[NewJob], engine: Engine) -> Sequence[Pushed]:
    return await engine.push(jobs)


def _places(units: Sequence[Unit]) -> Sequence[int]:
    """Where the jobs of these units stand in the push, in its order."""
    return sorted(place for unit in units for place in unit.places)


def _refuse_to_go_on(replies: Replies[Sequence[Pushed]], units: Sequence[Unit]) -> None:
    """What failed for good, or may have been stored and must not be twice, is for the caller."""
    lasting = any(not isinstance(one, EngineUnavailable) for one in replies.troubles.values())
    if lasting or any(unit.once for unit in units):
        replies.every()
