"""An engine for Penstock: all jobs in memory, and their moves in a journal, from which they are made again."""

import fcntl
import json
import os
import random
from datetime import datetime
from functools import partial
from inspect import Signature, signature
from typing import Any, get_type_hints
from uuid import uuid4

import msgspec

from penstock.clock import Clock, SystemClock
from penstock.engine import Claimed, Feature, Promoted, Reclaimed, StoreIdentity
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineError, EngineUnavailable, StoreMismatch


class JournalEngine:
    """What is not said here is done as the engine in memory does it."""

    features = MemoryEngine.features | {Feature.DURABLE}
    reads = ("ready", "wait", "get", "list", "counts", "oldest", "ahead", "paused", "workers")

    def __init__(self, url: str, *, number: int = 0, clock: Clock | None = None) -> None:
        scheme, _, self._path = url.partition("://")
        if scheme != "journal" or not self._path:
            raise EngineError(f"{url!r} names no journal; write 'journal:///srv/x.journal'")
        self._number, self._clock = number, clock or SystemClock()
        self._memory = MemoryEngine(number=number, clock=self)
        self._moment: datetime | None = None
        self._file: Any = None

    def now(self) -> datetime:  # the engine in memory asks; it stands still during a move
        return self._moment or self._clock.now()

    async def open(self) -> None:
        await self.close()
        self._memory = MemoryEngine(number=self._number, clock=self)
        try:
            self._file = open(self._path, "a+b", buffering=0)  # noqa: ASYNC230, SIM115
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            await self._read()
        except OSError as error:  # also where another process has it open
            await self.close()
            raise EngineUnavailable(f"{self._path}: {error}") from error

    async def close(self) -> None:
        await self._memory.close()
        if self._file is not None:
            self._file.close()
        self._file = None

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._memory, name)
        return call if name in self.reads else partial(self._move, name, signature(call))

    async def _move(self, verb: str, form: Signature, *args: Any, **more: Any) -> Any:
        if self._file is None:
            raise EngineUnavailable(f"{self._path} is not open, or could not be written")
        asked, moment, chance = form.bind(*args, **more).arguments, self.now(), random.random()
        answer = await self._make(verb, asked, moment, chance)
        match answer:
            case 0 | [] | Claimed([], 0) | Reclaimed(0, []) | Promoted(0):
                return answer  # nothing happened
        try:
            self._write(moment.isoformat(), chance, verb, msgspec.to_builtins(asked, enc_hook=list))
        except OSError as error:
            await self.close()  # memory is ahead of the journal; opening it puts that right
            raise EngineUnavailable(f"{self._path}: {error}") from error
        return answer

    # The same time and the same chance give the same answer, whenever the move is made again.
    async def _make(self, verb: str, asked: Any, moment: datetime, chance: float) -> Any:
        before, self._moment = random.getstate(), moment
        random.seed(chance)
        try:
            return await getattr(self._memory, verb)(**asked)
        finally:
            random.setstate(before)
            self._moment = None

    def _write(self, *line: Any) -> Any:
        self._file.write(json.dumps(line).encode() + b"\n")
        os.fsync(self._file)
        return line

    async def _read(self) -> None:
        self._file.seek(0)
        whole, end, _ = self._file.read().rpartition(b"\n")
        self._file.truncate(len(whole + end))  # half a line was never answered
        lines = [json.loads(line) for line in whole.splitlines()]
        (uuid, number), *moves = lines or [self._write(str(uuid4()), self._number)]
        if number != self._number:
            raise StoreMismatch(f"{self._path} has number {number}; set `number = {number}`")
        self.identity = self._memory.identity = StoreIdentity(uuid=uuid, number=number)
        for moment, chance, verb, asked in moves:
            hints = get_type_hints(getattr(MemoryEngine, verb))
            given = {name: msgspec.convert(one, hints[name]) for name, one in asked.items()}
            await self._make(verb, given, datetime.fromisoformat(moment), chance)
