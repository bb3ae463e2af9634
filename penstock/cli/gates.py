"""Which queues `pause` and `resume` mean, and what they say of them."""

from collections.abc import Sequence

from penstock.app import Penstock
from penstock.cli.console import complain, say
from penstock.cli.usage import suggest
from penstock.inspection import Inspection, QueueView
from penstock.job import QueueKey


async def queues_meant(
    inspection: Inspection, type: str, domains: Sequence[str]
) -> Sequence[QueueKey]:
    """The queues of the type in these domains; without any, in all that have used it, and in `default`."""
    if domains:
        return [QueueKey(domain, type) for domain in dict.fromkeys(domains)]
    return sorted({*await inspection.queues_of(type), QueueKey("default", type)})


def tell(penstock: Penstock, verb: str, views: Sequence[QueueView]) -> None:
    """A line for each queue; a type that nobody here knows may be a slip, and is said on standard error."""
    for view in views:
        waiting = view.counts.scheduled + view.counts.ready
        jobs = "1 job waits" if waiting == 1 else f"{waiting} jobs wait"
        say(f"{view.queue} is {'paused' if view.paused else 'resumed'}; {jobs}")
    type, known = views[0].queue.type, {*penstock.registry.types, *penstock.policies.types}
    if type not in known and all(view.counts.pushed == 0 for view in views):
        near = suggest(type, known, otherwise="if it is spelt right, all is well")
        complain(f"penstock {verb}: no job of type {type} was ever pushed there; {near}")
