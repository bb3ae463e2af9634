"""From which id on jobs are looked for, where many dead rows stand before them.

While a transaction is open anywhere in the database, no row that it might see can be removed: a claim would pass by all
that were claimed since. So the lowest id of a ready job is looked up from time to time, and claims begin there. What is
lined up again by this process is seen at once; what others line up below it within that time, when it is looked up
again, or as soon as nothing else is found.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

ENOUGH = 10_000  # dead rows; fewer are passed by in a few milliseconds
BETWEEN_LOOKS = timedelta(seconds=1)


class Horizon:
    """The id below which nothing is looked for; 0 where it is not known, or would not pay."""

    def __init__(
        self, look: Callable[[], Awaitable[int]], pause: timedelta = BETWEEN_LOOKS
    ) -> None:
        self._look = look
        self._pause = pause
        self._id = 0
        self._looked_at: float | None = None
        self._times_lost = 0

    async def id(self) -> int:
        """The id by now."""
        now = time.monotonic()
        if self._looked_at is None or now - self._looked_at >= self._pause.total_seconds():
            self._looked_at = now
            lost, self._id = self._times_lost, 0
            found = await self._look()
            self._id = found if lost == self._times_lost else 0
        return self._id

    def lose(self) -> None:
        """A job may be ready below it: nothing is known until it is looked up again."""
        self._id = 0
        self._times_lost += 1
