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
    """How each verb is called; the schema on the search path has a function for it, and those for others."""
    kept = await known(transaction)
    for verb in verbs():
        if verb not in kept:
            await _store(transaction, verb, _name(verb))
    kept = await known(transaction)
    await _publish(transaction)
    return kept


async def known(transaction: Transaction) -> Mapping[str, str]:
    """How those verbs are called for which the schema on the search path has a function."""
    calls = {row["name"]: row["call"] for row in await transaction.fetch("open_functions")}
    names = {verb: _name(verb) for verb in verbs()}
    return {verb: calls[name] for verb, name in names.items() if name in calls}


async def are_published(transaction: Transaction) -> bool:
    """Whether the schema has the functions for others, of this release or of a newer one."""
    fingerprint = _fingerprint(_for_others())
    [row] = await transaction.fetch("open_is_published", fingerprint=fingerprint)
    return bool(row["found"])


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


async def _publish(transaction: Transaction) -> None:
    """Others find the functions for them as this release has them, or a newer one."""
    text = _for_others()
    number = migrations()[-1].number
    newest = await transaction.fetch(
        "open_published", number=number, fingerprint=_fingerprint(text)
    )
    if newest:
        await transaction.fetch("open_private_path")
        await transaction.run(text)


def _for_others() -> str:
    arguments = ", ".join(f"given.{name}" for name in load("push").parameters)
    return "".join(published()).replace("{push}", f"{_name('push')}({arguments})")


def _fingerprint(text: str) -> str:
    return sha256(text.encode()).hexdigest()
