"""`penstock cancel`."""

import asyncio
from datetime import timedelta

from penstock.engines.sqlite import SqliteEngine
from penstock.job import JobId
from tests.cli.command import Shell
from tests.cli.jobs import push, run_all, state_of


async def claim(id: int) -> None:
    """Somebody else runs the job now."""
    engine = SqliteEngine("sqlite:///penstock.db")
    await engine.open()
    await engine.claim_ids([JobId(id)], ttl=timedelta(minutes=1), worker="w2")
    await engine.close()


def test_waiting_jobs_end_cancelled_and_others_stay(penstock: Shell) -> None:
    first, second, other = (push(penstock, "greet") for _ in range(3))

    answer = penstock("cancel", str(first), str(second), str(first))

    assert (answer.code, answer.err) == (0, "")
    assert answer.lines == [f"job {first} is cancelled", f"job {second} is cancelled"]
    assert [state_of(penstock, id) for id in (first, second, other)] == [
        "cancelled",
        "cancelled",
        "ready",
    ]


def test_a_running_job_is_asked_to_stop(penstock: Shell) -> None:
    id = push(penstock, "greet")
    asyncio.run(claim(id))

    answer = penstock("cancel", str(id))

    assert (answer.code, answer.lines) == (0, [f"job {id} is asked to stop; it runs at w2"])
    assert state_of(penstock, id) == "claimed"


def test_what_cannot_be_cancelled_is_said_line_by_line_and_the_rest_is_done(
    penstock: Shell,
) -> None:
    done = push(penstock, "greet")
    run_all(penstock)
    waiting = push(penstock, "greet")

    answer = penstock("cancel", str(done), "99", str(waiting))

    assert answer.code == 1
    assert answer.lines == [f"job {waiting} is cancelled"]
    assert answer.err.splitlines() == [
        f"penstock cancel: job {done} is done; only a waiting or claimed job can be cancelled",
        "penstock cancel: no job 99: it was never pushed, or retention has removed it",
    ]


def test_an_id_of_a_store_that_is_not_there_is_unknown(penstock: Shell) -> None:
    answer = penstock("cancel", "70000000000001")

    assert answer.code == 1
    assert "no store has the number 7" in answer.err
