"""Variables: which key each of them means, and the refusals that name them."""

from pathlib import Path

import pytest

from penstock.errors import SettingsError
from penstock.job import Delivery, Order
from penstock.settings.environment import put_over
from penstock.settings.kinds import inner_section, keys_of, named_section
from penstock.settings.sections import Settings
from penstock.settings.source import Keys, Source


def put(environ: dict[str, str], **tree: object) -> dict[str, object]:
    put_over(tree, environ, Source(None, ""))
    return tree


def refusal(environ: dict[str, str], **tree: object) -> str:
    with pytest.raises(SettingsError) as caught:
        put(environ, **tree)
    return str(caught.value)


MEANT: list[tuple[str, str, Keys, object]] = [
    ("PENSTOCK_STORES_MAIN_URL", "memory://", ("stores", "main", "url"), "memory://"),
    ("PENSTOCK_STORES_MAIN_NUMBER", "3", ("stores", "main", "number"), 3),
    (
        "PENSTOCK_STORES_MAIN_ACCEPT_VOLATILE",
        "true",
        ("stores", "main", "accept_volatile"),
        True,
    ),
    ("PENSTOCK_STORES_OF_URL_URL", "x", ("stores", "of_url", "url"), "x"),
    ("PENSTOCK_QUEUES_DEFAULT_STORE", "main", ("queues", "default", "store"), "main"),
    (
        "PENSTOCK_QUEUES_SEND_MAIL_MAX_ATTEMPTS",
        "5",
        ("queues", "send_mail", "max_attempts"),
        5,
    ),
    ("PENSTOCK_QUEUES_MAIL_BACKOFF", "1", ("queues", "mail", "backoff"), 1.0),
    ("PENSTOCK_QUEUES_MAIL_BACKOFF_MAX", "1", ("queues", "mail", "backoff_max"), 1.0),
    ("PENSTOCK_QUEUES_MAIL_BACKOFF_FACTOR", "2", ("queues", "mail", "backoff_factor"), 2.0),
    ("PENSTOCK_QUEUES_MAIL_ORDER", "fifo", ("queues", "mail", "order"), Order.FIFO),
    (
        "PENSTOCK_QUEUES_MAIL_DELIVERY",
        "at_most_once",
        ("queues", "mail", "delivery"),
        Delivery.AT_MOST_ONCE,
    ),
    ("PENSTOCK_SERVER_PORT", "0", ("server", "port"), 0),
    ("PENSTOCK_SERVER_ALLOW", "::1, 10.0.0.0/8", ("server", "allow"), ("::1", "10.0.0.0/8")),
    ("PENSTOCK_SERVER_TRUSTED_PROXIES", "", ("server", "trusted_proxies"), ()),
    (
        "PENSTOCK_SERVER_ACCEPT_UNKNOWN_TYPES",
        "1",
        ("server", "accept_unknown_types"),
        True,
    ),
    (
        "PENSTOCK_COMMANDS_HTTP_ALLOW_PRIVATE",
        "127.0.0.0/8",
        ("commands", "http", "allow_private"),
        ("127.0.0.0/8",),
    ),
    (
        "PENSTOCK_COMMANDS_EXEC_ALLOW",
        "/srv/*.sh **",
        ("commands", "exec", "allow"),
        ("/srv/*.sh **",),
    ),
    ("PENSTOCK_RUNNER_SLOTS", "7", ("runner", "slots"), 7),
    ("PENSTOCK_RUNNER_GRACE", "0.5", ("runner", "grace"), 0.5),
    (
        "PENSTOCK_CALLBACKS_SECRETS",
        "whsec_a,whsec_b",
        ("callbacks", "secrets"),
        ("whsec_a", "whsec_b"),
    ),
]


def nest(keys: Keys, value: object) -> dict[str, object]:
    key, *below = keys
    return {key: nest(tuple(below), value) if below else value}


@pytest.mark.parametrize(("variable", "text", "keys", "value"), MEANT)
def test_a_variable_sets_the_key_that_its_name_says(
    variable: str, text: str, keys: Keys, value: object
) -> None:
    assert put({variable: text}) == nest(keys, value)


def test_every_section_can_be_set_by_variables() -> None:
    meant = {keys[0] for _, _, keys, _ in MEANT}

    kinds = keys_of(Settings)
    assert meant == set(kinds)
    assert all(inner_section(kind) or named_section(kind) for kind in kinds.values())


def test_variables_stand_over_the_file_and_leave_its_other_keys() -> None:
    tree = put({"PENSTOCK_SERVER_PORT": "8080"}, server={"port": 1, "host": "::1"})

    assert tree == {"server": {"port": 8080, "host": "::1"}}


