"""Every engine that speaks SQL or Lua has a file for the same verbs."""

import ast
from pathlib import Path

# Engines that prove that the seam fits their kind of store, and do not hold every verb yet.
# Their verbs are a part of those of the finished engines; whoever finishes one removes its line.
IN_PROOF: dict[str, str] = {}

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
    finished = {folder: held for folder, held in verbs.items() if not _in_proof(folder)}
    wanted: set[str] = set().union(*finished.values())
    lacking = [
        f"{folder.relative_to(root)} lacks {sorted(wanted - held)}"
        for folder, held in finished.items()
        if held != wanted
    ]
    finished_in_secret = [
        f"{folder.relative_to(root)} is finished; remove its line from IN_PROOF"
        for folder, held in verbs.items()
        if _in_proof(folder) and held >= wanted
    ]
    ahead = [
        f"{folder.relative_to(root)} alone has {sorted(held - wanted)}"
        for folder, held in verbs.items()
        if _in_proof(folder) and held - wanted
    ]
    return lacking + finished_in_secret + ahead


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


def _in_proof(folder: Path) -> bool:
    return folder.parent.name in IN_PROOF
