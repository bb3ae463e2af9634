"""The pages tell the truth: what they promise is what the code declares."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import msgspec
import pytest

from penstock.app import engine_kinds
from penstock.engine import Engine, Feature
from penstock.settings import Settings
from tests.servers.mariadb import Server as MariadbServer

pytest_plugins = ["tests.servers.fixtures"]

ROOT = Path(__file__).parents[2]
SERVERS = {"mariadb"}
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
    assert set(promises()) == set(engine_kinds())


@pytest.mark.parametrize("scheme", sorted(engine_kinds().keys() - SERVERS))
async def test_an_engine_promises_what_the_table_says(scheme: str, tmp_path: Path) -> None:
    url = {"memory": "memory://"}.get(scheme, f"{scheme}:///{tmp_path}/store.db")

    assert promises()[scheme] == await declared(scheme, url)


@pytest.mark.server
@pytest.mark.xdist_group("mariadb")
async def test_mariadb_promises_what_the_table_says(mariadb_server: MariadbServer) -> None:
    with mariadb_server.database() as url:
        assert promises()["mariadb"] == await declared("mariadb", url)


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


def test_every_setting_is_on_its_page() -> None:
    page = (ROOT / "docs/configuration.md").read_text()

    for key in keys(Settings):
        assert re.search(rf"`(\w+\.)*{key}`", page), f"{key} is missing in docs/configuration.md"


def keys(shape: object) -> Iterator[str]:
    """The names of all settings."""
    if get_origin(shape) is dict:
        yield from keys(get_args(shape)[1])
    elif isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        for name, inner in get_type_hints(shape).items():
            below = list(keys(inner))
            yield from below or [name]
