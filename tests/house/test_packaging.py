"""What is built and locked is complete: a user who installs it misses nothing."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKED = re.compile(r"^([a-z0-9.-]+)==([^ ;\\]+)", re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def ranges(*, runtime: bool) -> list[str]:
    project, groups = PROJECT["project"], PROJECT["dependency-groups"]
    extras = [one for extra in project["optional-dependencies"].values() for one in extra]
    return [*project["dependencies"], *([] if runtime else [*extras, *groups["dev"]])]


def locked(name: str) -> dict[str, str]:
    return dict(LOCKED.findall((ROOT / "requirements" / name).read_text()))


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("runtime.txt", ranges(runtime=True)),
        ("dev.txt", ranges(runtime=False)),
        ("lock.txt", PROJECT["dependency-groups"]["lock"]),
    ],
)
def test_a_lock_holds_every_dependency_within_its_range(lock: str, wanted: list[str]) -> None:
    versions = locked(lock)

    for requirement in map(Requirement, wanted):
        version = versions.get(canonicalize_name(requirement.name), "missing")
        assert requirement.specifier.contains(version), f"run make lock: {requirement}, {version}"


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt", "lock.txt"])
def test_every_locked_version_has_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements" / lock).read_text().strip())

    assert len(entries) == len(locked(lock)) > 0
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_developers_run_what_users_run() -> None:
    assert locked("runtime.txt").items() <= locked("dev.txt").items()


ENTRY_POINTS = [
    point
    for group in PROJECT["project"]["entry-points"]
    for point in sorted(entry_points(group=group), key=lambda point: point.name)
]


@pytest.mark.parametrize("point", ENTRY_POINTS, ids=lambda point: f"{point.group}:{point.name}")
def test_what_an_entry_point_names_is_there(point: EntryPoint) -> None:
    assert isinstance(point.load(), type)


def test_every_entry_point_is_installed() -> None:
    declared = {(g, n) for g, ns in PROJECT["project"]["entry-points"].items() for n in ns}

    assert {(point.group, point.name) for point in ENTRY_POINTS} == declared


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", tmp_path, ROOT], check=True)
    [wheel] = tmp_path.glob("penstock-*.whl")

    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("penstock/")}

    package = [path for path in (ROOT / "penstock").rglob("*") if path.is_file()]
    ours = {str(path.relative_to(ROOT)) for path in package if "__pycache__" not in path.parts}
    assert packed == ours
    assert "penstock/py.typed" in packed
