"""Keeps http commands out of our own network, except where the configuration lets them in."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Protocol

from penstock.commands.addresses import LOOPBACK, Address, Network, is_public, parse_address
from penstock.commands.target import parse_target
from penstock.errors import BadJob, NotAllowed, SettingsError
from penstock.serialization import encode

KEY = "[commands.http] allow_private"

_FIRST_FREE_PORT = 1024
_WEB_PORTS = frozenset({80, 443})  # below the first free one
_LOCAL_4 = ipaddress.IPv4Network("127.0.0.0/8")
_ENTRY = re.compile(r"(?P<host>\[[^\[\]]+\]|[^:\[\]/]+)(?::(?P<port>[0-9]+))?")


class Resolver(Protocol):
    """Finds the addresses of a name."""

    async def resolve(self, host: str) -> Sequence[str]:
        """All addresses of the host, as text; OSError where none can be found."""
        ...


class SystemResolver:
    """Asks as every other program of this machine does."""

    async def resolve(self, host: str) -> Sequence[str]:
        """What the system answers; a thread waits for it."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Guard:
    """Decides which addresses may be reached.

    Allowed are the public addresses at ports 80, 443 and from 1024, and what `allow` names, at any
    port unless it names one: a network `10.0.0.0/8`, an address `10.0.0.5` or `10.0.0.5:8080`, a
    host `intranet.example` or `intranet.example:8080`. Hosts are compared whole. Raises
    SettingsError for an entry that is none of these.
    """

    def __init__(self, allow: Sequence[str], resolver: Resolver | None = None) -> None:
        self._resolver = resolver or SystemResolver()
        self._networks: list[tuple[Network, int | None]] = []
        self._hosts: set[tuple[str, int | None]] = set()
        for entry in allow:
            self._let_in(entry)

    def check(self, host: str, port: int) -> None:
        """NotAllowed where the host's addresses are known without asking and may not be reached."""
        known = _known(host)
        if known:
            self._permitted(host, known, port)

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """Every address of the host, resolved now; NotAllowed unless all of them may be reached.

        OSError where it cannot be resolved.
        """
        known = _known(host)
        if known:
            return self._permitted(host, known, port)
        found = [_resolved(text) for text in await self._resolver.resolve(host)]
        if not found:
            raise OSError(f"{host} has no address")
        for address in found:
            self.check_address(host, address, port)
        return found

    def check_address(self, host: str, address: Address, port: int) -> None:
        """NotAllowed unless the host may be reached at this address and port."""
        if not self.permits(host, address, port):
            raise _refusal(host, port, address)

    def permits(self, host: str, address: Address, port: int) -> bool:
        """Whether the host may be reached at this address and port."""
        if is_public(address) and (port >= _FIRST_FREE_PORT or port in _WEB_PORTS):
            return True
        if {(host, None), (host, port)} & self._hosts:
            return True
        return any(address in network and only in (None, port) for network, only in self._networks)

    def _permitted(self, host: str, known: Sequence[Address], port: int) -> Sequence[Address]:
        permitted = [address for address in known if self.permits(host, address, port)]
        if not permitted:
            raise _refusal(host, port, known[0])
        return permitted

    def _let_in(self, entry: str) -> None:
        try:
            self._networks.append((_network(entry), None))
            return
        except ValueError as error:
            if "/" in entry or "%" in entry:
                raise _bad_entry(entry, str(error)) from error
        parts = _ENTRY.fullmatch(entry)
        if parts is None:
            raise _bad_entry(entry, "neither a network, an address nor a host")
        self._let_in_host(entry, parts["host"], parts["port"])

    def _let_in_host(self, entry: str, host: str, digits: str | None) -> None:
        try:
            target = parse_target(f"http://{host}:{digits}/" if digits else f"http://{host}/")
        except BadJob as error:
            raise _bad_entry(entry, error.errors[0].detail) from error
        port = target.port if digits else None
        if target.address is None:
            self._hosts.add((target.host, port))
        else:
            self._networks.append((ipaddress.ip_network(target.address), port))


def is_local_name(host: str) -> bool:
    """Whether the name means this machine, whatever a resolver says."""
    return host in {"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"} or (
        host.endswith(".localhost")
    )


def _known(host: str) -> Sequence[Address]:
    """The addresses that need no resolver."""
    if is_local_name(host):
        return LOOPBACK
    try:
        return (parse_address(host),)
    except ValueError:
        return ()


def _resolved(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        raise OSError(f"the resolver answered {text[:100]!a}, which is no address") from error


def _network(entry: str) -> Network:
    if "%" in entry:
        raise ValueError("has a scope id")
    network = ipaddress.ip_network(entry)
    if isinstance(network, ipaddress.IPv4Network) or network.network_address.ipv4_mapped is None:
        return network
    if network.prefixlen < 96:
        return network
    return ipaddress.IPv4Network((int(network.network_address.ipv4_mapped), network.prefixlen - 96))


def _refusal(host: str, port: int, address: Address) -> NotAllowed:
    # The address that a name resolves to stays untold: it would draw a map of the network inside.
    what, entry = f"{host}, a target in a private network", host
    if is_public(address):
        what, entry = f"port {port} of {host}", _with_port(host, port)
    elif address in _LOCAL_4 and _known(host):
        entry = str(_LOCAL_4)
    return NotAllowed(
        f"http commands may not reach {what}", field="url", add=f"{KEY} = [{encode(entry)}]"
    )


def _with_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bad_entry(entry: str, why: str) -> SettingsError:
    return SettingsError(
        f"{KEY}: {entry!r}: {why}; write a network (10.0.0.0/8), an address, a host, "
        "or one of the latter with a port (10.0.0.5:8080)"
    )
