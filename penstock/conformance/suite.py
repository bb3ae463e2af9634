"""All cases of the suite: whatever stands in a file of this package."""

import importlib
import pkgutil
from collections.abc import Iterator

import penstock.conformance
from penstock.conformance.harness import Case, cases


def every_case() -> Iterator[tuple[str, Case]]:
    """Name and function of every case, file by file."""
    for found in pkgutil.iter_modules(penstock.conformance.__path__):
        yield from cases(importlib.import_module(f"penstock.conformance.{found.name}"))
