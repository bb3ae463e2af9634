"""The import contract lets a tree in order pass and refuses each kind of wrong import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

MODULES = [
    *["__init__", "app", "clock", "engine", "errors", "events", "group", "handler"],
    *["inspection", "job", "job_class/__init__", "policy", "queue", "remote/__init__"],
    *[
        "doctor/__init__",
        "examination",
        "schema",
        "serialization",
        "settings",
        "testing",
        "upkeep",
        "bench/__init__",
        "bench/bare/__init__",
        "cli/__init__",
    ],
    *["commands/__init__", "conformance/__init__", "runner/__init__"],
    *["server/__init__", "engines/__init__", "engines/memory", "engines/sqlite/__init__"],
]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A tree with every floor, rooms that are nearly empty, and the contract of this checkout."""
    for module in MODULES:
        write(tmp_path, module)
    write(tmp_path, "cli/__init__", "import penstock.app")
    write(tmp_path, "queue", "import penstock.engine, penstock.events")
    write(tmp_path, "policy", "import penstock.engine")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    return tmp_path


def write(root: Path, module: str, text: str = "") -> None:
    path = root / "penstock" / f"{module}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def name(module: str) -> str:
    return f"penstock.{module.removesuffix('/__init__').replace('/', '.')}"


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_that_go_down_pass(house: Path) -> None:
    write(house, "conformance/push", "import penstock.queue, penstock.policy")
    write(house, "testing", "import penstock.app")

    answer = lint(house)

    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("queue", "group"),
        ("errors", "policy"),
        ("server/__init__", "engines/memory"),
        ("server/__init__", "runner/__init__"),
        ("server/__init__", "dashboard"),
        ("runner/__init__", "engines/memory"),
        ("commands/__init__", "jobs"),
        ("engines/memory", "engines/sqlite/__init__"),
        ("conformance/__init__", "app"),
        ("inspection", "conformance/__init__"),
        ("remote/__init__", "inspection"),
        ("app", "testing"),
        ("app", "conformance/__init__"),
        ("cli/__init__", "engines/memory"),
        ("bench/__init__", "engines/memory"),
        ("app", "bench/__init__"),
    ],
)
def test_an_import_that_goes_up_or_sideways_is_refused(
    module: str, imported: str, house: Path
) -> None:
    write(house, imported)
    write(house, module, f"import {name(imported)}")

    answer = lint(house)

    assert answer.returncode == 1
    assert f"{name(module)} -> {name(imported)}" in answer.stdout


@pytest.mark.slow
def test_a_circle_on_one_floor_is_refused(house: Path) -> None:
    write(house, "engine", "import penstock.policy")

    answer = lint(house)

    assert answer.returncode == 1
    assert ".policy -> .engine" in answer.stdout


@pytest.mark.slow
def test_a_module_that_stands_on_no_floor_is_refused(house: Path) -> None:
    write(house, "utils")

    answer = lint(house)

    assert answer.returncode == 1
    assert "penstock.utils" in answer.stdout


@pytest.mark.slow
def test_an_import_for_types_alone_counts(house: Path) -> None:
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import penstock.group"
    write(house, "queue", guarded)

    assert lint(house).returncode == 1
