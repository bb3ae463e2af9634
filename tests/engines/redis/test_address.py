"""A store's URL says where the server is, or is refused with what to write."""

from collections.abc import Iterator

import pytest
import trustme

from penstock.conformance.builders import job
from penstock.engines.redis import RedisEngine
from penstock.engines.redis.address import Address, address_of
from penstock.errors import EngineError
from tests.servers import running
from tests.servers.redis import Server, free_port


def test_a_url_names_everything() -> None:
    found = address_of(
        "rediss://ann:p%40ss@redis.test:6380/3?tls_ca=/etc/ca.pem&tls_cert=/etc/c.pem&tls_key=/etc/k.pem"
    )

    assert found == Address(
        host="redis.test",
        port=6380,
        socket=None,
        user="ann",
        password="p@ss",
        database=3,
        tls=True,
        tls_ca="/etc/ca.pem",
        tls_cert="/etc/c.pem",
        tls_key="/etc/k.pem",
    )


@pytest.mark.parametrize("url", ["redis://", "redis://127.0.0.1", "redis:///", "redis:///0"])
def test_what_a_url_leaves_out_is_as_usual(url: str) -> None:
    found = address_of(url)

    assert (found.host, found.port, found.database) == ("127.0.0.1", 6379, 0)
    assert (found.user, found.password, found.socket, found.tls) == (None, None, None, False)


def test_a_password_needs_no_user() -> None:
    found = address_of("redis://:secret@redis.test/0?socket=/run/redis.sock")

    assert (found.user, found.password, found.socket) == (None, "secret", "/run/redis.sock")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite:///penstock.db", "begins with 'sqlite'.*write 'redis://user:password@host:6379/0'"),
        ("unix:///run/redis.sock", "begins with 'unix'"),
        ("127.0.0.1:6379", "write 'redis://"),
        ("", "begins with ''"),
        ("redis://127.0.0.1:six/0", "cannot be read"),
        ("redis://127.0.0.1/jobs", "names the database 'jobs', which is no number"),
        ("redis://127.0.0.1/-1", "names the database '-1'"),
        ("redis://127.0.0.1/0?decode_responses=yes", "names 'decode_responses'; known: socket, tls_ca"),
        ("redis://127.0.0.1/0?tls_ca=/etc/ca.pem", "asks for no TLS; write 'rediss://"),
        ("rediss://127.0.0.1/0?tls_key=/etc/k.pem", "only one of 'tls_cert' and 'tls_key'"),
        ("rediss:///0?socket=/run/redis.sock", "names a socket and asks for TLS"),
        ("redis://127.0.0.1/0?socket", "cannot be read"),
    ],
)  # fmt: skip
def test_a_url_that_means_nothing_is_refused(url: str, why: str) -> None:
    with pytest.raises(EngineError, match=why):
        RedisEngine(url)


@pytest.mark.parametrize(
    "url",
    [
        "valkey://ann:secret@redis.test/0",
        "redis://ann:secret/1@redis.test/0",
        "redis://ann:1/secret@redis.test/0",
        "redis://ann:1?secret@redis.test/0",
        "redis://ann:1#secret@redis.test/0",
        "redis://ann:[secret]@redis.test/0",
    ],
)
def test_a_refusal_does_not_tell_the_password(url: str) -> None:
    with pytest.raises(EngineError) as refused:
        address_of(url)

    assert "secret" not in str(refused.value)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def over_tls(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server answers that speaks TLS only, and asks for a certificate."""
    place, port = tmp_path_factory.mktemp("tls"), free_port()
    settings = {
        "tls-port": str(port),
        "tls-ca-cert-file": str(place / "ca.pem"),
        "tls-cert-file": str(place / "server.pem"),
        "tls-key-file": str(place / "server.key"),
    }
    authority.cert_pem.write_to_path(place / "ca.pem")
    for name, certificate in (
        ("server", authority.issue_cert("127.0.0.1")),
        ("client", authority.issue_cert("penstock.test")),
    ):
        certificate.private_key_pem.write_to_path(place / f"{name}.key")
        certificate.cert_chain_pems[0].write_to_path(place / f"{name}.pem")
    with running(Server(settings).serve):
        yield (
            f"rediss://127.0.0.1:{port}/0"
            f"?tls_ca={place}/ca.pem&tls_cert={place}/client.pem&tls_key={place}/client.key"
        )


@pytest.mark.server
async def test_a_server_with_a_certificate_is_reached(over_tls: str) -> None:
    engine = RedisEngine(over_tls)

    await engine.open()

    [pushed] = await engine.push([job()])
    assert pushed.id == 1
    await engine.close()


@pytest.mark.server
@pytest.mark.parametrize(
    ("without", "why"),
    [
        (("tls_ca",), "certificate verify failed"),
        (("tls_cert", "tls_key"), "certificate required|closed|reset"),
    ],
)
async def test_a_stranger_is_refused_on_both_sides(
    over_tls: str, without: tuple[str, ...], why: str
) -> None:
    place, _, query = over_tls.partition("?")
    left = [each for each in query.split("&") if not each.startswith(without)]
    engine = RedisEngine(f"{place}?{'&'.join(left)}")

    with pytest.raises(EngineError, match=why):
        await engine.open()
