"""What people may see and do: jobs, queues, who works; cancel, requeue, delete, pause; why a job does not run."""

from penstock.inspection.explain import Reason, ReasonCode
from penstock.inspection.health import Health
from penstock.inspection.inspection import CallbackState, Inspection, Totals
from penstock.inspection.jobs import MAX_PAGE, JobWish, Page
from penstock.inspection.moves import Moved
from penstock.inspection.queues import QueueView

__all__ = [
    "MAX_PAGE",
    "CallbackState",
    "Health",
    "Inspection",
    "JobWish",
    "Moved",
    "Page",
    "QueueView",
    "Reason",
    "ReasonCode",
    "Totals",
]
