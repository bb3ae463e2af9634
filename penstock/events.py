"""What happened to jobs, and who listens."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from penstock.job import JobId, QueueKey

log = logging.getLogger(__name__)


class Kind(StrEnum):
    """What may happen to a job, as this process saw it."""

    PUSHED = "pushed"
    DEDUPLICATED = "deduplicated"
    REPLAYED = "replayed"
    CLAIMED = "claimed"
    DONE = "done"
    RETRIED = "retried"
    BURIED = "buried"
    RELEASED = "released"
    CANCELLED = "cancelled"
    LOST = "lost"  # an end of a claim that was no longer held: fencing at work


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one job."""

    kind: Kind
    store: str
    queue: QueueKey
    id: JobId
    error: str | None = None


Listener = Callable[[Event], None]


class Events:
    """Tells what happened to all who listen; a listener's failure is logged and hurts nobody else."""

    def __init__(self) -> None:
        self._listeners: dict[object, Listener] = {}

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell the listener everything from now on; the returned function ends that."""
        place = object()
        self._listeners[place] = listener
        return lambda: self._leave(place)

    def tell(self, event: Event) -> None:
        """Let every listener hear of it."""
        for listener in tuple(self._listeners.values()):
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed at %s of job %s", event.kind, event.id)

    def _leave(self, place: object) -> None:
        self._listeners.pop(place, None)
