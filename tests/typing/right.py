"""What a user of Penstock writes who makes no mistake: no checker complains."""

from dataclasses import field
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Literal

import msgspec

from penstock import (
    BadJob,
    Bury,
    Cancel,
    Context,
    Job,
    JobSpec,
    Penstock,
    Pushable,
    Registry,
    Retry,
    StoredJob,
    handlers_of,
    job,
)


class Colour(Enum):
    """A choice."""

    RED = "red"


class Mailing(Job, max_attempts=5, timeout=timedelta(minutes=1)):
    """A base without a type."""

    to: str


class SendMail(Mailing, type="send_mail", priority=800, dedupe=("to",)):
    """Params of many kinds."""

    subject: str
    when: datetime | None = None
    tags: list[str] = field(default_factory=list[str])
    colour: Colour = Colour.RED
    kind: Literal["a", "b"] = "a"
    percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0

    async def run(self, context: Context) -> None:
        context.report(50, "half")
        if context.attempt == 1:
            raise Retry(after=5)
        if context.cancelled.is_set():
            raise Cancel("as asked")


class Resize(Job, type="resize", cpu_bound=True, timeout=1.5, dedupe=True):
    """A run that blocks."""

    path: str

    def run(self, context: Context) -> dict[str, int]:
        context.log.info("resizing %s", self.path)
        return {"width": 3}


class PushedOnly(Job, type="pushed_only"):
    """Runs elsewhere."""

    to: str


@job("notify", max_attempts=5)
async def notify(context: Context, to: str, subject: str = "hi") -> None:
    context.log.info("%s %s %s", context.job.id, to, subject)


@job
def count(first: int, *, second: int = 2) -> int:
    return first + second


@job()
async def ping() -> list[str]:
    return ["pong"]


@job(cpu_bound=True, timeout=timedelta(seconds=3))
def burn(context: Context) -> bool:
    raise Bury("never", result={"a": context.attempt})


def pushed(one: Pushable) -> JobSpec:
    return one.as_spec()


def stored(one: StoredJob) -> int:
    return one.id


jobs: list[Job] = [SendMail("a", "b"), Resize(path="a"), notify("a", subject="b"), count(1), ping()]
pushables: list[Pushable] = [*jobs, JobSpec("any", {"a": 1})]
specs = [pushed(one) for one in pushables]
handlers = handlers_of([SendMail, Resize, notify, count])
registry = Registry(handlers)


async def push(penstock: Penstock) -> list[int]:
    one = await penstock.push(SendMail("a", "b"), delay=30, priority=800)
    many = await penstock.push([notify("a"), Resize("a")], timeout=timedelta(minutes=1))
    await penstock.push(JobSpec("any"), callback_done=count(1), idempotency_key="k")
    return [one.id, *[each.id for each in many]]


async def by_hand(context: Context) -> int:
    try:
        await SendMail("a", subject="b").run(context)
        await notify.function(context, "a")
    except BadJob as error:
        fields = [wrong.field for wrong in error.errors]
        assert fields == ["params.to"]
    width: int = Resize("a").run(context)["width"]
    return count.function(1, second=3) + width
