"""Who may call, under which name, from which page."""

import pytest

from penstock.errors import SettingsError
from penstock.settings import ServerSettings
from tests.server.conftest import Place
from tests.server.driver import HERE, Client

PROXIED = ServerSettings(allow=("10.20.0.0/16",), trusted_proxies=("192.168.0.0/24",))
JOB = b'{"type":"mail"}'
AS_JSON = ("Content-Type", "application/json")


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        ("127.0.0.1", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("127.0.0.2", 403),
        ("10.0.0.1", 403),
        ("::2", 403),
        ("", 403),
        ("testclient", 403),
        (None, 403),
    ],
)
async def test_only_allowed_addresses_may_call(
    caller: str | None, status: int, place: Place
) -> None:
    answer = await Client(place.app, caller=caller).get("/livez")

    assert answer.status == status
    if status == 403:
        assert answer.code == "not_allowed"


async def test_a_refused_address_is_told_which_line_to_change(place: Place) -> None:
    answer = await Client(place.app, caller="10.1.2.3").get("/")

    assert '[server] allow = [..., "10.1.2.3"]' in str(answer.object()["detail"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("10.20.1.2", [], 200),
        ("::ffff:10.20.1.2", [], 200),
        ("10.21.1.2", [], 403),
        # Not from a proxy of ours: what it says of itself is nothing.
        ("10.21.1.2", ["10.20.1.2"], 403),
        ("10.20.1.2", ["10.21.1.2"], 200),
        # Through a proxy of ours: the nearest hop that is none of our proxies.
        ("192.168.0.5", ["10.20.1.2"], 200),
        ("192.168.0.5", ["::ffff:10.20.1.2"], 200),
        ("192.168.0.5", ["10.21.1.2"], 403),
        ("192.168.0.5", ["10.20.1.2, 10.21.1.2"], 403),
        ("192.168.0.5", ["10.21.1.2, 10.20.1.2"], 200),
        ("192.168.0.5", ["10.20.1.2", "10.21.1.2"], 403),
        ("192.168.0.5", ["10.20.1.2, 192.168.0.6"], 200),
        ("192.168.0.5", ["10.20.1.2 , 192.168.0.6,192.168.0.7"], 200),
        ("192.168.0.5", ["192.168.0.6"], 403),
        ("192.168.0.5", [], 403),
        ("192.168.0.5", [""], 403),
        ("192.168.0.5", ["10.20.1.2,"], 403),
        ("192.168.0.5", ["unknown"], 403),
        ("192.168.0.5", ["10.20.1.2, _hidden"], 403),
        ("192.168.0.5", ["10.20.1.2:1234"], 403),
    ],
)
async def test_only_our_proxies_may_call_for_others(
    peer: str, forwarded: list[str], status: int, place: Place
) -> None:
    client = Client(place.served(PROXIED), caller=peer)

    answer = await client.get("/livez", [("X-Forwarded-For", value) for value in forwarded])

    assert answer.status == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:1337", 200),
        ("127.0.0.1:99", 200),
        ("[::1]:1337", 200),
        ("10.1.2.3:1337", 200),
        ("jobs.example", 200),
        ("Jobs.Example:443", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("jobs.example.", 403),
        ("10.1.2.4", 403),
        ("127.1", 403),
        ("2130706433", 403),
        ("[::2]", 403),
        ("localhost:x", 403),
        ("localhost:123456", 403),
        ("localhost@evil.example", 403),
        ("user@localhost", 403),
        ("localhost/evil", 403),
        ("localhost evil", 403),
        ("127.0.0.1\\@evil.example", 403),
        ("", 403),
        (None, 403),
    ],
)
async def test_only_known_names_are_ours(host: str | None, status: int, place: Place) -> None:
    app = place.served(ServerSettings(hosts=("jobs.example",)))

    answer = await Client(app, interface="10.1.2.3").ask("GET", "/livez", host=host)

    assert answer.status == status


