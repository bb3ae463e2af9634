"""From jobs to answers."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from penstock.engine import Pushed
from penstock.errors import BadJob
from penstock.inspection import CallbackState, Moved, Page, Totals
from penstock.job import (
    Callback,
    Delivery,
    Details,
    Job,
    JobId,
    Move,
    NewJob,
    On,
    QueueKey,
    State,
)
from penstock.server import render
from penstock.server.pushing import Stored

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUEUE = QueueKey("default", "mail")
NEW = NewJob(queue=QUEUE, params='{"a":1}')
CALLBACK = Callback(on=On.DONE, type="http", params="{}")
JOB = Job(
    id=JobId(7),
    queue=QUEUE,
    state=State.READY,
    params='{"a":1}',
    details=Details(),
    priority=500,
    attempt=0,
    max_attempts=3,
    fence=0,
    delivery=Delivery.AT_LEAST_ONCE,
    pushed_at=NOON,
)
RUN = replace(
    JOB,
    state=State.DONE,
    attempt=2,
    fence=2,
    claimed_at=NOON + HOUR,
    finished_at=NOON + HOUR,
    worker="w1",
    result="1",
    error="once",
)


def stored(new: NewJob, *, duplicate: bool = False, replayed: bool = False) -> Stored:
    """The job 7 as it was pushed."""
    answer = Pushed(id=JobId(7), deduplicated=duplicate, replayed=replayed, at=NOON)
    return Stored(new, answer)


@pytest.mark.parametrize(
    ("new", "state", "run_at"),
    [
        (NEW, "ready", None),
        (replace(NEW, delay=HOUR), "scheduled", "2026-01-01T13:00:00Z"),
        (replace(NEW, run_at=NOON + HOUR), "scheduled", "2026-01-01T13:00:00Z"),
        (replace(NEW, run_at=NOON - HOUR), "ready", None),
        (replace(NEW, delay=-HOUR), "ready", None),
    ],
)
def test_a_pushed_job_is_told_as_it_stood_then(new: NewJob, state: str, run_at: str | None) -> None:
    told = json.loads(render.accepted(stored(new)))

    assert (told["state"], told["run_at"], told["pushed_at"]) == (
        state,
        run_at,
        "2026-01-01T12:00:00Z",
    )
    assert render.accepted(stored(new, replayed=True)) == render.accepted(stored(new))


def test_a_duplicate_is_told_as_the_job_that_was_waiting() -> None:
    duplicate = stored(replace(NEW, priority=1), duplicate=True)

    waiting = json.loads(render.deduplicated(duplicate, JOB))
    run = json.loads(render.deduplicated(duplicate, RUN))
    gone = json.loads(render.deduplicated(duplicate, None))

    assert (waiting["priority"], waiting["deduplicated"]) == (500, True)
    assert run == waiting
    assert list(gone) == list(waiting)
    assert "callbacks_kept" not in waiting


def test_a_duplicate_whose_callbacks_were_dropped_says_so() -> None:
    new = replace(NEW, details=Details(callbacks=(CALLBACK,)))

    told = json.loads(render.deduplicated(stored(new, duplicate=True), JOB))
    batch = json.loads(render.batch([stored(new, duplicate=True), stored(new)], "/"))

    assert told["callbacks_kept"] is False
    assert batch["jobs"] == [
        {"id": 7, "deduplicated": True, "callbacks_kept": False},
        {"id": 7, "deduplicated": False},
    ]


def test_a_bad_one_of_a_batch_is_a_problem_in_its_place() -> None:
    told = json.loads(render.batch([BadJob.field("jobs[0].type", "is missing")], "/v1/jobs/batch"))

    [entry] = told["jobs"]
    assert entry["problem"]["errors"] == [{"field": "jobs[0].type", "detail": "is missing"}]
    assert entry["problem"]["instance"] == "/v1/jobs/batch"


def test_a_job_is_told_with_its_callbacks() -> None:
    told = json.loads(
        render.job(
            RUN, [CallbackState("done", JobId(8), "ready"), CallbackState("done", JobId(9), None)]
        )
    )

    assert told["callbacks"] == [
        {"on": "done", "job_id": 8, "state": "ready"},
        {"on": "done", "job_id": 9, "state": None},
    ]
    assert (told["result"], told["deduplicated"]) == (1, False)


def test_a_job_that_cannot_be_read_is_told_without_its_params() -> None:
    told = json.loads(render.job(replace(JOB, params="{", unreadable="cut off"), []))

    assert told["params"] is None


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.SCHEDULED, 0),
        (State.READY, 0),
        (State.CLAIMED, 1),
        (State.DONE, 3),
        (State.SUPERSEDED, 3),
        (State.DEAD, 99),
        (State.CANCELLED, 99),
    ],
)
def test_every_state_has_its_number_of_the_queue_server(state: State, status: int) -> None:
    told = json.loads(render.status(replace(RUN, state=state)))

    assert told["data"] == {
        "id": 7,
        "worker_status": status,
        "time_added": "2026-01-01 12:00:00",
        "time_completed": "2026-01-01 13:00:00" if state.ended else None,
        "priority": 500,
    }


def test_the_totals_never_tell_of_less_than_no_thread() -> None:
    told = json.loads(render.totals(Totals(waiting=1, working=5, slots=4)))

    assert told["data"] == {"waiting": 1, "working": 5, "max_threads": 4, "free_threads": 0}


def test_only_an_answer_of_nothing_but_repeated_pushes_is_a_replay() -> None:
    again, fresh = stored(NEW, replayed=True), stored(NEW)

    assert render.replayed([again, again]) == {"Idempotency-Replayed": "true"}
    assert render.replayed([again, fresh]) == {}
    assert render.replayed([]) == {}


def test_a_page_is_told_with_the_callbacks_of_each_job() -> None:
    back = CallbackState("done", JobId(8), "ready")

    told = json.loads(render.jobs(Page([RUN, JOB], "abc"), [[back], []]))

    assert told["jobs"] == [
        json.loads(render.job(RUN, [back])),
        json.loads(render.job(JOB, [])),
    ]
    assert told["next"] == "abc"


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (Move.CANCEL, {"cancelled": 3, "asked": 2}),
        (Move.REQUEUE, {"retried": 3}),
        (Move.DELETE, {"deleted": 3}),
    ],
)
def test_moved_jobs_are_counted_in_the_word_of_their_move(
    move: Move, words: dict[str, int]
) -> None:
    counted = Moved(moved=3, asked=words.get("asked", 0), refused=1, unknown=4)

    told = json.loads(render.moved(counted, move, dry_run=True))

    matched = sum(words.values()) + 1
    assert told == {"matched": matched, **words, "refused": 1, "unknown": 4, "dry_run": True}
