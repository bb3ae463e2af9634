"""Keeps each statement as a function of the schema: what it needs to be planned well goes with it, not with a session.

So a pooler may stand between, and give every statement another session. A function is named after its text: releases
that work on one store side by side have each their own.
"""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from penstock.engines.postgresql.connection import Transaction
from penstock.engines.postgresql.statements import load, verbs


async def keep(transaction: Transaction) -> Mapping[str, str]:
    """How each verb is called; the schema on the search path has a function for it."""
    kept = await known(transaction)
    for verb in verbs():
        if verb not in kept:
            await _store(transaction, verb, _name(verb))
    return await known(transaction)


async def known(transaction: Transaction) -> Mapping[str, str]:
    """How those verbs are called for which the schema on the search path has a function."""
    calls = {row["name"]: row["call"] for row in await transaction.fetch("open_functions")}
    names = {verb: _name(verb) for verb in verbs()}
    return {verb: calls[name] for verb, name in names.items() if name in calls}


def _name(verb: str) -> str:
    text = load(verb).text + load("open_function").text
    return f"{verb}_{sha256(text.encode()).hexdigest()[:16]}"


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
