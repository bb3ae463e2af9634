"""Asking all stores: a partition that is away hides its own jobs and no others."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from penstock.errors import EngineUnavailable
from penstock.group.group import QueueGroup
from penstock.group.store import Store

T = TypeVar("T")


async def answers_of(
    group: QueueGroup, stores: Iterable[Store], ask: Callable[[Store], Awaitable[T]]
) -> Sequence[tuple[Store, T]]:
    """What each store answers; a partition that cannot be reached is left out.

    EngineUnavailable where none of them answers, or one that is no partition does not.
    """
    answers: list[tuple[Store, T]] = []
    away: EngineUnavailable | None = None
    for store in stores:
        try:
            answers.append((store, await ask(store)))
        except EngineUnavailable as error:
            if not group.is_partition(store):
                raise
            away = error
    if away is not None and not answers:
        raise away
    return answers
