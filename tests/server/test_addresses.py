"""Sets of addresses: what they cover, and what no set may be written as."""

import pytest

from penstock.errors import SettingsError
from penstock.server.addresses import Addresses, address_of


@pytest.mark.parametrize(
    ("entry", "address", "covered"),
    [
        ("10.0.0.7", "10.0.0.7", True),
        ("10.0.0.7", "10.0.0.8", False),
        ("10.20.0.0/16", "10.20.255.255", True),
        ("10.20.0.0/16", "10.21.0.0", False),
        ("10.0.0.1-10.0.0.9", "10.0.0.1", True),
        ("10.0.0.1 - 10.0.0.9", "10.0.0.9", True),
        ("10.0.0.1-10.0.0.9", "10.0.0.10", False),
        ("10.0.0.7", "::ffff:10.0.0.7", True),
        ("::ffff:10.0.0.7", "10.0.0.7", True),
        ("::ffff:10.0.0.0/104", "10.1.2.3", True),
        ("::1", "::1", True),
        ("::1", "0:0:0:0:0:0:0:1", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("::/0", "10.0.0.7", False),
        ("0.0.0.0/0", "::1", False),
        ("0.0.0.1", "::1", False),
    ],
)
def test_an_entry_covers_its_addresses(entry: str, address: str, covered: bool) -> None:
    found = address_of(address)

    assert found is not None
    assert (found in Addresses([entry], "[server] allow")) is covered


def test_no_entry_covers_nothing() -> None:
    found = address_of("127.0.0.1")

    assert found is not None
    assert found not in Addresses([], "[server] allow")


@pytest.mark.parametrize(
    "entry",
    [
        "",
        " ",
        "localhost",
        "*",
        "10.0.0",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "010.0.0.1",
        "10.0.0.9-10.0.0.1",
        "10.0.0.1-::1",
        "10.0.0.1-",
        "10.0.0.1-10.0.0.5-10.0.0.9",
        "fe80::1%eth0",
        "::ffff:0:0/95",
        "10.0.0.1,10.0.0.2",
        "\u0661\u0660.0.0.1",
    ],
)
def test_what_is_no_set_of_addresses_is_refused_by_name(entry: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Addresses(["127.0.0.1", entry], "[server] allow")

    assert "[server] allow" in str(caught.value)
    assert repr(entry) in str(caught.value)


@pytest.mark.parametrize("text", ["", "unknown", "127.1", "0x7f.1", "2130706433", "10.0.0.1:80"])
def test_what_writes_no_address_is_none(text: str) -> None:
    assert address_of(text) is None
