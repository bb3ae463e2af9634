"""One commit from within: the store's time, fresh ids, the counts that change with it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from penstock.engines.sqlite.connection import Connection
from penstock.engines.sqlite.rows import as_json
from penstock.job import QueueKey, State

DELETED = "deleted"
PUSHED = "pushed"
_TALLIED = (*(state.value for state in State), DELETED, PUSHED)


@dataclass(slots=True)
class _Kept:
    """What the store's row says, and what is not written yet."""

    next_id: int
    wakes: int
    tallies: Counter[tuple[int, str]]
    found: dict[QueueKey, int]


class Transaction:
    """The write lock is held; nothing is true for others before the end."""

    def __init__(
        self, connection: Connection, host_now: Callable[[], int], known: Mapping[QueueKey, int]
    ) -> None:
        self._connection = connection
        self._known = known
        connection.run("transaction.begin")
        self._changes = connection.changes
        [(last_now, next_id, self.wakes_before)] = connection.run("transaction.store")
        self.now = max(last_now, host_now())
        self._kept = _Kept(next_id, self.wakes_before, Counter(), {})

    def run(self, name: str, /, **values: int | str | None) -> list[Any]:
        """Run the statement of this name; its rows."""
        return self._connection.run(name, **values)

    @property
    def wakes(self) -> int:
        """How often a job may have become ready, once this is committed."""
        return self._kept.wakes

    @property
    def found(self) -> Mapping[QueueKey, int]:
        """The queues looked up in this transaction, to be remembered after its commit."""
        return self._kept.found

    def next_ids(self, count: int) -> range:
        """So many ids that no other job has or had."""
        first = self._kept.next_id
        self._kept.next_id += count
        return range(first, self._kept.next_id)

    def tally(self, queue: int, what: str, change: int = 1) -> None:
        """The count of this queue changes with the commit."""
        self._kept.tallies[queue, what] += change

    def wake(self) -> None:
        """Whoever waits is woken after the commit."""
        self._kept.wakes = self.wakes_before + 1

    def queue(self, key: QueueKey) -> int | None:
        """The number of the queue; None if it was never used."""
        return self.queues([key]).get(key)

    def queues(self, keys: Collection[QueueKey]) -> Mapping[QueueKey, int]:
        """The numbers of those of the queues that were ever used."""
        unknown = [key for key in keys if key not in self._known and key not in self._kept.found]
        if unknown:
            rows = self.run("queue.find", queues=_names(unknown))
            self._kept.found.update({QueueKey(domain, type): id for domain, type, id in rows})
        numbers = {key: self._known.get(key) or self._kept.found.get(key) for key in keys}
        return {key: number for key, number in numbers.items() if number is not None}

    def queues_made(self, keys: Collection[QueueKey]) -> Mapping[QueueKey, int]:
        """The numbers of the queues; those never used are made."""
        found = self.queues(keys)
        missing = sorted(set(keys) - set(found))
        if not missing:
            return found
        self.run("queue.add", queues=_names(missing))
        return self.queues(keys)

    @contextmanager
    def step(self) -> Iterator[None]:
        """All or nothing of what is done inside; the transaction goes on either way, if SQLite let it live."""
        kept = _Kept(
            self._kept.next_id,
            self._kept.wakes,
            Counter(self._kept.tallies),
            dict(self._kept.found),
        )
        self.run("transaction.save")
        try:
            yield
        except BaseException:
            self._kept = kept
            if self.alive:
                self.run("transaction.restore")
            raise
        finally:
            if self.alive:
                self.run("transaction.forget")

    @property
    def alive(self) -> bool:
        """Whether SQLite still holds the transaction; it ends one by itself after some errors."""
        return self._connection.in_transaction

    def flush(self) -> None:
        """Write what was kept until the end; nothing where nothing has changed."""
        tallies = self._tallies()
        if tallies:
            self.run("transaction.tally", changes=as_json(tallies))
        if self._connection.changes != self._changes or self.wakes != self.wakes_before:
            self.run(
                "transaction.advance",
                now=self.now,
                next_id=self._kept.next_id,
                wakes=self._kept.wakes,
            )

    def commit(self) -> None:
        """Everything is durable."""
        self.run("transaction.commit")

    def rollback(self) -> None:
        """Nothing has happened."""
        if self.alive:
            self.run("transaction.rollback")

    def _tallies(self) -> list[tuple[int, ...]]:
        changed = {queue for (queue, _), change in self._kept.tallies.items() if change}
        return [
            (queue, *(self._kept.tallies[queue, what] for what in _TALLIED))
            for queue in sorted(changed)
        ]


def _names(keys: Collection[QueueKey]) -> str:
    return as_json([(key.domain, key.type) for key in keys])
