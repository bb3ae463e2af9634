"""From errors to problem documents."""

import logging
from collections.abc import Sequence

import pytest
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from penstock.engine import Pushed
from penstock.engines.memory import MemoryEngine
from penstock.errors import (
    BadJob,
    EngineError,
    EngineUnavailable,
    FieldError,
    KeyReused,
    NotAllowed,
    SettingsError,
    UnknownJob,
    UnknownType,
    WrongState,
)
from penstock.handler import FunctionHandler
from penstock.job import NewJob
from penstock.serialization import JSON
from penstock.server import build
from penstock.server.body import TooLarge, Unreadable, UnsupportedMedia
from penstock.server.problems import NotReady, Problems, document
from penstock.settings import ServerSettings
from tests.installation import installation
from tests.server.driver import Client

WRONG = [FieldError("a", "is wrong")]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unreadable(WRONG), 400, "unreadable"),
        (NotAllowed("no"), 403, "not_allowed"),
        (UnknownJob("no job 7"), 404, "unknown_job"),
        (WrongState(), 409, "wrong_state"),
        (TooLarge(), 413, "too_large"),
        (UnsupportedMedia(), 415, "unsupported_media_type"),
        (BadJob(WRONG), 422, "bad_job"),
        (UnknownType(WRONG), 422, "unknown_type"),
        (KeyReused(), 422, "key_reused"),
        (EngineError("disk I/O error"), 500, "internal"),
        (SettingsError("secret"), 500, "internal"),
        (ValueError("secret"), 500, "internal"),
        (EngineUnavailable("secret"), 503, "unavailable"),
        (NotReady({"store main": "away"}), 503, "not_ready"),
    ],
)
async def test_every_error_is_told_by_its_kind(error: Exception, status: int, code: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    answer = await Client(Problems(app)).get("/v1/x")

    assert (answer.status, answer.code) == (status, code)
    assert answer.header("retry-after") == ("1" if status == 503 else None)
    assert answer.object()["instance"] == "/v1/x"
    assert "secret" not in answer.body.decode()


async def test_what_we_did_not_foresee_is_logged_on_one_line_with_its_origin(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("the inside")

    await Client(Problems(app)).get("/v1/a%0aERROR%20forged")

    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == r"GET '/v1/a\nERROR forged' failed"
    assert record.exc_info is not None
    assert "the inside" in str(record.exc_info[1])


async def test_an_unreachable_store_is_logged_with_what_its_driver_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class AwayEngine(MemoryEngine):
        """A store that cannot be written to."""

        async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
            """Nothing is stored."""
            raise EngineUnavailable("could not connect to 10.0.0.5")

    made = await installation({"mail": FunctionHandler(lambda _: None)}, engine=AwayEngine())
    client = Client(
        build(made.group, made.inspection, made.health, ServerSettings(), "1", remote=made.remote)
    )

    pushes: list[tuple[str, JSON]] = [
        ("/v1/jobs", {"type": "mail"}),
        ("/v1/jobs/batch", {"jobs": [{"type": "mail"}]}),
        ("/jobs/add", {"command": {"type": "mail"}}),
    ]
    for path, body in pushes:
        answer = await client.post(path, body)
        assert (answer.status, answer.code) == (503, "unavailable")
        assert "10.0.0.5" not in answer.body.decode()

    assert all("10.0.0.5" in record.getMessage() for record in caplog.records)
    assert len(caplog.records) == 3


async def test_a_client_that_has_gone_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ClientDisconnect

    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    await Problems(app)({"type": "http", "path": "/", "method": "GET"}, receive, send)

    assert sent == []
    assert caplog.records == []


async def test_an_error_after_the_answer_was_begun_is_not_answered_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("begun")(scope, receive, send)
        raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        await Client(Problems(app)).get("/")

    assert len(caplog.records) == 1


def test_a_problem_is_never_longer_than_anybody_reads() -> None:
    wrong = FieldError("f" * 100_000, "d" * 100_000)

    told = document(BadJob([wrong] * 1000), "/v1/jobs")

    errors = told["errors"]
    assert isinstance(errors, list)
    assert len(errors) == 100
    assert {len(error["field"]) for error in errors} == {200}
    assert {len(error["detail"]) for error in errors} == {1000}
    assert len(str(told["detail"])) == 1000


def test_a_refusal_names_the_field_and_the_line_to_add() -> None:
    told = document(NotAllowed("no", field="command.url", add="[x] y = 1"), "/jobs/add")

    assert told["errors"] == [
        {
            "field": "command.url",
            "detail": "no; to allow it add to penstock.toml, under its section: [x] y = 1",
        }
    ]
    assert told["detail"] == "no; to allow it add to penstock.toml, under its section: [x] y = 1"
