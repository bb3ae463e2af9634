"""The pages tell the truth: what they promise is what the code declares."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import msgspec
import pytest

import penstock
from penstock.app import engine_kinds
from penstock.engine import Engine, Feature
from penstock.inspection import Moved, ReasonCode
from penstock.job import Move, NewJob, QueueKey, State
from penstock.serialization import JSON, JSONObject
from penstock.server import render
from penstock.server.claims_payload import ProgressFields, WishFields
from penstock.server.fields import (
    BatchFields,
    CallbackFields,
    JobFields,
    LegacyFields,
    ManyFields,
    RootFields,
)
from penstock.server.payload import LISTED_BY
from penstock.server.routes import routes
from penstock.settings import Settings
from tests.installation import Installation, installation
from tests.servers.mariadb import Server as MariadbServer
from tests.servers.redis import Server as RedisServer
from tests.servers.redis import redis_server

__all__ = ["redis_server"]

pytest_plugins = ["tests.servers.fixtures"]

ROOT = Path(__file__).parents[2]
API = (ROOT / "docs/http-api.md").read_text()
REQUEST = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`? ]*)(?:\?([^` ]*))?`")
BODY = re.compile(r"`(\{[^`]*\})`")
SAMPLE = re.compile(r"```json\n(.*?)```", re.DOTALL)
QUEUE = QueueKey("default", "mail")
OTHER_SCHEMES = {"rediss"}  # of an engine that has a column under its first one
SERVERS = {"mariadb", "postgresql", "redis"} | OTHER_SCHEMES
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def promises() -> Mapping[str, Mapping[str, bool]]:
    """Engine to feature to promise, as the table of docs/engines.md has it."""
    page = (ROOT / "docs/engines.md").read_text()
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in rows]
    engines, body = cells[0][1:], cells[2:]
    features = {row[0].split("`")[1]: row[1:] for row in body}
    return {
        engine: {feature: row[column] == "yes" for feature, row in features.items()}
        for column, engine in enumerate(engines)
    }


def test_the_table_has_every_engine_that_can_be_configured() -> None:
    assert set(promises()) == set(engine_kinds()) - OTHER_SCHEMES


@pytest.mark.parametrize("scheme", OTHER_SCHEMES)
def test_a_scheme_without_a_column_is_on_the_page(scheme: str) -> None:
    assert f"`{scheme}://" in (ROOT / "docs/engines.md").read_text()


@pytest.mark.parametrize("scheme", sorted(engine_kinds().keys() - SERVERS))
async def test_an_engine_promises_what_the_table_says(scheme: str, tmp_path: Path) -> None:
    url = {"memory": "memory://"}.get(scheme, f"{scheme}:///{tmp_path}/store.db")

    assert promises()[scheme] == await declared(scheme, url)


@pytest.mark.server
@pytest.mark.xdist_group("mariadb")
async def test_mariadb_promises_what_the_table_says(mariadb_server: MariadbServer) -> None:
    with mariadb_server.database() as url:
        assert promises()["mariadb"] == await declared("mariadb", url)


@pytest.mark.server
@pytest.mark.xdist_group("postgresql")
async def test_postgresql_promises_what_the_table_says(postgresql_url: str) -> None:
    assert promises()["postgresql"] == await declared("postgresql", postgresql_url)


@pytest.mark.server
async def test_redis_promises_what_the_table_says(redis_server: RedisServer) -> None:
    assert promises()["redis"] == await declared("redis", redis_server.url)


async def declared(scheme: str, url: str) -> Mapping[str, bool]:
    """Feature to promise, as the engine has it."""
    engine: Engine = engine_kinds()[scheme].load()(url)
    await engine.open()
    features = engine.features
    await engine.close()
    return {feature.value: feature in features for feature in Feature}


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
    ],
)
def test_links_lead_somewhere(page: str) -> None:
    place = ROOT / page

    for target in LINK.findall(place.read_text()):
        assert (place.parent / target).exists(), f"{page} links to {target}"


def test_every_public_name_is_on_its_page_and_no_other() -> None:
    _, _, names = (ROOT / "docs/python.md").read_text().partition("## All names")
    cells = [line.split("|")[1] for line in names.splitlines() if line.startswith("| `")]

    told = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]

    assert sorted(told) == sorted(penstock.__all__)


def test_every_setting_is_on_its_page() -> None:
    page = (ROOT / "docs/configuration.md").read_text()

    for key in keys(Settings):
        assert re.search(rf"`(\w+\.)*{key}`", page), f"{key} is missing in docs/configuration.md"


@pytest.fixture
async def made() -> Installation:
    """An installation over an empty store."""
    return await installation({})


def rows() -> Iterator[tuple[Sequence[tuple[str, str, str]], str]]:
    """Each row of the API's tables: its requests as method, path and query, and its first cell."""
    for line in API.splitlines():
        first = line.split(" | ")[0]
        requests = REQUEST.findall(first)
        if line.startswith("| `") and requests:
            yield requests, first


