"""The only module that speaks to the driver: statements that go together are one packet and one round trip."""

import contextlib
import socket
import ssl
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pymysql
from pymysql.cursors import Cursor

from penstock.engines.mariadb.address import Address
from penstock.engines.mariadb.statements import Call, call

SECONDS_TO_CONNECT = 10
SECONDS_TO_ANSWER = 60
SECONDS_FOR_A_LOCK = 5
SECONDS_UNHEARD = 20  # of the host, not of the server on it
SMALLEST_PACKET = 4 * 1024 * 1024
LONGEST_TEXT = SMALLEST_PACKET // 2

Row = tuple[Any, ...]
Rows = Sequence[Row]
Failure = pymysql.MySQLError


class Session:
    """One connection, used by one thread at a time."""

    def __init__(self, address: Address, seconds_to_answer: int | None = None) -> None:
        self._seconds_to_answer = seconds_to_answer or SECONDS_TO_ANSWER
        patience = min(SECONDS_TO_CONNECT, self._seconds_to_answer)
        self._driver = pymysql.Connection(
            host=address.host,
            user=address.user,
            password=address.password,
            database=address.database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=patience,
            read_timeout=self._seconds_to_answer + patience,
            write_timeout=self._seconds_to_answer,
            ssl=None
            if address.tls_ca is None
            else ssl.create_default_context(cafile=address.tls_ca),
            defer_connect=True,
        )
        way = _way_to(address, patience)
        self._way = way.dup()
        try:
            self._driver.connect(way)
        except BaseException:
            self._way.close()
            raise
        self.used_at = time.monotonic()

    def server(self) -> str:
        """The version of the server, in its words."""
        [[[version]]] = self.run(call("session.version"))
        return str(version)

    def prepare(self) -> None:
        """It has the settings that every statement counts on, and the tables of its own that moves work with."""
        settings = call(
            "session.settings",
            lock_seconds=SECONDS_FOR_A_LOCK,
            statement_seconds=self._seconds_to_answer,
        )
        for each in (call("session.isolation"), settings):
            self.run(each)
        self.run(call("session.named"), call("session.moving"), call("session.thrown"))

    def run(self, *calls: Call) -> Sequence[Rows]:
        """The rows of those calls that answer with some, in their order."""
        self.used_at = time.monotonic()
        answers: list[Rows] = []
        for packet in self._packets(calls):
            answers += self._send(packet)
        return answers

    def execute(self, text: str) -> None:
        """A statement without values is run."""
        with self._driver.cursor() as cursor:
            cursor.execute(text)

    def is_alive(self) -> bool:
        """Whether the server still knows this connection. Nothing is under way on it."""
        try:
            self.run(call("session.alive"))
        except (pymysql.MySQLError, OSError):
            return False
        return True

    def rollback(self) -> None:
        """Nothing is under way; a connection that cannot do it is closed."""
        try:
            self.run(call("transaction.rollback"))
        except (pymysql.MySQLError, OSError):
            self.close()

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as we know."""
        return bool(self._driver.open)

    def close(self) -> None:
        """The connection is gone, and whatever was not committed on it."""
        with contextlib.suppress(pymysql.MySQLError, OSError):
            self._driver.close()
        self._way.close()

    def cut(self) -> None:
        """Whatever another thread waits for on this connection ends at once, with an error."""
        with contextlib.suppress(OSError):
            self._way.shutdown(socket.SHUT_RDWR)

    def _packets(self, calls: Sequence[Call]) -> Iterator[list[tuple[Call, str]]]:
        packet: list[tuple[Call, str]] = []
        length = 0
        for each in calls:
            text = each.step.write(each.values, each.rows, self._escape)
            size = len(text.encode())
            if packet and length + size > LONGEST_TEXT:
                yield packet
                packet, length = [], 0
            packet.append((each, text))
            length += size
        if packet:
            yield packet

    def _send(self, packet: Sequence[tuple[Call, str]]) -> list[Rows]:
        answering = sum(each.step.answers for each, _ in packet)
        with self._driver.cursor() as cursor:
            cursor.execute(_joined([text for _, text in packet]))
            return list(_answers(cursor, answering))

    def _escape(self, value: object) -> str:
        if value is None:
            return "null"
        if type(value) is int:
            return str(value)
        escaped: str = self._driver.escape(value)
        return escaped


def _way_to(address: Address, patience: int) -> socket.socket:
    """A socket of ours: the driver's own cannot be cut from outside, and is left open where nobody answers."""
    if address.socket is None:
        way = socket.create_connection((address.host, address.port), patience)
        way.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _notice_death(way)
        return way
    way = socket.socket(socket.AF_UNIX)
    try:
        way.settimeout(patience)
        way.connect(address.socket)
    except BaseException:
        way.close()
        raise
    return way


def _notice_death(way: socket.socket) -> None:
    """A host that is gone without a word is noticed while nothing is said, and while nothing is heard."""
    way.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        way.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SECONDS_UNHEARD // 2)
        way.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, SECONDS_UNHEARD // 4)
        way.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SECONDS_UNHEARD * 1000)


def _joined(texts: Sequence[str]) -> str:
    """One statement: a block is one packet, and is answered as one."""
    if len(texts) == 1:
        return texts[0]
    return "begin not atomic\n" + ";\n".join(texts) + ";\nend"


def _answers(cursor: Cursor, count: int) -> Iterator[Rows]:
    for _ in range(count):
        yield cursor.fetchall()
        cursor.nextset()
    while cursor.nextset():
        pass
