"""A store's URL says where the database is, or is refused with what to write."""

import pytest

from penstock.engines.mariadb import MariadbEngine
from penstock.engines.mariadb.address import Address, address_of
from penstock.errors import EngineError


def test_a_url_names_everything() -> None:
    found = address_of("mariadb://ann:p%40ss@db.test:3307/jobs?tls_ca=/etc/ca.pem")

    assert found == Address(
        host="db.test",
        port=3307,
        socket=None,
        user="ann",
        password="p@ss",
        database="jobs",
        tls_ca="/etc/ca.pem",
    )


def test_what_a_url_leaves_out_is_as_usual() -> None:
    found = address_of("mariadb:///jobs?socket=/run/db.sock")

    assert (found.host, found.port, found.user, found.password) == (
        "127.0.0.1",
        3306,
        "penstock",
        "",
    )
    assert found.socket == "/run/db.sock"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite:///penstock.db", "write 'mariadb://user:password@host/database'"),
        ("mysql://ann@db.test/jobs", "begins with 'mysql'"),
        ("", "begins with ''"),
        ("mariadb://db.test", "names no database"),
        ("mariadb://db.test/jobs/more", "names no database"),
        ("mariadb://db.test:port/jobs", "cannot be read"),
        ("mariadb://db.test/jobs?charset=latin1", "names 'charset'; known: socket, tls_ca"),
        ("mariadb://db.test/jobs?socket", "cannot be read"),
    ],
)
def test_a_url_that_means_nothing_is_refused(url: str, why: str) -> None:
    with pytest.raises(EngineError, match=why):
        MariadbEngine(url)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:secret@db.test/jobs",
        "mariadb://ann:secret/1@db.test/jobs",
        "mariadb://ann:1/secret@db.test/jobs",
        "mariadb://ann:1?secret@db.test/jobs",
        "mariadb://ann:1#secret@db.test/jobs",
        "mariadb://ann:[secret]@db.test/jobs",
    ],
)
def test_a_refusal_does_not_tell_the_password(url: str) -> None:
    with pytest.raises(EngineError) as refused:
        address_of(url)

    assert "secret" not in str(refused.value)
