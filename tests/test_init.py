"""The public names: all there, each loaded only when used."""

import ast
import subprocess
import sys
from pathlib import Path

import penstock


def test_every_public_name_is_there() -> None:
    for name in penstock.__all__:
        shown = {"StoredJob": "Job"}.get(name, name)
        assert getattr(penstock, name).__name__ == shown


def test_the_decorator_is_not_hidden_by_the_module_of_its_name() -> None:
    code = (
        "import penstock.job; from penstock import job; "
        "print(job is penstock.job, job.__name__, job.__module__)"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert answer.stdout == "True job penstock.job_class.function\n"


def test_type_checkers_see_the_same_names() -> None:
    stub = ast.parse(Path(penstock.__file__).with_suffix(".pyi").read_text())
    seen = {
        str(name.asname)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }

    assert sorted(seen) == penstock.__all__


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, penstock; print([m for m in ('aiohttp', 'starlette') if m in sys.modules])"

    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert answer.stdout == "[]\n"