@pytest.mark.parametrize(
    "variable",
    [
        "PENSTOCK_CONFIG",
        "PENSTOCK_TEST_REDIS_URL",
        "PENSTOCK_TEST_",
        "PENSTOCKSERVER_PORT",
        "penstock_server_port",
        "PATH",
        "",
    ],
)
def test_other_variables_are_nobodys_business(variable: str) -> None:
    assert put({variable: "nonsense"}) == {}


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("PENSTOCK_SERVER_PROT", "did you mean PENSTOCK_SERVER_PORT?"),
        ("PENSTOCK_SEVER_PORT", "did you mean PENSTOCK_SERVER_PORT?"),
        ("PENSTOCK_STORE_MAIN_URL", "did you mean PENSTOCK_STORES_MAIN_URL?"),
        ("PENSTOCK_STORES_MAIN_ULR", "did you mean PENSTOCK_STORES_MAIN_URL?"),
        ("PENSTOCK_STORES_MAIN", "did you mean PENSTOCK_STORES_<NAME>_URL?"),
        ("PENSTOCK_STORES_URL", "did you mean PENSTOCK_STORES_<NAME>_URL?"),
        ("PENSTOCK_STORES__URL", "did you mean PENSTOCK_STORES_<NAME>_URL?"),
        (
            "PENSTOCK_QUEUES_SEND_MAIL_MAX_ATEMPTS",
            "did you mean PENSTOCK_QUEUES_SEND_MAIL_MAX_ATTEMPTS?",
        ),
        (
            "PENSTOCK_COMMANDS_HTTP_ALLOWPRIVATE",
            "did you mean PENSTOCK_COMMANDS_HTTP_ALLOW_PRIVATE?",
        ),
        ("PENSTOCK_42", "known: PENSTOCK_CALLBACKS_SECRETS, "),
        ("PENSTOCK_TESTS", "unknown variable; "),
        ("PENSTOCK_", "unknown variable; "),
        ("PENSTOCK_SERVER", "unknown variable; "),
        ("PENSTOCK_SERVER_", "unknown variable; "),
        ("PENSTOCK_SERVER_PORT_1337_TCP", "unknown variable; "),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_known_one(
    variable: str, hint: str
) -> None:
    said = refusal({variable: "x"})

    assert said.startswith(f"{variable}: unknown variable; ")
    assert hint in said


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        (
            "PENSTOCK_SERVER_PORT",
            "x",
            "[server] port: expected an integer from 0 to 65535, not 'x'",
        ),
        ("PENSTOCK_SERVER_PORT", "", "[server] port: is empty; give an integer from 0 to 65535"),
        ("PENSTOCK_STORES_MAIN_URL", " ", "[stores.main] url: is empty; give text"),
        ("PENSTOCK_QUEUES_MAIL_ORDER", "lifo", "[queues.mail] order: expected one of priority,"),
        ("PENSTOCK_CALLBACKS_SECRETS", "a,,b", "[callbacks] secrets: expected a list, each item"),
    ],
)
def test_a_value_that_is_none_is_refused_with_its_variable(
    variable: str, text: str, said: str
) -> None:
    assert refusal({variable: text}).startswith(f"{variable}: {said}")


@pytest.mark.parametrize("name", ["Send-Mail", "send.mail", "send_mail", "SEND:MAIL"])
def test_a_name_of_the_file_is_meant_as_far_as_a_variable_can_say_it(name: str) -> None:
    tree = put({"PENSTOCK_QUEUES_SEND_MAIL_TTL": "4"}, queues={name: {"ttl": 3}, "other": {}})

    assert tree == {"queues": {name: {"ttl": 4.0}, "other": {}}}


def test_the_name_as_it_stands_comes_before_those_like_it() -> None:
    tree = put({"PENSTOCK_QUEUES_SEND_MAIL_TTL": "4"}, queues={"send-mail": {}, "send_mail": {}})

    assert tree == {"queues": {"send-mail": {}, "send_mail": {"ttl": 4.0}}}


def test_a_variable_that_may_mean_two_names_is_refused() -> None:
    said = refusal(
        {"PENSTOCK_QUEUES_SEND_MAIL_TTL": "4"}, queues={"send-mail": {}, "Send.Mail": {}}
    )

    assert (
        said == "PENSTOCK_QUEUES_SEND_MAIL_TTL: may mean send-mail or Send.Mail; set it in the file"
    )


@pytest.mark.parametrize("tree", [{"server": 5}, {"server": []}])
def test_a_file_whose_section_is_none_is_refused_at_its_line(tree: dict[str, object]) -> None:
    source = Source(Path("penstock.toml"), "server = 5\n")

    with pytest.raises(SettingsError, match=r"^penstock.toml:1: \[server\]: expected a section$"):
        put_over(tree, {"PENSTOCK_SERVER_PORT": "1"}, source)


@pytest.mark.parametrize(
    "variable",
    [
        "PENSTOCK_SERVICE_HOST",
        "PENSTOCK_SERVICE_PORT",
        "PENSTOCK_SERVICE_PORT_HTTP",
        "PENSTOCK_PORT",
        "PENSTOCK_PORT_1337_TCP",
        "PENSTOCK_PORT_1337_TCP_ADDR",
    ],
)
def test_what_kubernetes_sets_for_a_service_of_our_name_is_passed_over(variable: str) -> None:
    assert put({variable: "tcp://10.0.0.1:1337"}) == {}
