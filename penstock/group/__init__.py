"""All queues together: where a job goes, whose turn it is, and what is done alike around every engine."""

from penstock.group.answers import answers_of
from penstock.group.fetcher import Fetcher, Taken
from penstock.group.group import QueueGroup
from penstock.group.store import End, Store, is_atomic
from penstock.group.turns import Turns
from penstock.group.waiting import Waiter

__all__ = [
    "End",
    "Fetcher",
    "QueueGroup",
    "Store",
    "Taken",
    "Turns",
    "Waiter",
    "answers_of",
    "is_atomic",
]
