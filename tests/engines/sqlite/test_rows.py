"""Rows and jobs: everything comes back as it went in, and what cannot is told."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from penstock.conformance.builders import (
    HOSTILE_TEXTS,
    MANY,
    assert_conserved,
    claims,
    job,
    push,
    push_one,
    read,
)
from penstock.engine import Bury, Renew
from penstock.engines.sqlite import rows
from penstock.engines.sqlite.rows import Row, in_batches, storable
from penstock.engines.sqlite.times import later, span, stored, told
from penstock.job import Details, JobId, NewJob, Progress
from tests.engines.sqlite.harness import SqliteHarness

TIMES = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2026, 7, 1, 12, 30, 59, 999_999, tzinfo=UTC),
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
]


@pytest.mark.parametrize("time", TIMES, ids=str)
def test_a_time_comes_back_exactly(time: datetime) -> None:
    assert told(stored(time)) == time


@pytest.mark.parametrize("duration", [timedelta.min, timedelta.max], ids=str)
def test_a_time_never_leaves_what_can_be_told(duration: timedelta) -> None:
    now = stored(datetime(2026, 7, 1, tzinfo=UTC))

    assert told(later(now, duration)).tzinfo is UTC


def test_a_time_after_a_duration() -> None:
    assert later(5, timedelta(seconds=2)) == 2_000_005
    assert later(5, timedelta(0)) == 5
    assert later(2_000_005, timedelta(seconds=-2)) == 5


def test_a_span_is_never_negative() -> None:
    assert span(1_500_000) == timedelta(seconds=1.5)
    assert span(-1) == timedelta(0)


@pytest.mark.parametrize("text", [None, "", *HOSTILE_TEXTS])
def test_text_is_stored_as_it_is(text: str | None) -> None:
    assert storable(text) == text


def test_what_sqlite_cannot_carry_is_replaced() -> None:
    assert storable("a\0b") == "a\N{REPLACEMENT CHARACTER}b"
    assert storable("half \ud83d of a letter") == "half ? of a letter"


def test_rows_are_put_into_batches_of_a_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_BATCH_BYTES", 40)
    given: Sequence[Row] = [(1, "x" * 10), (2, "y" * 10), (3, "z" * 100), (4, None)]

    batches = [msgspec.json.decode(text) for text in in_batches(given)]

    assert [[row[0] for row in batch] for batch in batches] == [[1, 2], [3], [4]]
    assert [tuple(row) for batch in batches for row in batch] == list(given)
    assert list(in_batches([])) == []


async def test_texts_that_no_client_should_send_are_kept_as_far_as_possible(
    harness: SqliteHarness,
) -> None:
    engine = harness.engine
    await push(engine, job(), job())
    first, second = await claims(engine)

    await engine.renew(
        [Renew(ref=first.ref, ttl=None, progress=Progress(percent=1 / 3, message="\0\ud83d"))]
    )
    await engine.bury([Bury(ref=second.ref, error="exit\0 \udcff")])

    assert (await read(engine, first.job.id)).progress == Progress(
        percent=1 / 3, message="\N{REPLACEMENT CHARACTER}?"
    )
    assert (await read(engine, second.job.id)).error == "exit\N{REPLACEMENT CHARACTER} ?"


async def test_many_large_jobs_go_in_as_one_batch(harness: SqliteHarness) -> None:
    params = '{"text": "%s"}' % ("\u00e9" * 500_000)

    ids = await push(harness.engine, *[job(params=params)] * 20)

    stored_jobs = await harness.engine.get(ids)
    assert [one and one.params for one in stored_jobs] == [params] * 20


async def test_jobs_due_at_the_end_of_time_are_kept(harness: SqliteHarness) -> None:
    end = datetime.max.replace(tzinfo=UTC)

    far, farther = await push(harness.engine, job(run_at=end), job(delay=timedelta.max))

    assert (await read(harness.engine, far)).run_at == end
    assert (await read(harness.engine, farther)).run_at == end
    promoted = await harness.engine.promote(MANY)
    assert promoted.next_in is not None
    assert promoted.next_in.days > 365


SPOILT = {
    "params are a number": "update job set params = 5",
    "params are a list": "update job set params = '[1]'",
    "params are no JSON": "update job set params = 'x'",
    "params are bytes": "update job set params = x'80'",
    "params are no UTF-8": "update job set params = cast(x'7bff7d' as text)",
    "details are of another kind": "update job set details = '{\"timeout\": []}'",
    "details are no UTF-8": "update job set details = cast(x'ff' as text)",
    "the time is none": "update job set pushed_at = 'noon'",
    "the delivery is unknown": "update job set delivery = 'by pigeon'",
    "the number is none": "update job set priority = 'high'",
    "the attempts are none": "update job set max_attempts = 'some'",
    "the root is none": "update job set root_signature = 1, root_timestamp = 'then'",
}


@pytest.mark.parametrize("how", SPOILT)
async def test_a_row_that_cannot_be_decoded_fails_nothing(how: str, harness: SqliteHarness) -> None:
    engine = harness.engine
    bad = await push_one(engine, job("bad"))
    spoil(harness, SPOILT[how])
    good = await push_one(engine, job("good"))

    found = await engine.get([bad, good])
    given = await claims(engine)

    assert [one.unreadable is not None for one in found if one] == [True, False]
    assert [(held.job.id, held.job.unreadable is not None) for held in given] == [
        (bad, True),
        (good, False),
    ]
    assert await engine.bury([Bury(ref=held.ref, error="unreadable") for held in given]) == [
        True,
        True,
    ]
    await assert_conserved(engine)


def spoil(harness: SqliteHarness, statement: str) -> None:
    connection = sqlite3.connect(harness.path)
    with connection:
        connection.execute(statement)
    connection.close()


async def test_every_field_of_a_job_comes_back(harness: SqliteHarness) -> None:
    details = Details(context="c", timeout=timedelta(seconds=7), trace="t", request_id="r")
    new: NewJob = job(params='{"a": [1, 2.5, null, "\\u0000"]}', details=details, max_attempts=9)

    stored_job = await read(harness.engine, await push_one(harness.engine, new))

    assert (stored_job.params, stored_job.details) == (new.params, details)
    assert (stored_job.queue, stored_job.max_attempts) == (new.queue, 9)
    assert stored_job.unreadable is None
    assert stored_job.id == JobId(1)
