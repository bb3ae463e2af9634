"""Which queues `pause` and `resume` mean."""

from penstock.cli.gates import queues_meant
from penstock.handler import FunctionHandler
from penstock.job import QueueKey
from penstock.queue import JobSpec
from tests.installation import installation

HANDLERS = {type: FunctionHandler(lambda context: None) for type in ("work", "other")}


async def test_without_a_domain_all_that_have_used_the_type_and_the_default_one_are_meant() -> None:
    at = await installation(HANDLERS)
    await at.push(JobSpec("work", domain="b"), JobSpec("work", domain="e"), JobSpec("other"))

    found = await queues_meant(at.inspection, "work", ())

    assert [str(key) for key in found] == ["b/work", "default/work", "e/work"]


async def test_named_domains_are_meant_once_and_alone() -> None:
    at = await installation(HANDLERS)
    await at.push(JobSpec("work", domain="b"))

    found = await queues_meant(at.inspection, "work", ("new", "new"))

    assert found == [QueueKey("new", "work")]
