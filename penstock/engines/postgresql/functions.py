"""Keeps each statement as a function of the schema: what it needs to be planned well goes with it, not with a session.

So a pooler may stand between, and give every statement another session. A function is named after its text: releases
that work on one store side by side have each their own. The functions that others call have names that stay; the newest
release makes them.
"""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from penstock.engines.postgresql.connection import Transaction
from penstock.engines.postgresql.statements import load, migrations, published, verbs


async def keep(transaction: Transaction) -> Mapping[str, str]:
    """How each verb is called; the schema on the search path has a function for it."""
    names = {verb: _name(verb) for verb in verbs()}
    kept = await _calls(transaction)
    for verb, name in names.items():
        if name not in kept:
            await _store(transaction, verb, name)
    kept = await _calls(transaction)
    await _publish(transaction, names)
    return {verb: kept[name] for verb, name in names.items()}


def _name(verb: str) -> str:
    text = load(verb).text + load("open_function").text
    return f"{verb}_{sha256(text.encode()).hexdigest()[:16]}"


async def _calls(transaction: Transaction) -> Mapping[str, str]:
    return {row["name"]: row["call"] for row in await transaction.fetch("open_functions")}


async def _store(transaction: Transaction, verb: str, name: str) -> None:
    shape = await transaction.shape_of(verb)
    statement = {
        "name": name,
        "parameters": shape.parameters,
        "columns": shape.columns,
        "text": load(verb).text,
    }
    await transaction.fetch("open_statement", statement=msgspec.json.encode(statement).decode())
    await transaction.fetch("open_function")


async def _publish(transaction: Transaction, names: Mapping[str, str]) -> None:
    """Others find the functions for them as this release has them, or a newer one."""
    text = "".join(published()).replace("{push}", _call_of_push(names))
    fingerprint = sha256(text.encode()).hexdigest()
    number = migrations()[-1].number
    if await transaction.fetch("open_published", number=number, fingerprint=fingerprint):
        await transaction.fetch("open_private_path")
        await transaction.run(text)


def _call_of_push(names: Mapping[str, str]) -> str:
    arguments = ", ".join(f"given.{name}" for name in load("push").parameters)
    return f"{names['push']}({arguments})"