async def test_two_hosts_are_no_host(client: Client) -> None:
    answer = await client.ask("GET", "/livez", host="localhost", headers=[("Host", "localhost")])

    assert answer.status == 403


async def test_an_unknown_name_is_told_which_line_to_change(client: Client) -> None:
    answer = await client.ask("GET", "/", host="queue.example:1337")

    assert '[server] hosts = [..., "queue.example"]' in str(answer.object()["detail"])


@pytest.mark.parametrize("name", ["", "http://jobs.example", "jobs.example:80", "a b", "*", "a/"])
def test_a_host_that_is_no_name_is_refused(name: str, place: Place) -> None:
    with pytest.raises(SettingsError, match="hosts"):
        place.served(ServerSettings(hosts=(name,)))


@pytest.mark.parametrize("line", ["allow", "trusted_proxies"])
def test_a_wrong_address_in_the_settings_is_refused(line: str, place: Place) -> None:
    settings = (
        ServerSettings(allow=("",))
        if line == "allow"
        else ServerSettings(trusted_proxies=("proxy",))
    )

    with pytest.raises(SettingsError, match=line):
        place.served(settings)


PAGES = [
    ([], 202),
    ([("Origin", f"http://{HERE}")], 202),
    ([("Origin", f"HTTP://{HERE}".upper())], 202),
    ([("Origin", f"https://{HERE}")], 202),
    ([("Sec-Fetch-Site", "same-origin")], 202),
    ([("Sec-Fetch-Site", "none")], 202),
    ([("Origin", f"http://{HERE}"), ("Sec-Fetch-Site", "same-origin")], 202),
    ([("Origin", "http://evil.example")], 403),
    ([("Origin", "http://127.0.0.1")], 403),
    ([("Origin", "http://127.0.0.1:3000")], 403),
    ([("Origin", "http://localhost:1337")], 403),
    ([("Origin", f"http://{HERE}.evil.example")], 403),
    ([("Origin", f"http://evil.example@{HERE}")], 403),
    ([("Origin", f"ftp://{HERE}")], 403),
    ([("Origin", HERE)], 403),
    ([("Origin", "null")], 403),
    ([("Origin", "")], 403),
    ([("Origin", f"http://{HERE}"), ("Origin", "http://evil.example")], 403),
    ([("Sec-Fetch-Site", "cross-site")], 403),
    ([("Sec-Fetch-Site", "same-site")], 403),
    ([("Sec-Fetch-Site", "CROSS-SITE")], 403),
    ([("Sec-Fetch-Site", "new-word")], 403),
    ([("Origin", f"http://{HERE}"), ("Sec-Fetch-Site", "cross-site")], 403),
]


@pytest.mark.parametrize(("headers", "status"), PAGES)
async def test_no_page_but_ours_may_push(
    headers: list[tuple[str, str]], status: int, client: Client
) -> None:
    answer = await client.ask("POST", "/v1/jobs", JOB, headers=[AS_JSON, *headers])

    assert answer.status == status
    assert (await client.get("/v1/jobs/1")).status == (200 if status == 202 else 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/jobs/add", "/v1/jobs/1", "/v1/jobs/1/cancel", "/nowhere"])
async def test_no_method_that_changes_anything_is_open_to_pages(
    method: str, path: str, client: Client
) -> None:
    answer = await client.ask(method, path, headers=[("Origin", "http://evil.example")])

    assert (answer.status, answer.code) == (403, "not_allowed")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_link_from_elsewhere_may_be_followed(method: str, client: Client) -> None:
    answer = await client.ask(method, "/", headers=[("Sec-Fetch-Site", "cross-site")])

    assert answer.status == 200


async def test_the_form_of_a_foreign_page_is_refused_before_it_is_read(client: Client) -> None:
    headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Origin", "http://evil.example"),
    ]

    answer = await client.ask("POST", "/jobs/add", b"command[type]=mail", headers=headers)

    assert (answer.status, answer.code) == (403, "not_allowed")