def samples() -> Sequence[JSONObject]:
    """What the page shows in blocks."""
    return [json.loads(block) for block in SAMPLE.findall(API)]


def shape(value: JSON) -> JSON:
    """The names in it, at every depth of objects."""
    return {name: shape(below) for name, below in value.items()} if isinstance(value, dict) else ""


async def test_the_api_has_every_path_with_its_methods_and_no_other(made: Installation) -> None:
    told = [(method, path) for requests, _ in rows() for method, path, _ in requests]

    declared = [
        (method, route.path)
        for route in routes(made.group, made.inspection, made.health, "1", remote=made.remote)
        for method in (route.methods or set()) - {"HEAD"}
    ]

    assert sorted(told) == sorted(declared)


def test_the_parameters_on_the_page_are_those_that_are_taken() -> None:
    asked = [(path, query) for requests, _ in rows() for _, path, query in requests if query]

    assert {path: re.findall(r"(\w+)=", query) for path, query in asked} == {
        "/v1/jobs": list(LISTED_BY),
        "/v1/jobs/{id}": ["wait"],
    }


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/jobs/add", LegacyFields),
        ("/v1/jobs/batch", BatchFields),
        ("/v1/jobs/cancel", ManyFields),
        ("/v1/jobs/retry", ManyFields),
        ("/v1/jobs/delete", ManyFields),
        ("/v1/claims", WishFields),
        ("/v1/jobs/{id}/progress", ProgressFields),
    ],
)
def test_the_fields_on_the_page_are_those_that_are_taken(
    path: str, fields: type[msgspec.Struct]
) -> None:
    cells = [cell for requests, cell in rows() for _, told, _ in requests if told == path]

    [body] = [body for cell in cells for body in BODY.findall(cell)]

    assert set(re.findall(r'"(\w+)"', body)) == set(fields.__struct_fields__)


def test_the_job_on_the_page_that_is_pushed_has_only_fields_that_are_taken() -> None:
    pushed = samples()[0]
    root, callbacks = pushed["root"], pushed["callbacks"]

    assert pushed.keys() < set(JobFields.__struct_fields__)
    assert isinstance(root, dict)
    assert set(root) == set(RootFields.__struct_fields__)
    assert isinstance(callbacks, dict)
    assert set(callbacks) == set(CallbackFields.__struct_fields__)
    for field in set(JobFields.__struct_fields__) - pushed.keys():
        assert f"`{field}`" in API, f"{field} is missing in docs/http-api.md"


async def test_the_answers_on_the_page_look_as_they_are_given(made: Installation) -> None:
    _, job, moved, queue = samples()

    [pushed] = await made.engine.push([NewJob(queue=QUEUE)])
    [stored] = await made.engine.get([pushed.id])
    view = await made.inspection.queue(QUEUE)

    assert stored is not None
    assert list(job) == list(json.loads(render.job(stored, [])))
    assert list(moved) == list(json.loads(render.moved(Moved(), Move.CANCEL, dry_run=True)))
    assert shape(dict(queue)) == shape(json.loads(render.queue(view)))


def test_every_state_and_every_reason_is_on_the_page_and_no_other() -> None:
    lists = API[API.index("**Lists** show") : API.index("**Many jobs at once** are")]
    table = API[API.index("| code | meaning |") : API.index("A **queue** is")]

    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [code.value for code in ReasonCode]
    for state in State:
        assert f"`{state}`" in lists


def keys(shape: object) -> Iterator[str]:
    """The names of all settings."""
    if get_origin(shape) is dict:
        yield from keys(get_args(shape)[1])
    elif isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        for name, inner in get_type_hints(shape).items():
            below = list(keys(inner))
            yield from below or [name]
