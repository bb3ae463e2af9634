"""Events: everybody who listens hears, and nobody hurts the others."""

import asyncio
import logging

import pytest

from penstock.events import Event, Events, Kind
from penstock.job import JobId, QueueKey

PUSHED = Event(Kind.PUSHED, "main", QueueKey("default", "mail"), JobId(7))
DONE = Event(Kind.DONE, "main", QueueKey("default", "mail"), JobId(7))


def fail(event: Event) -> None:
    raise RuntimeError("deaf")


def test_everybody_who_listens_hears_everything_in_order() -> None:
    events, one, other = Events(), list[Event](), list[Event]()
    events.listen(one.append)
    events.listen(other.append)

    events.tell(PUSHED)
    events.tell(DONE)

    assert one == other == [PUSHED, DONE]


def test_a_failing_listener_is_logged_and_the_others_hear(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events, heard = Events(), list[Event]()
    events.listen(fail)
    events.listen(heard.append)

    with caplog.at_level(logging.ERROR, "penstock.events"):
        events.tell(PUSHED)

    assert heard == [PUSHED]
    assert "pushed of job 7" in caplog.text
    assert "RuntimeError: deaf" in caplog.text


def test_a_cancellation_passes_a_listener() -> None:
    events = Events()

    def stop(event: Event) -> None:
        raise asyncio.CancelledError

    events.listen(stop)

    with pytest.raises(asyncio.CancelledError):
        events.tell(PUSHED)


def test_who_leaves_hears_no_more_and_may_leave_twice() -> None:
    events, left, stayed = Events(), list[Event](), list[Event]()
    leave = events.listen(left.append)
    events.listen(stayed.append)

    leave()
    leave()
    events.tell(PUSHED)

    assert (left, stayed) == ([], [PUSHED])


def test_who_listens_twice_and_leaves_once_hears_once() -> None:
    events, heard = Events(), list[Event]()
    listener = heard.append
    leave = events.listen(listener)
    events.listen(listener)

    leave()
    events.tell(PUSHED)

    assert heard == [PUSHED]


def test_a_listener_may_leave_and_another_come_while_it_hears() -> None:
    events, heard, late = Events(), list[Event](), list[Event]()

    def once(event: Event) -> None:
        heard.append(event)
        leave()
        events.listen(late.append)

    leave = events.listen(once)

    events.tell(PUSHED)
    events.tell(DONE)

    assert (heard, late) == ([PUSHED], [DONE])


def test_it_is_known_whether_anybody_listens() -> None:
    events = Events()

    before = events.heard
    leave = events.listen(fail)
    during = events.heard
    leave()

    assert (before, during, events.heard) == (False, True, False)
