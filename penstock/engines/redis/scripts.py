"""The scripts: one a verb, put together from the files of `lua/`, run on one connection of the pool."""

import asyncio
import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import TypeVar

import msgspec
from redis.exceptions import NoScriptError, RedisError

from penstock.engines.redis.connection import Client
from penstock.engines.redis.trouble import is_of_a_replica, translated
from penstock.errors import EngineError

_INCLUDE = re.compile(r"^-- include: (\w+)$", re.MULTILINE)
_FOLDER = files("penstock.engines.redis") / "lua"

Argument = str | bytes | int
Reply = TypeVar("Reply")


class Scripts:
    """All verbs of one store. A server that has forgotten a script is given it again."""

    def __init__(self, client: Client, keys: Iterable[str]) -> None:
        self._client = client
        self._keys = tuple(keys)
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def run(self, verb: str, reply: type[Reply], *arguments: Argument) -> Reply:
        """What the verb's script answers, checked to be of this type.

        Raises EngineUnavailable or EngineError.
        """
        with self._counted():
            try:
                answer = await self._answer(verb, arguments)
            except RedisError as error:
                if is_of_a_replica(error):
                    await self._look_up_again()
                raise translated(error, verb) from error
        try:
            return msgspec.convert(answer, reply)
        except msgspec.ValidationError as error:
            raise EngineError(
                f"redis gave no answer to {verb} that can be read: {error}"
            ) from error

    async def idle(self) -> None:
        """No script runs any more."""
        await self._idle.wait()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def _answer(self, verb: str, arguments: tuple[Argument, ...]) -> object:
        given = self._keys + arguments
        try:
            return await self._client.evalsha(digest(verb), len(self._keys), *given)
        except NoScriptError:
            # Whole and in one step: loaded alone, it may be forgotten again before it is called.
            return await self._client.eval(source(verb), len(self._keys), *given)

    async def _look_up_again(self) -> None:
        """What was the primary is none any more: its name may lead to another server now."""
        await self._client.connection_pool.disconnect(inuse_connections=False)


@cache
def source(verb: str) -> str:
    """The whole script of a verb."""
    return composed((_FOLDER / f"{verb}.lua").read_text())


@cache
def digest(verb: str) -> str:
    """By what the server knows the script of a verb."""
    return hashlib.sha1(source(verb).encode(), usedforsecurity=False).hexdigest()


def composed(text: str) -> str:
    """The script with the parts that it includes: each once, before what builds on it."""
    return _composed(text, set())


def _composed(text: str, included: set[str]) -> str:
    def part(match: re.Match[str]) -> str:
        name = match[1]
        if name in included:
            return ""
        included.add(name)
        return _composed((_FOLDER / "parts" / f"{name}.lua").read_text(), included)

    return _INCLUDE.sub(part, text)
