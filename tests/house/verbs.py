"""Every engine that speaks SQL or Lua has a file for the same verbs."""

import ast
from pathlib import Path

# How a store is opened and what wakes its clients differs by kind; not all have files for it.
NOT_COMPARED = {"open", "close", "wait"}


def unequal_verbs(root: Path) -> list[str]:
    """Statements that serve no verb of the contract, and verbs that only some engines have."""
    known = _moves_of_the_contract(root)
    folders = _folders(root)
    strangers = [
        f"{file.relative_to(root)} is no method of Engine; name it after the one it serves"
        for folder in folders
        for file in _statements(folder)
        if _verb(file, known) is None
    ]
    verbs = {folder: _verbs(folder, known) - NOT_COMPARED for folder in folders}
    return strangers or _differences(root, verbs)


def _differences(root: Path, verbs: dict[Path, set[str]]) -> list[str]:
    wanted: set[str] = set().union(*verbs.values())
    return [
        f"{folder.relative_to(root)} lacks {sorted(wanted - held)}"
        for folder, held in verbs.items()
        if held != wanted
    ]


def _moves_of_the_contract(root: Path) -> set[str]:
    contract = ast.parse((root / "penstock/engine.py").read_text())
    [engine] = [
        node for node in contract.body if isinstance(node, ast.ClassDef) and node.name == "Engine"
    ]
    return {
        method.name
        for method in engine.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _folders(root: Path) -> list[Path]:
    engines = root / "penstock/engines"
    return sorted([*engines.glob("*/sql"), *engines.glob("*/lua")])


def _statements(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.sql"), *folder.glob("*.lua")])


def _verbs(folder: Path, known: set[str]) -> set[str]:
    return {verb for file in _statements(folder) if (verb := _verb(file, known))}


def _verb(file: Path, known: set[str]) -> str | None:
    """The method that a statement serves: `claim_take.sql` is a step of `claim`."""
    serving = [verb for verb in known if file.stem == verb or file.stem.startswith(f"{verb}_")]
    return max(serving, key=len, default=None)
