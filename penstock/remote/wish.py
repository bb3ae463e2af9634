"""What a remote worker wants."""

from dataclasses import dataclass
from datetime import timedelta

from penstock.job import CALLBACK_TYPE
from penstock.serialization import digest

# They are signed with our secrets, so nobody else may send what they tell.
UNCLAIMABLE = frozenset({CALLBACK_TYPE})

_SHOWN = 200  # characters of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which jobs, how many at most, for how long, and for whom."""

    types: frozenset[str]
    domains: frozenset[str] | None = None  # None: all
    limit: int = 10
    ttl: timedelta = timedelta(seconds=30)
    worker: str = "remote"

    @property
    def presence(self) -> str:
        """The name under which the worker is shown as alive: no other's, as many may call themselves the same."""
        own = digest([self.worker, *sorted(self.types)])[:12]
        return f"{self.worker[:_SHOWN]}/remote-{own}"
