"""Stores with partitions: what may be said of them, and the line that a refusal names."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from penstock.errors import SettingsError
from penstock.settings import Settings, load

STORES = """\
[stores.east]
url = "memory://east"
number = 1

[stores.west]
url = "memory://west"
number = 2

[queues.default]
store = "east"

[stores.wide]
"""


def loaded(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    path = tmp_path / "penstock.toml"
    path.write_text(STORES + text)
    return load(path, environ or {})


def test_a_federated_store_has_partitions_with_weights(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        "partitions = { east = 60, west = 0 }\nmax_partitions_try = 5\n[queues.purge]\nstore = 'wide'",
    )

    wide = settings.stores["wide"]
    assert wide.partitions == {"east": 60, "west": 0}
    assert wide.max_partitions_try == 5
    assert settings.queues["purge"].store == "wide"


def test_partitions_may_be_a_section(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "[stores.wide.partitions]\neast = 1\nwest = 2")

    assert settings.stores["wide"].partitions == {"east": 1, "west": 2}
    assert settings.stores["wide"].max_partitions_try == 2
    assert settings.stores["east"].partitions is None


def test_partitions_come_from_the_environment(tmp_path: Path) -> None:
    environ = {"PENSTOCK_STORES_WIDE_PARTITIONS": " east = 60,west=40 "}

    assert loaded(tmp_path, "", environ).stores["wide"].partitions == {"east": 60, "west": 40}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "12: [stores.wide] url: is missing; add it"),
        ("partitions = {}", "13: [stores.wide] partitions: gives no store a weight above 0"),
        (
            "partitions = { east = 0, west = 0 }",
            "13: [stores.wide] partitions: gives no store a weight above 0; nothing could be pushed",
        ),
        (
            "partitions = { east = 1, wst = 1 }",
            "13: [stores.wide] partitions: 'wst' is no store; did you mean west?",
        ),
        ("partitions = { wide = 1 }", "13: [stores.wide] partitions: 'wide' is federated itself"),
        (
            "partitions = { wider = 1 }\n[stores.wider]\npartitions = { east = 1 }",
            "13: [stores.wide] partitions: 'wider' is federated itself; name its partitions",
        ),
        (
            "partitions = { east = 1 }\nurl = 'memory://'",
            "14: [stores.wide] url: stands beside partitions; a store has one of the two",
        ),
        (
            "partitions = { east = 1 }\nnumber = 0",
            "14: [stores.wide] number: a federated store has none",
        ),
        (
            "partitions = { east = 1 }\nmigrate = false",
            "14: [stores.wide] migrate: a federated store has no schema",
        ),
        (
            "partitions = { east = 1 }\nlisten_url = 'postgresql://here'",
            "14: [stores.wide] listen_url: a federated store does not listen itself",
        ),
        (
            "partitions = { east = 1 }\naccept_volatile = true",
            "14: [stores.wide] accept_volatile: a federated store has none",
        ),
        (
            "url = 'memory://'\nnumber = 3\nmax_partitions_try = 3",
            "15: [stores.wide] max_partitions_try: is for a store with partitions; remove it",
        ),
        (
            "partitions = { east = -1 }",
            "13: [stores.wide] partitions: expected names, each with an integer from 0 to 1000000",
        ),
        ("partitions = { east = 'a' }", "13: [stores.wide] partitions: expected names, each with"),
        ("partitions = 3", "13: [stores.wide] partitions: expected names, each with"),
        (
            "partitions = { east = 1 }\nmax_partitions_try = 0",
            "14: [stores.wide] max_partitions_try: expected an integer from 1 to 100, not 0",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, text)

    assert f"penstock.toml:{told}" in str(refused.value)


@pytest.mark.parametrize("text", ["", "east", "east=", "=3", "east=a", "east=1,"])
def test_a_variable_that_names_no_weights_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"PENSTOCK_STORES_WIDE_PARTITIONS: \[stores.wide\]"):
        loaded(tmp_path, "", {"PENSTOCK_STORES_WIDE_PARTITIONS": text})
