"""The process that runs jobs, seen from inside: one attempt, and what it tells its runner."""

import io
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from penstock.policy import Failed, Happened, Returned
from penstock.runner.child import Attempt, Channel, Forward
from penstock.runner.messages import FromChild, Logged, Reported, from_child
from tests.installation import SOON
from tests.runner.tasks import FUNCTION, HEAVY, task


class Answers(io.BytesIO):
    """What was told to the runner, and when it was the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()

    def flush(self) -> None:
        self.began.set()

    def told(self) -> list[FromChild]:
        return [from_child(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)


def run_in_thread(attempt: Attempt) -> "Future[Happened | None]":
    came_to: Future[Happened | None] = Future()
    threading.Thread(target=lambda: came_to.set_result(attempt.run()), daemon=True).start()
    return came_to


@pytest.mark.parametrize(
    ("place", "params", "happened"),
    [
        (HEAVY, {"do": "echo", "path": "a"}, Returned(result='["a",2,"store-7"]')),
        (HEAVY, {"do": "fail"}, Failed(error="ValueError: no good")),
        (HEAVY, {"do": "sys.exit"}, Failed(error="SystemExit: 4")),
        (HEAVY, {}, Failed(error="do: is missing", permanent=True)),
        (FUNCTION, {"do": "x"}, Returned(result='["x",2]')),
        (
            FUNCTION,
            {"do": "cancel itself"},
            Failed(error="CancelledError: the handler was cancelled, but not by its runner"),
        ),
        (
            "tests.runner.nowhere:Heavy",
            {},
            Failed(error="cannot run: ModuleNotFoundError: No module named 'tests.runner.nowhere'"),
        ),
        (
            "tests.runner.heavy:Nothing",
            {},
            Failed(
                error="cannot run: SettingsError: tests.runner.heavy:Nothing is no job class; "
                "define it at the top of its module"
            ),
        ),
    ],
)
def test_an_attempt_comes_to_what_its_handler_does(
    place: str, params: dict[str, str], happened: Happened, answers: Answers
) -> None:
    assert Attempt(task(place, **params), Channel(answers)).run() == happened


@pytest.mark.parametrize(
    ("place", "do", "happened"),
    [
        (HEAVY, "look", Returned(result='"saw it"')),
        (FUNCTION, "wait", None),
        (FUNCTION, "end", Returned(result='["ended",true]')),
    ],
)
def test_an_attempt_that_is_stopped_may_still_come_to_something(
    place: str, do: str, happened: Happened | None, answers: Answers
) -> None:
    attempt = Attempt(task(place, do=do), Channel(answers))
    came_to = run_in_thread(attempt)
    assert answers.began.wait(SOON)

    attempt.stop()
    attempt.stop()

    assert came_to.result(SOON) == happened
    [reported] = answers.told()
    assert isinstance(reported, Reported)


def test_an_attempt_that_is_stopped_before_it_begins_never_does(answers: Answers) -> None:
    attempt = Attempt(task(HEAVY, do="burn"), Channel(answers))

    attempt.stop()

    assert attempt.run() is None
    assert answers.told() == []


def test_a_stop_that_comes_too_late_does_nothing(answers: Answers) -> None:
    attempt = Attempt(task(FUNCTION, do="x"), Channel(answers))
    attempt.run()

    attempt.stop()

    assert answers.told() == []


def test_a_log_record_is_handed_over_with_its_traceback(answers: Answers) -> None:
    logger = logging.Logger("mine")
    logger.addHandler(Forward(Channel(answers)))

    try:
        raise ValueError("no \ud800 good")
    except ValueError:
        logger.exception("50%% %s\ud800", "failed", extra={"job_id": 7})

    [told] = answers.told()
    assert isinstance(told, Logged)
    assert (told.name, told.level, told.message) == ("mine", logging.ERROR, "50% failed?")
    assert told.traceback.endswith("ValueError: no ? good")
    assert told.of_job


def test_a_record_that_cannot_be_told_hurts_no_job(
    answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.Logger("mine")
    logger.addHandler(Forward(Channel(answers)))

    logger.warning("%d", "three")
    logger.warning("on we go")

    assert [told.message for told in answers.told() if isinstance(told, Logged)] == ["on we go"]
    assert "--- Logging error ---" in capsys.readouterr().err


class Gone(io.BytesIO):
    """A pipe whose reader has gone."""

    def flush(self) -> None:
        raise BrokenPipeError


def test_a_runner_that_has_gone_hurts_no_job() -> None:
    attempt = Attempt(task(FUNCTION, do="x"), Channel(Gone()))

    assert isinstance(attempt.run(), Returned)
    Channel(Gone()).send(Reported(percent=1, message=""))
