"""Sets of IP addresses as settings write them: single ones, networks and ranges."""

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

from penstock.errors import SettingsError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Span: TypeAlias = tuple[Address, Address]  # the first and the last, of one version


class Addresses:
    """The addresses within these entries: `10.0.0.7`, `10.0.0.0/8`, `10.0.0.1-10.0.0.9`."""

    def __init__(self, entries: Sequence[str], line: str) -> None:
        self._spans = [_span(entry, line) for entry in entries]

    def __contains__(self, address: Address) -> bool:
        """Whether one of the entries covers the address."""
        return any(
            first.version == address.version and int(first) <= int(address) <= int(last)
            for first, last in self._spans
        )


def address_of(text: str) -> Address | None:
    """The address that the text writes, an IPv4 one that was mapped into IPv6 unwrapped; None where it writes none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _span(entry: str, line: str) -> Span:
    try:
        span = _network(entry) if "/" in entry else _range(entry)
    except ValueError as error:
        raise SettingsError(
            f"{line}: {entry!r} is no address, network or range ({error}); "
            "write 10.0.0.7, 10.0.0.0/8 or 10.0.0.1-10.0.0.9"
        ) from error
    first, last = span
    if first.version != last.version or int(first) > int(last):
        raise SettingsError(f"{line}: {entry!r} does not run from a lower to a higher address")
    return span


def _network(entry: str) -> Span:
    network = ipaddress.ip_network(entry)
    first, last = address_of(str(network[0])), address_of(str(network[-1]))
    if first is None or last is None:
        raise ValueError("the network has no addresses")
    return first, last


def _range(entry: str) -> Span:
    first, dash, last = entry.partition("-")
    return _single(first.strip()), _single(last.strip() if dash else first.strip())


def _single(text: str) -> Address:
    if "%" in text:
        raise ValueError("an address with a zone belongs to one machine")
    address = ipaddress.ip_address(text)
    return address_of(text) or address
