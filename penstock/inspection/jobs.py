"""Lists of jobs, newest first, over all stores, a page at a time."""

import base64
import binascii
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.engine import JobFilter
from penstock.errors import BadJob, FieldError
from penstock.group import QueueGroup, Store, answers_of
from penstock.job import Job, JobId, State, first_id, store_number
from penstock.queue import MAX_CONTEXT, wrong_name

MAX_PAGE = 1000
LOOKED_AT = 5000  # jobs, for one page
LOOK = 251  # jobs of one store, in one look: they are read whole, and may be of 1 MiB each
LARGE = 8 * 1024 * 1024  # characters of params and results, after which a page ends

_PLACES = re.compile(rb"[0-9]{1,16}(\.[0-9]{1,16})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWish:
    """Which jobs are wanted; None means any."""

    type: str | None = None
    domain: str | None = None
    state: State | None = None
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs, newest first, and where the next page begins; None where nothing is left."""

    jobs: Sequence[Job]
    next: str | None


async def page_of(
    group: QueueGroup, which: JobWish, *, limit: int, after: str | None = None
) -> Page:
    """At most `limit` of the wanted jobs, newest push first, after the place where another page ended.

    Jobs that were pushed since the first page are left out. A page may hold fewer jobs than `limit`, and a `next`
    all the same: it ends once its jobs are large, and, since engines know no contexts, looks through a bounded number.
    A partition that is away is left out, of the pages after this one too if it has not been in one before.
    Raises BadJob naming what is wrong.
    """
    _check(which, limit)
    starts = {} if after is None else _places(group, after)
    look = LOOK if which.context is not None else min(limit + 1, LOOK)
    streams = {
        store: _Stream(store, which, look, starts.get(store.engine.identity.number))
        for store in group.stores.values()
    }
    heads = await answers_of(group, streams, lambda store: streams[store].head())
    answering = [streams[store] for store, _ in heads]
    jobs = await _taken(answering, which.context, limit)
    more = await _newest(answering) is not None
    return Page(jobs, _cursor([stream.place for stream in streams.values()]) if more else None)


class _Stream:
    """The wanted jobs of one store, newest first, read when they are needed."""

    def __init__(self, store: Store, which: JobWish, look: int, place: JobId | None) -> None:
        self._store = store
        self._filter = JobFilter(domain=which.domain, type=which.type, state=which.state)
        self._look = look
        self._read_to = place
        self._found: deque[Job] = deque()
        self._all_read = False
        self._place = place

    @property
    def place(self) -> JobId:
        """The id below which the jobs stand that were not taken yet."""
        if self._place is not None:
            return self._place
        if self._found:
            return JobId(self._found[0].id + 1)
        return first_id(self._store.engine.identity.number)

    async def head(self) -> Job | None:
        """The newest job that was not taken yet."""
        if not self._found and not self._all_read:
            found = await self._store.engine.list(
                self._filter, limit=self._look, after=self._read_to
            )
            self._found.extend(found)
            self._all_read = len(found) < self._look
            self._read_to = found[-1].id if found else self._read_to
        return self._found[0] if self._found else None

    def take(self) -> Job:
        """The newest job, which is taken now."""
        job = self._found.popleft()
        self._place = job.id
        return job


async def _taken(streams: Sequence[_Stream], context: str | None, limit: int) -> Sequence[Job]:
    """The newest jobs of this context, or of any, until a page is full."""
    jobs: list[Job] = []
    size = looked_at = 0
    while len(jobs) < limit and looked_at < LOOKED_AT and size < LARGE:
        newest = await _newest(streams)
        if newest is None:
            break
        job = newest.take()
        looked_at += 1
        if context in (None, job.details.context):
            jobs.append(job)
            size += len(job.params) + len(job.result or "")
    return jobs


async def _newest(streams: Sequence[_Stream]) -> _Stream | None:
    """The stream whose next job was pushed last."""
    heads = [(await stream.head(), stream) for stream in streams]
    there = [(job.pushed_at, job.id, stream) for job, stream in heads if job is not None]
    return max(there, key=lambda one: one[:2])[2] if there else None


def _check(which: JobWish, limit: int) -> None:
    context = which.context or ""
    found: Mapping[str, str | None] = {
        "type": None if which.type is None else wrong_name(which.type),
        "domain": None if which.domain is None else wrong_name(which.domain),
        "context": f"is longer than {MAX_CONTEXT}" if len(context) > MAX_CONTEXT else None,
        "limit": None if 1 <= limit <= MAX_PAGE else f"is not within 1 and {MAX_PAGE}",
    }
    errors = [FieldError(name, detail) for name, detail in found.items() if detail is not None]
    if errors:
        raise BadJob(errors)


def _cursor(places: Sequence[JobId]) -> str:
    """The text that stands for these places, one of each store."""
    text = ".".join(str(place) for place in places)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _places(group: QueueGroup, cursor: str) -> Mapping[int, JobId]:
    """The place in each store, by its number; BadJob for a text that is no cursor of ours."""
    try:
        text = base64.b64decode(
            cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
    except (binascii.Error, UnicodeEncodeError):
        text = b""
    places = [JobId(int(part)) for part in text.split(b".")] if _PLACES.fullmatch(text) else []
    by_number = {store_number(place): place for place in places}
    known = {store.engine.identity.number for store in group.stores.values()}
    if not places or len(by_number) < len(places) or not by_number.keys() <= known:
        raise BadJob.field("after", "is no `next` of a page of this installation; start without it")
    return by_number
