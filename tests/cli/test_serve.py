"""`penstock serve`: where it refuses to listen. What it does once it listens is told by the journeys."""

import socket
from pathlib import Path

import pytest

from tests.cli.command import Shell


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3"])
def test_listening_beyond_loopback_is_refused(penstock: Shell, host: str) -> None:
    answer = penstock("serve", "--host", host, "--port", "0")

    assert answer.code == 78
    assert host in answer.err
    assert "host = " in answer.err.splitlines()[-1]


def test_a_name_is_no_address(penstock: Shell) -> None:
    answer = penstock("serve", "--host", "example.org", "--port", "0")

    assert answer.code == 78
    assert "IP address" in answer.err


def test_a_port_that_is_taken_is_said(penstock: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        answer = penstock("serve", "--port", str(port))

    assert answer.code == 78
    assert str(port) in answer.err
    assert "--port" in answer.err


def test_a_port_beyond_the_range_is_wrong_usage(penstock: Shell) -> None:
    assert penstock("serve", "--port", "65536").code == 2


@pytest.mark.parametrize("key", ["allow", "trusted_proxies", "hosts"])
def test_a_wrong_list_is_one_line(penstock: Shell, key: str) -> None:
    Path("penstock.toml").write_text(f'[server]\n{key} = ["no/address"]\n')

    answer = penstock("serve", "--port", "0")

    assert answer.code == 78
    assert answer.err.splitlines()[-1].startswith("penstock: ")
    assert key in answer.err.splitlines()[-1]
