"""What has no bound is looked at in pages, each of which holds up the server only for a moment."""

from collections.abc import Iterator, Sequence

from penstock.engine import JobFilter
from penstock.engines.redis.keys import queue_name, queue_of
from penstock.engines.redis.scripts import Argument, Scripts
from penstock.job import QueueKey

PAGE = 500  # queues or claims that are looked at in one call

_START = b"0"


async def queues_that_match(scripts: Scripts, which: JobFilter) -> Sequence[str]:
    """The names of the queues of this domain and type."""
    if which.domain is not None and which.type is not None:
        return [queue_name(QueueKey(which.domain, which.type))]
    names = await all_queues(scripts)
    return [name for name in names if _matches(queue_of(name.encode()), which)]


async def all_queues(scripts: Scripts) -> Sequence[str]:
    """The names of all queues ever used."""
    return sorted(name.decode() for name in await walked(scripts, "steps/list_queues"))


async def walked(scripts: Scripts, verb: str, *arguments: Argument) -> set[bytes]:
    """All that the pages of this script answer."""
    found: set[bytes] = set()
    cursor, is_over = _START, False
    while not is_over:
        cursor, some = await scripts.run(verb, tuple[bytes, list[bytes]], *arguments, cursor, PAGE)
        found.update(some)
        is_over = cursor == _START
    return found


def pages(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """All of them, so many at a time."""
    for start in range(0, len(names), PAGE):
        yield names[start : start + PAGE]


def _matches(queue: QueueKey, which: JobFilter) -> bool:
    return which.domain in {None, queue.domain} and which.type in {None, queue.type}
