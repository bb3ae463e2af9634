"""What an open engine holds: a thread that writes, one that reads, and what the processes share beside the file."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from penstock.engine import Feature, StoreIdentity
from penstock.engines.sqlite import reading, schema
from penstock.engines.sqlite.connection import in_our_words, open_to_read, open_to_write
from penstock.engines.sqlite.place import refuse_network
from penstock.engines.sqlite.reader import Reader
from penstock.engines.sqlite.statements import migrations
from penstock.engines.sqlite.turn import Turn
from penstock.engines.sqlite.wake import ASLEEP, WATCHFUL, Mailbox, Wake
from penstock.engines.sqlite.writer import Hooks, Writer

_Beside = TypeVar("_Beside", Mailbox, Turn)

_PROMISED = frozenset(
    {Feature.ATOMIC, Feature.DURABLE, Feature.SHARED, Feature.DELAY, Feature.ORDER}
)


@dataclass(frozen=True, slots=True)
class Store:
    """An open store."""

    identity: StoreIdentity
    features: frozenset[Feature]
    writer: Writer
    reader: Reader
    wake: Wake
    held: ExitStack

    def close(self) -> None:
        """What was asked for before is done, and nothing is held any more."""
        self.writer.close()
        self.held.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a store lies, and how it is to be opened."""

    path: Path
    number: int
    host_now: Callable[[], int]
    reached: Callable[[str], None]
    look_every: timedelta | None

    def open(self) -> Store:
        """The store, at the present schema and with safe settings; made if there is none."""
        refuse_network(self.path)
        with ExitStack() as held, in_our_words(self.path):
            connection = held.enter_context(closing(open_to_write(self.path)))
            schema.migrate(connection)
            identity = schema.identify(connection, self.number)
            reader = held.enter_context(closing(Reader(open_to_read(self.path))))
            mailbox = self._beside(Mailbox, held)
            turn = self._beside(Turn, held)
            wake = self._wake(reader, mailbox)
            writer = Writer(
                connection,
                Hooks(
                    host_now=self.host_now,
                    turn=turn.taken if turn else nullcontext,
                    committed=wake.committed,
                    reached=self.reached,
                ),
            )
            features = _PROMISED if mailbox is None else _PROMISED | {Feature.WAIT}
            return Store(identity, features, writer, reader, wake, held.pop_all())

    def migrate(self) -> Sequence[str]:
        """The file has the present schema; the names of the migrations that were applied here."""
        refuse_network(self.path)
        with in_our_words(self.path), closing(open_to_write(self.path)) as connection:
            return schema.migrate(connection)

    def pending(self) -> Sequence[str]:
        """The migrations that `migrate` would apply; nothing is changed."""
        if not self.path.exists():
            return schema.names(sorted(migrations()))
        with in_our_words(self.path), closing(open_to_read(self.path)) as connection:
            return schema.names(schema.unapplied(connection))

    def _wake(self, reader: Reader, mailbox: Mailbox | None) -> Wake:
        pause = self.look_every or (WATCHFUL if mailbox is None else ASLEEP)
        return Wake(reader.read(reading.wakes), lambda: reader.do(reading.wakes), mailbox, pause)

    def _beside(self, kind: Callable[[Path], _Beside], held: ExitStack) -> _Beside | None:
        """What the processes share in a directory beside the file; None where that cannot be had."""
        directory = self.path.with_name(f"{self.path.name}-wake")
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            made = kind(directory)
        except OSError:
            return None
        return held.enter_context(closing(made))
