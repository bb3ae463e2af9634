"""All queues together: where a job goes, and what is done alike around every engine."""

from penstock.group.group import QueueGroup
from penstock.group.store import End, Store, is_atomic

__all__ = ["End", "QueueGroup", "Store", "is_atomic"]
