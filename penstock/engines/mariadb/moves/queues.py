"""The numbers under which queues are known inside the store; they never change, so they are asked for once."""

from collections.abc import Collection, Mapping

from penstock.engines.mariadb.session import Session
from penstock.engines.mariadb.statements import Values, call_each
from penstock.job import QueueKey


class Numbers:
    """What is known of the numbers so far; shared by all threads."""

    def __init__(self) -> None:
        self._known: dict[QueueKey, int] = {}

    def __getitem__(self, queue: QueueKey) -> int:
        return self._known[queue]

    def find(self, session: Session, queues: Collection[QueueKey]) -> Mapping[QueueKey, int]:
        """The numbers of those of the queues that were ever used."""
        unknown = sorted({queue for queue in queues if queue not in self._known})
        if unknown:
            [found] = session.run(call_each("push.queues", named(unknown)))
            self._known |= {QueueKey(domain, type): id for domain, type, id in found}
        return {queue: self._known[queue] for queue in queues if queue in self._known}

    def find_or_make(self, session: Session, queues: Collection[QueueKey]) -> None:
        """All of them are known."""
        found = self.find(session, queues)
        if new := sorted(set(queues) - found.keys()):
            # A commit of its own: what is known here must stand whatever becomes of the push.
            session.run(call_each("push.new_queues", named(new)))
            self.find(session, new)


def named(queues: Collection[QueueKey]) -> list[Values]:
    """The queues by name, as rows."""
    return [{"domain": queue.domain, "type": queue.type} for queue in queues]
