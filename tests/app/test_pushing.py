# long: every option and every error of a push
"""What a push asks for: options over a job's own, and errors that name fields as the caller knows them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from penstock.app.pushing import PushOptions, push_many, push_one
from penstock.commands.callback import CallbackCommand
from penstock.commands.http import HttpCommand
from penstock.engine import JobFilter
from penstock.errors import BadJob, KeyReused, NotAllowed
from penstock.handler import Registry
from penstock.job import CALLBACK_TYPE, Callback, Job, On, Root
from penstock.job_class import Job as JobClass
from penstock.job_class import JobHandler, job
from penstock.queue import JobSpec
from penstock.settings import CallbackSettings, HttpSettings
from tests.installation import Installation, installation

WHEN = datetime(2026, 12, 1, tzinfo=UTC)


class Mail(JobClass, type="mail", max_attempts=7, timeout=60, priority=10, dedupe=True):
    to: str
    copies: int = 1

    def run(self, context: object) -> None:
        """Nothing."""


@dataclass
class Wide:
    """A value that JSON has no word for."""


@pytest.fixture
async def at() -> Installation:
    http = HttpCommand(HttpSettings(), version="1")
    registry = Registry({"http": http, "mail": JobHandler(Mail)})
    callback = CallbackCommand(http, registry, CallbackSettings())
    return await installation({"http": http, CALLBACK_TYPE: callback, "mail": JobHandler(Mail)})


async def stored(at: Installation) -> list[Job]:
    """All stored jobs, oldest first."""
    return list(reversed(await at.engine.list(JobFilter(), limit=1000)))


async def refused(at: Installation, job: object, options: PushOptions) -> list[str]:
    """The fields that keep the job, or the jobs, from being stored."""
    many = cast("list[JobSpec]", job if isinstance(job, list) else [])
    one = push_one(at.group, cast("JobSpec", job), options)
    with pytest.raises(BadJob) as caught:
        await (push_many(at.group, many, options) if many else one)
    one.close()
    assert await stored(at) == []
    return [error.field for error in caught.value.errors]


async def test_a_job_is_stored_as_its_class_says(at: Installation) -> None:
    pushed = await push_one(at.group, Mail("a"), {})

    [job] = await stored(at)
    assert (job.id, job.type, job.params) == (pushed.id, "mail", '{"to":"a","copies":1}')
    assert (job.max_attempts, job.priority) == (7, 10)
    assert job.details.timeout == timedelta(seconds=60)
    assert (await push_one(at.group, Mail("a"), {})).deduplicated


async def test_an_option_comes_before_what_the_job_says(at: Installation) -> None:
    root = Root(signature="s", timestamp=WHEN)

    await push_one(
        at.group,
        Mail("a"),
        {
            "max_attempts": 2,
            "timeout": timedelta(seconds=5),
            "priority": 0,
            "domain": "acme",
            "context": "shop",
            "dedupe": False,
            "root": root,
            "run_at": WHEN,
        },
    )

    [job] = await stored(at)
    assert (job.max_attempts, job.priority, job.domain) == (2, 0, "acme")
    assert (job.details.context, job.details.timeout) == ("shop", timedelta(seconds=5))
    assert (job.root, job.run_at) == (root, WHEN)
    assert not (await push_one(at.group, Mail("a"), {"domain": "acme"})).deduplicated


@pytest.mark.parametrize("delay", [90, 90.0, timedelta(seconds=90)])
async def test_a_delay_is_seconds_or_a_timedelta_instead_of_the_jobs_own_time(
    at: Installation, delay: float | timedelta
) -> None:
    await push_one(at.group, JobSpec("mail", {"to": "a"}, run_at=WHEN), {"delay": delay})

    [job] = await stored(at)
    assert job.run_at == at.clock.now() + timedelta(seconds=90)


async def test_what_is_left_out_or_none_stays_as_the_job_says(at: Installation) -> None:
    spec = JobSpec("mail", {"to": "a"}, domain="acme", delay=timedelta(seconds=9), priority=3)

    await push_one(at.group, spec, {"delay": None, "domain": None, "priority": None})

    [job] = await stored(at)
    assert (job.domain, job.priority) == ("acme", 3)
    assert job.run_at == at.clock.now() + timedelta(seconds=9)


async def test_callbacks_are_jobs_or_mappings_with_their_type(at: Installation) -> None:
    url = {"url": "https://example.org/"}

    await push_one(
        at.group,
        JobSpec("mail", {"to": "a"}),
        {
            "callbacks": {"done": {"type": "http", **url}, "failed": JobSpec("http", url)},
            "callback_done": Mail("b"),
        },
    )

    [job] = await stored(at)
    text = '{"url":"https://example.org/"}'
    assert job.details.callbacks == (
        Callback(on=On.DONE, type="mail", params='{"to":"b","copies":1}', report=False),
        Callback(on=On.DONE, type="http", params=text),
        Callback(on=On.FAILED, type="http", params=text),
    )


URL = {"type": "http", "url": 5}

WRONG: list[tuple[PushOptions, str]] = [
    ({"delay": -1}, "delay"),
    ({"delay": float("nan")}, "delay"),
    ({"delay": 10**400}, "delay"),
    ({"timeout": 0}, "timeout"),
    ({"priority": 1001}, "priority"),
    ({"domain": "a b"}, "domain"),
    ({"context": "\0"}, "context"),
    ({"max_attempts": 0}, "max_attempts"),
    ({"run_at": WHEN.replace(tzinfo=None)}, "run_at"),
    ({"run_at": WHEN, "delay": 1}, "run_at"),
    ({"dedupe": ["nope"]}, "dedupe"),
    ({"dedupe": "to"}, "dedupe"),
    ({"dedupe": []}, "dedupe"),
    ({"idempotency_key": ""}, "idempotency_key"),
    ({"callbacks": {"done": URL}}, "callbacks.done.url"),
    ({"callbacks": {"failed": {"url": "https://example.org/"}}}, "callbacks.failed.type"),
    ({"callbacks": {"dne": URL}}, "callbacks.dne"),
    ({"callbacks": {"done": Mail("b")}}, "callbacks.done.type"),
    ({"callback_done": URL}, "callback_done.url"),
    ({"callback_done": {"type": "mail", "to": Wide()}}, "callback_done.to"),
    ({"callback_done": Mail("a", cast("int", "b"))}, "callback_done.params.copies"),
]


@pytest.mark.parametrize(("options", "field"), WRONG, ids=[field for _, field in WRONG])
async def test_a_wrong_option_is_named_and_nothing_is_stored(
    at: Installation, options: PushOptions, field: str
) -> None:
    fields = await refused(at, JobSpec("mail", {"to": "a"}), options)

    assert fields[0] == field


async def test_options_that_are_no_mapping_or_no_root_are_named(at: Installation) -> None:
    wrong: dict[str, object] = {"callbacks": "done", "root": "s", "callback_done": 5, "delay": "5"}

    for name, value in wrong.items():
        fields = await refused(at, JobSpec("mail", {"to": "a"}), cast("PushOptions", {name: value}))
        assert fields == [name]


async def test_an_option_that_there_is_not_names_the_nearest(at: Installation) -> None:
    options = cast("PushOptions", {"dely": 5})

    with pytest.raises(TypeError, match="no option 'dely'; did you mean delay"):
        await push_one(at.group, Mail("a"), options)


async def test_the_wrong_params_of_one_job_are_named_without_a_place(at: Installation) -> None:
    assert await refused(at, Mail(cast("str", 5)), {}) == ["params.to"]
    assert await refused(at, JobSpec("mail", {"too": "a"}), {}) == ["params.too", "params.to"]


async def test_the_wrong_params_of_many_jobs_are_all_named_with_their_places(
    at: Installation,
) -> None:
    jobs = [Mail("a"), Mail(cast("str", 5)), JobSpec("mail", {"to": "b"}, priority=5000), Mail("c")]

    assert await refused(at, jobs, {}) == ["jobs[1].params.to", "jobs[2].priority"]


async def test_so_many_wrong_jobs_are_enough(at: Installation) -> None:
    assert len(await refused(at, [JobSpec("a b")] * 1000, {})) == 100


async def test_what_is_not_allowed_is_named_as_the_caller_knows_it(at: Installation) -> None:
    inside = JobSpec("http", {"url": "http://127.0.0.1:9/"})

    with pytest.raises(NotAllowed, match="allow_private") as one:
        await push_one(at.group, Mail("a"), {"callback_done": inside})
    with pytest.raises(NotAllowed, match="allow_private") as many:
        await push_many(at.group, [Mail("a"), inside], {})

    assert one.value.field.startswith("callback_done")
    assert many.value.field.startswith("jobs[1].params")
    assert await stored(at) == []


async def test_many_are_answered_in_their_order(at: Installation) -> None:
    pushed = await push_many(at.group, (Mail(name) for name in "abc"), {"priority": 7})

    jobs = await stored(at)
    assert [one.id for one in pushed] == [job.id for job in jobs]
    assert [job.params for job in jobs] == [f'{{"to":"{name}","copies":1}}' for name in "abc"]
    assert {job.priority for job in jobs} == {7}
    assert await push_many(at.group, [], {}) == []


@job("greet")
def greet(name: str) -> str:
    """Greet somebody."""
    return name


@pytest.mark.parametrize(
    ("given", "advice"),
    [(Mail, r"is the class Mail; push Mail\("), (greet, "is a JobFunction"), ("mail", "is a str")],
)
async def test_what_is_no_job_says_what_to_push(
    at: Installation, given: object, advice: str
) -> None:
    jobs = cast("list[JobSpec]", [JobSpec("mail", {"to": "a"}), given])

    with pytest.raises(TypeError, match=rf"jobs\[1\] {advice}"):
        await push_many(at.group, jobs, {})

    assert await stored(at) == []


async def test_a_push_under_a_known_key_is_answered_as_the_first_was(at: Installation) -> None:
    options: PushOptions = {"idempotency_key": "k", "dedupe": False}

    first = await push_many(at.group, [Mail("a"), Mail("b")], options)
    again = await push_many(at.group, [Mail("a"), Mail("b")], options)

    assert [one.id for one in again] == [one.id for one in first]
    assert all(one.replayed for one in again)
    assert len(await stored(at)) == 2


@pytest.mark.parametrize(
    "other",
    [
        [Mail("a")],
        [Mail("a"), Mail("c")],
        [Mail("a"), Mail("b"), Mail("c")],
        [Mail("c"), Mail("b")],
    ],
    ids=["shorter", "another", "longer", "another first"],
)
async def test_a_key_that_was_used_for_something_else_stores_nothing(
    at: Installation, other: list[Mail]
) -> None:
    options: PushOptions = {"idempotency_key": "k", "dedupe": False}
    await push_many(at.group, [Mail("a"), Mail("b")], options)

    with pytest.raises(KeyReused):
        await push_many(at.group, other, options)

    assert len(await stored(at)) == 2


async def test_one_job_and_many_under_one_key_are_two_pushes(at: Installation) -> None:
    await push_one(at.group, Mail("a"), {"idempotency_key": "k"})

    with pytest.raises(KeyReused):
        await push_many(at.group, [Mail("a"), Mail("b")], {"idempotency_key": "k"})

    assert len(await stored(at)) == 1


async def test_a_key_counts_in_its_domain_and_for_options_too(at: Installation) -> None:
    options: PushOptions = {"idempotency_key": "k", "dedupe": False}
    await push_one(at.group, Mail("a"), options)

    elsewhere = await push_one(at.group, Mail("a"), {**options, "domain": "acme"})
    with pytest.raises(KeyReused):
        await push_one(at.group, Mail("a"), {**options, "priority": 900})

    assert not elsewhere.replayed


async def test_a_key_needs_a_job(at: Installation) -> None:
    with pytest.raises(BadJob, match="jobs: is empty"):
        await push_many(at.group, [], {"idempotency_key": "k"})
