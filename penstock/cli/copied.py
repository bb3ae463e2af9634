"""What `copy-queue` says: a line for each queue, the same as JSON, and what is still to be done."""

from collections.abc import Iterator, Sequence

from penstock.inspection import Copied, Route
from penstock.job import Counts
from penstock.serialization import JSON

FIGURES = ("copied", "already_there", "deduplicated", "refused", "removed")


def foreseen(route: Route) -> JSON:
    """What would be copied, as JSON."""
    return {
        "to": route.target.name,
        "queues": [
            {"from": part.store.name, **_queue(part.queue.domain, part.queue.type, part.counts)}
            for part in route.parts
        ],
    }


def foreseen_lines(route: Route, type: str) -> Sequence[str]:
    """What would be copied."""
    if not route.parts:
        return [_nothing(type)]
    return [
        f"{part.queue} from {part.store.name} to {route.target.name}: {part.waiting} would be copied, "
        f"{part.counts.scheduled} of them scheduled; {part.counts.claimed} claimed would stay"
        for part in route.parts
    ]


def copied(route: Route, parts: Sequence[Copied]) -> JSON:
    """What was copied, as JSON."""
    return {
        "to": route.target.name,
        "queues": [
            {
                "from": one.store,
                **{name: getattr(one, name) for name in FIGURES},
                **_queue(one.queue.domain, one.queue.type, one.left),
            }
            for one in parts
        ],
    }


def copied_lines(route: Route, parts: Sequence[Copied], type: str) -> Sequence[str]:
    """What was copied."""
    return [_line(one, route.target.name) for one in parts] or [_nothing(type)]


def notes(
    parts: Sequence[Copied], *, type: str, target: str, home: str, moved: bool
) -> Iterator[str]:
    """What is still to be done, or to be known."""
    if home != target:
        yield (
            f"by this configuration jobs of type {type} are run from {home}, not from {target}; "
            f'add to [queues.{type}]: store = "{target}"'
        )
    for one in parts:
        waiting, claimed = one.left.scheduled + one.left.ready, one.left.claimed
        if moved and waiting:
            yield f"{one.queue}: {waiting} wait in {one.store} now; the same command moves them"
        if moved and claimed:
            yield (
                f"{one.queue}: {claimed} run from {one.store} now and may have to be tried again; "
                "then the same command moves them"
            )
        if one.paused:
            yield f"{one.queue} was paused in {one.store} before, and still is"


def _line(one: Copied, target: str) -> str:
    figures = [f"{getattr(one, name)} {name.replace('_', ' ')}" for name in FIGURES]
    left = f"{one.left.scheduled + one.left.ready} waiting, {one.left.claimed} claimed"
    return f"{one.queue} from {one.store} to {target}: {', '.join(figures)}; left: {left}"


def _nothing(type: str) -> str:
    return f"no job of type {type} waits there"


def _queue(domain: str, type: str, left: Counts) -> dict[str, JSON]:
    states = {"scheduled": left.scheduled, "ready": left.ready, "claimed": left.claimed}
    return {"domain": domain, "type": type, "left": states}
