"""Whether this process can do its work."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

log = logging.getLogger(__name__)

SILENCE = timedelta(seconds=5)  # a part that waits for its store any longer does not work


class Health:
    """Whether every loop and store of this process works: what `readyz` tells. A change is logged."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._troubles: dict[str, str] = {}
        self._asked_at: dict[str, float] = {}

    @property
    def troubles(self) -> Mapping[str, str]:
        """What does not work now, and why; also what has waited for its store for too long."""
        now = self._now()
        waits = {part: now - since for part, since in self._asked_at.items()}
        silent = {
            part: f"no answer for {seconds:.0f} s"
            for part, seconds in waits.items()
            if seconds > SILENCE.total_seconds()
        }
        return silent | self._troubles

    def asks(self, part: str) -> None:
        """The part waits for its store, until it works or fails."""
        self._asked_at[part] = self._now()

    def works(self, part: str) -> None:
        """The part has just done its work."""
        self._asked_at.pop(part, None)
        if self._troubles.pop(part, None) is not None:
            log.info("%s works again", part)

    def fails(self, part: str, why: str) -> None:
        """The part could not do its work and goes on trying."""
        self._asked_at.pop(part, None)
        if part not in self._troubles:
            log.warning("%s: %s", part, why)
        self._troubles[part] = why
