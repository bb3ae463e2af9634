"""The desk over some stores, for tests: what they hold is put there behind its back."""

from datetime import timedelta

from penstock.engine import Engine
from penstock.events import Events
from penstock.group import QueueGroup, Store
from penstock.handler import FunctionHandler, Registry
from penstock.inspection import Inspection
from penstock.job import Claim, NewJob, QueueKey
from penstock.policy import Policies, Policy

QUEUE = QueueKey("default", "mail")
TTL = timedelta(seconds=15)
LONG = timedelta(seconds=30)
SOON = 5  # seconds
HANDLERS = {"mail": FunctionHandler(lambda context: None)}


def group(*engines: Engine, policy: Policy | None = None, **routes: str) -> QueueGroup:
    """All queues of these stores, named store0, store1 …; mail jobs have this policy."""
    policies = Policies(Policy(), {"mail": policy or Policy()})
    stores = {
        f"store{number}": Store(
            f"store{number}", engine, policies, Events(), kind=type(engine).__name__
        )
        for number, engine in enumerate(engines)
    }
    return QueueGroup(
        stores, default="store0", routes=routes, policies=policies, registry=Registry(HANDLERS)
    )


def inspection(*engines: Engine, policy: Policy | None = None, **routes: str) -> Inspection:
    """What can be seen of these stores; a route names the store of a type."""
    return Inspection(group(*engines, policy=policy, **routes))


async def claimed(engine: Engine, new: NewJob) -> Claim:
    """The claim of a job that was pushed just now."""
    [pushed] = await engine.push([new])
    [claim] = await engine.claim_ids([pushed.id], ttl=TTL, worker="w1")
    return claim
