"""The guard's decisions; what really is connected to is proved in test_sender.py."""

import ipaddress

import pytest

from penstock.commands.addresses import parse_address
from penstock.commands.guard import Guard, SystemResolver
from penstock.errors import NotAllowed, SettingsError
from tests.commands.names import Names


@pytest.mark.parametrize(
    ("host", "port", "line"),
    [
        ("127.0.0.1", 80, '["127.0.0.0/8"]'),
        ("127.9.9.9", 8080, '["127.0.0.0/8"]'),
        ("localhost", 80, '["127.0.0.0/8"]'),
        ("anything.localhost", 80, '["127.0.0.0/8"]'),
        ("::1", 80, '["::1"]'),
        ("10.1.2.3", 80, '["10.1.2.3"]'),
        ("169.254.169.254", 80, '["169.254.169.254"]'),
        ("fd00:ec2::254", 80, '["fd00:ec2::254"]'),
        ("8.8.8.8", 25, '["8.8.8.8:25"]'),
        ("2606:4700:4700::1111", 22, '["[2606:4700:4700::1111]:22"]'),
    ],
)
def test_an_address_inside_is_refused_with_the_line_to_add(host: str, port: int, line: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        Guard([]).check(host, port)

    assert refused.value.field == "url"
    assert refused.value.add == f"[commands.http] allow_private = {line}"
    assert refused.value.add in str(refused.value)


@pytest.mark.parametrize(
    ("host", "port", "line"),
    [
        ("127.0.0.1", 80, '["127.0.0.0/8"]'),
        ("10.1.2.3", 80, '["10.1.2.3"]'),
        ("8.8.8.8", 25, '["8.8.8.8:25"]'),
        ("2606:4700:4700::1111", 22, '["[2606:4700:4700::1111]:22"]'),
        ("::1", 80, '["::1"]'),
    ],
)
def test_the_line_that_is_named_helps(host: str, port: int, line: str) -> None:
    entry = line.strip('[]"') if host != "2606:4700:4700::1111" else line[2:-2]

    Guard([entry]).check(host, port)


@pytest.mark.parametrize("port", [80, 443, 1024, 8080, 65535])
def test_the_internet_is_open_at_the_ports_of_the_web(port: int) -> None:
    Guard([]).check("8.8.8.8", port)


@pytest.mark.parametrize("port", [1, 22, 25, 81, 1023])
def test_the_internet_is_closed_at_the_ports_of_other_services(port: int) -> None:
    with pytest.raises(NotAllowed):
        Guard([]).check("8.8.8.8", port)


ENTRIES = [
    ("127.0.0.0/8", "127.3.2.1", "10.0.0.1", 80),
    ("10.0.0.5", "10.0.0.5", "10.0.0.6", 80),
    ("10.0.0.5:8080", "10.0.0.5", "10.0.0.6", 8080),
    ("fd00::/8", "fd12::1", "fe80::1", 80),
    ("[::1]:8080", "::1", "::2", 8080),
    ("::1", "::1", "::2", 80),
    ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0", 25),
]


@pytest.mark.parametrize(("entry", "inside", "outside", "port"), ENTRIES)
def test_an_entry_lets_in_exactly_what_it_names(
    entry: str, inside: str, outside: str, port: int
) -> None:
    guard = Guard([entry])

    assert guard.permits("a.test", parse_address(inside), port)
    assert not guard.permits("a.test", parse_address(outside), port)


def test_an_entry_with_a_port_lets_in_no_other_port() -> None:
    guard = Guard(["10.0.0.5:8080", "a.test:9000"])

    assert not guard.permits("x.test", parse_address("10.0.0.5"), 8081)
    assert guard.permits("a.test", parse_address("10.0.0.9"), 9000)
    assert not guard.permits("a.test", parse_address("10.0.0.9"), 9001)


@pytest.mark.parametrize("host", ["xintranet.test", "intranet.test.evil.test", "sub.intranet.test"])
def test_a_host_is_compared_whole(host: str) -> None:
    guard = Guard(["Intranet.test"])

    assert guard.permits("intranet.test", parse_address("10.0.0.9"), 80)
    assert not guard.permits(host, parse_address("10.0.0.9"), 80)


@pytest.mark.parametrize(
    "entry",
    [
        *("", " ", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.5:0", "10.0.0.5:99999", "a b", "*.test"),
        *("a.test/x", "127.1", "0177.0.0.1", "http://a.test", "[::1", ":80", "fe80::1%eth0"),
    ],
)
def test_an_entry_that_is_none_is_refused_by_name(entry: str) -> None:
    with pytest.raises(SettingsError, match="allow_private") as refused:
        Guard([entry])

    assert repr(entry) in str(refused.value)


def test_a_name_is_not_judged_before_it_is_resolved() -> None:
    Guard([]).check("intranet.test", 80)


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "10.0.0.1"],
        ["10.0.0.1", "8.8.8.8"],
        ["8.8.8.8", "2002:7f00:1::"],
        ["::ffff:169.254.169.254"],
    ],
)
async def test_one_private_address_among_those_of_a_name_refuses_it(found: list[str]) -> None:
    guard = Guard([], Names({"a.test": found}))

    with pytest.raises(NotAllowed) as refused:
        await guard.addresses("a.test", 80)

    assert refused.value.add == '[commands.http] allow_private = ["a.test"]'
    assert not any(address in str(refused.value) for address in found)


async def test_a_name_with_public_addresses_may_be_reached_at_them() -> None:
    guard = Guard([], Names({"a.test": ["8.8.8.8", "2606:4700:4700::1111"]}))

    found = await guard.addresses("a.test", 443)

    assert [str(one) for one in found] == ["8.8.8.8", "2606:4700:4700::1111"]


async def test_a_name_is_asked_for_once_and_anew_each_time() -> None:
    names = Names({"a.test": ["8.8.8.8"]})
    guard = Guard([], names)

    await guard.addresses("a.test", 80)
    names.answers["a.test"] = ["127.0.0.1"]
    with pytest.raises(NotAllowed):
        await guard.addresses("a.test", 80)

    assert names.asked == ["a.test", "a.test"]


@pytest.mark.parametrize("found", [[], ["not an address"], ["fe80::1%eth0"]])
async def test_a_name_without_a_usable_address_is_a_passing_trouble(found: list[str]) -> None:
    with pytest.raises(OSError, match="addres"):
        await Guard([], Names({"a.test": found})).addresses("a.test", 80)


async def test_localhost_is_never_asked_for_and_means_what_is_allowed_of_it() -> None:
    names = Names({"localhost": ["8.8.8.8"]})

    both = await Guard(["127.0.0.0/8", "::1"], names).addresses("localhost", 80)
    four = await Guard(["127.0.0.0/8"], names).addresses("localhost", 80)

    assert [str(one) for one in both] == ["127.0.0.1", "::1"]
    assert [str(one) for one in four] == ["127.0.0.1"]
    assert names.asked == []


async def test_the_system_knows_the_addresses_of_a_literal() -> None:
    assert await SystemResolver().resolve("127.0.0.1") == ["127.0.0.1"]


def test_a_network_is_never_judged_by_the_library() -> None:
    """What Python calls global has changed between its versions; the table is ours."""
    odd = ipaddress.ip_address("192.88.99.1")

    assert not Guard([]).permits("a.test", odd, 80)
