"""The executor: which deadline counts, and what is refused before a handler runs."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from penstock.errors import BadJob, NotAllowed
from penstock.handler import Context, FunctionHandler
from penstock.job import Job
from penstock.policy import Failed, Policy, Returned
from penstock.queue import JobSpec
from penstock.runner.executor import Executor
from penstock.serialization import JSON, JSONObject
from tests.installation import Installation, installation


class Choosy:
    """A handler that refuses some params and has a deadline of its own."""

    def __init__(self, own: timedelta | None = None) -> None:
        self.own = own
        self.ran = False

    def check(self, params: JSONObject) -> None:
        if params.get("bad"):
            raise BadJob.field("bad", "is not taken")
        if params.get("secret"):
            raise NotAllowed("secrets are not allowed")

    def timeout(self, params: JSONObject) -> timedelta | None:
        return self.own

    async def run(self, context: Context) -> JSON:
        self.ran = True
        return dict(context.params)


async def claimed(at: Installation, spec: JobSpec) -> Job:
    [id] = await at.push(spec)
    [claim] = await at.engine.claim_ids([id], ttl=timedelta(seconds=15), worker="w1")
    return claim.job


def context(job: Job, params: Mapping[str, JSON] | None = None) -> Context:
    return Context(job=job, params=params or {}, idempotency_key="k")


async def test_the_params_are_read_for_the_handler() -> None:
    at = await installation({"t": Choosy()})
    job = await claimed(at, JobSpec("t", {"a": [1, "ü"]}))

    happened = await Executor(at.group).attempt(context(job))

    assert happened == Returned(result='{"a":[1,"ü"]}')


@pytest.mark.parametrize("field", ["bad", "secret"])
async def test_what_the_handler_refuses_now_fails_for_good_without_running(field: str) -> None:
    """The rules may have changed since the push."""
    handler = Choosy()
    at = await installation({"t": FunctionHandler(lambda context: None)})
    job = await claimed(at, JobSpec("t", {field: True}))
    at.group.registry.register("t", handler)

    happened = await Executor(at.group).attempt(context(job))

    assert isinstance(happened, Failed)
    assert happened.permanent
    assert not handler.ran


@pytest.mark.parametrize(
    ("asked", "own", "expected"),
    [
        (timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=1)),
        (None, timedelta(seconds=2), timedelta(seconds=2)),
        (None, None, timedelta(seconds=3)),
    ],
)
async def test_the_jobs_deadline_comes_before_the_handlers_and_the_policys(
    asked: timedelta | None, own: timedelta | None, expected: timedelta
) -> None:
    policy = Policy(timeout=timedelta(seconds=3))
    at = await installation({"t": Choosy(own)}, policies={"t": policy})
    job = await claimed(at, JobSpec("t", timeout=asked))

    limit = Executor(at.group)._limit(Choosy(own), context(job))

    assert limit == expected


async def test_a_job_without_a_handler_here_fails_for_good_and_says_so() -> None:
    at = await installation({"t": Choosy()})
    job = await claimed(at, JobSpec("t"))
    at.group.registry = type(at.group.registry)({})

    happened = await Executor(at.group).attempt(context(job))

    assert isinstance(happened, Failed)
    assert "no handler for type 't'" in happened.error
