"""What queues show."""

from dataclasses import replace
from datetime import timedelta

import pytest

from penstock.conformance.builders import job
from penstock.doctor.queues import QueueState, about_queue, about_runners, queue_states
from penstock.engines.memory import MemoryEngine
from penstock.examination import Level
from penstock.job import Counts, Presence, QueueKey

MAIL = QueueKey("default", "mail")
STATE = QueueState(
    key=MAIL,
    counts=Counts(ready=3, pushed=3),
    paused=False,
    oldest=timedelta(seconds=5),
    lives_here=True,
    runners=1,
)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("state", "level", "text"),
    [
        (STATE, Level.OK, "default/mail: 3 jobs waiting"),
        (replace(STATE, runners=0), Level.WRONG, "no live runner takes them"),
        (replace(STATE, lives_here=False), Level.WRONG, "live in another store now"),
        (replace(STATE, oldest=HOUR), Level.ADVICE, "the oldest ready for 60 minutes"),
        (replace(STATE, paused=True, runners=0), Level.ADVICE, "is paused, 3 jobs waiting"),
        (replace(STATE, counts=Counts(scheduled=1), runners=0), Level.WRONG, "1 job waiting"),
        (replace(STATE, counts=Counts(dead=2)), Level.ADVICE, "2 jobs dead"),
    ],
)
def test_what_a_queue_shows(state: QueueState, level: Level, text: str) -> None:
    [found] = about_queue(state)

    assert found.level is level
    assert text in found.text
    assert bool(found.change) == (level is not Level.OK)


def test_a_queue_in_which_nothing_waits_shows_nothing() -> None:
    assert list(about_queue(replace(STATE, counts=Counts(done=9), runners=0))) == []


def test_dead_jobs_are_told_beside_those_that_wait() -> None:
    found = list(about_queue(replace(STATE, counts=Counts(dead=1, ready=1), paused=True)))

    assert [one.level for one in found] == [Level.ADVICE, Level.ADVICE]


def test_runners_are_told_with_their_slots() -> None:
    assert about_runners([]).text == "none is live"
    both = [Presence(worker="a", slots=20), Presence(worker="b", slots=4)]
    assert about_runners(both).text == "2 live, with 24 slots"


async def test_the_queues_of_a_store_are_seen_as_they_stand() -> None:
    engine = MemoryEngine()
    await engine.open()
    await engine.push([job(queue=MAIL), job(queue=QueueKey("other", "purge"))])
    await engine.pause([QueueKey("other", "purge")])
    runner = Presence(worker="a", slots=1, types=frozenset({"mail"}))

    [mail, purge] = await queue_states(engine, [runner], lambda type: type == "mail")

    assert (mail.key, mail.waiting, mail.paused, mail.runners, mail.lives_here) == (
        MAIL, 1, False, 1, True,
    )  # fmt: skip
    assert (purge.paused, purge.runners, purge.lives_here) == (True, 0, False)
    assert mail.oldest is not None
