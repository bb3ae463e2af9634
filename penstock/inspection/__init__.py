"""What people may see and do: jobs, queues, who works; cancel, requeue, delete, pause; why a job does not run."""

from penstock.inspection.copying import MAX_BATCH, Copied, Tell, copy, move
from penstock.inspection.explain import Reason, ReasonCode
from penstock.inspection.health import Health
from penstock.inspection.inspection import CallbackState, Inspection, Totals
from penstock.inspection.jobs import MAX_PAGE, JobWish, Page
from penstock.inspection.moves import Moved
from penstock.inspection.queues import QueueView
from penstock.inspection.route import Part, Route, route

__all__ = [
    "MAX_BATCH",
    "MAX_PAGE",
    "CallbackState",
    "Copied",
    "Health",
    "Inspection",
    "JobWish",
    "Moved",
    "Page",
    "Part",
    "QueueView",
    "Reason",
    "ReasonCode",
    "Route",
    "Tell",
    "Totals",
    "copy",
    "move",
    "route",
]
