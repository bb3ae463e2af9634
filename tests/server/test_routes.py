"""Which path leads where, and what is said of the others."""

import pytest
from starlette.types import Message

from penstock.server import build
from penstock.settings import ServerSettings
from tests.installation import installation
from tests.server.driver import Client

PATHS = {
    "/": "GET",
    "/jobs/add": "POST",
    "/jobs/status": "GET",
    "/jobs/status/1": "GET",
    "/livez": "GET",
    "/readyz": "GET",
    "/v1/jobs": "GET, HEAD, POST",
    "/v1/jobs/batch": "POST",
    "/v1/jobs/cancel": "POST",
    "/v1/jobs/retry": "POST",
    "/v1/jobs/delete": "POST",
    "/v1/jobs/1": "DELETE, GET, HEAD",
    "/v1/jobs/1/cancel": "POST",
    "/v1/jobs/1/retry": "POST",
    "/v1/claims": "POST",
    "/v1/claims/ack": "POST",
    "/v1/claims/renew": "POST",
    "/v1/claims/release": "POST",
    "/v1/claims/retry": "POST",
    "/v1/claims/bury": "POST",
    "/v1/jobs/1/explain": "GET, HEAD",
    "/v1/queues": "GET, HEAD",
    "/v1/queues/default/mail": "GET, HEAD",
    "/v1/queues/default/mail/pause": "POST",
    "/v1/queues/default/mail/resume": "POST",
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "BREW"])
async def test_a_method_that_is_not_there_is_told_which_are(
    method: str, path: str, client: Client
) -> None:
    answer = await client.ask(method, path)

    assert (answer.status, answer.header("allow")) == (405, PATHS[path])
    if path.startswith("/v1/"):
        assert answer.code == "method_not_allowed"
        assert PATHS[path] in str(answer.object()["detail"])
    else:
        assert answer.json() == {"message": f"Method not allowed. Must be one of: {PATHS[path]}"}


async def test_progress_is_put_and_nothing_else(client: Client) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        answer = await client.ask(method, "/v1/jobs/1/progress")

        assert (answer.status, answer.header("allow")) == (405, "PUT")


@pytest.mark.parametrize(
    "path", ["/nowhere", "/jobs", "/jobs/add/", "//jobs/add", "/livez/", "/JOBS/ADD", "/v1", "/v10"]
)
async def test_a_path_that_is_not_there_is_answered_as_the_original_did(
    path: str, client: Client
) -> None:
    for method in ("GET", "POST"):
        answer = await client.ask(method, path)

        assert (answer.status, answer.json()) == (404, {"message": "Not found"})


@pytest.mark.parametrize(
    "path",
    [
        *["/v1/", "/v1/jobs/", "/v1/jobs/1/", "/v1/nowhere", "/v1/jobs/1/2/3"],
        *["/v1/jobs/1%2f2/cancel/", "/v1/queues/", "/v1/queues/mail", "/v1/queues/default/mail/"],
        *["/v1/queues/a/b/c", "/v1/queues/a%2fb/c/d", "/v1/queues//mail"],
    ],
)
async def test_a_native_path_that_is_not_there_is_a_problem(path: str, client: Client) -> None:
    answer = await client.get(path)

    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    ["/", "/livez", "/readyz", "/jobs/status", "/v1/jobs", "/v1/queues", "/v1/queues/a/b"],
)
async def test_head_is_answered_as_get(path: str, client: Client) -> None:
    get, head = await client.get(path), await client.ask("HEAD", path)

    assert (head.status, head.headers) == (get.status, get.headers)


async def test_a_server_without_stores_of_jobs_still_answers() -> None:
    made = await installation({})
    client = Client(
        build(made.group, made.inspection, made.health, ServerSettings(), "9", remote=made.remote)
    )

    assert (await client.get("/")).json() == {"version": "9", "status": "running"}
    assert (await client.post("/v1/jobs", {"type": "mail"})).code == "unknown_type"


async def test_what_is_no_request_is_left_to_the_router() -> None:
    made = await installation({})
    app = build(made.group, made.inspection, made.health, ServerSettings(), "9", remote=made.remote)
    sent: list[str] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup" if not sent else "lifespan.shutdown"}

    async def send(message: Message) -> None:
        sent.append(str(message["type"]))

    await app({"type": "lifespan"}, receive, send)

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
