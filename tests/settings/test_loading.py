# long: the tables of every refusal, with the file that it refuses
"""Settings from a file and the environment, as a whole; and every refusal with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from penstock import settings as public
from penstock.errors import SettingsError
from penstock.job import Order
from penstock.settings import (
    CallbackSettings,
    CommandSettings,
    ExecSettings,
    HttpSettings,
    QueueSettings,
    RunnerSettings,
    ServerSettings,
    Settings,
    StoreSettings,
    load,
)

WHOLE = """\
[stores.main]
url = "sqlite:///jobs.db"
[stores.fast]
url = "memory://"
number = 1
accept_volatile = true

[queues.default]
store = "main"
max_attempts = 5
[queues."cdn.purge"]
store = "fast"
order = "fifo"
ttl = 3
[queues.empty]

[server]
port = 8080
allow = ["10.0.0.0/8"]
[commands]
http.allow_private = ["127.0.0.0/8"]
exec = { allow = ["/srv/*.sh"] }
[runner]
slots = 7
[callbacks]
secrets = ["whsec_a"]
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str) -> Path:
        path = tmp_path / "penstock.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


def refusal(path: Path | None, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(path, environ)
    said = str(caught.value)
    return said if path is None else said.replace(f"{path.parent}/", "")


def test_a_whole_file_is_read(write: Write, tmp_path: Path) -> None:
    assert load(write(WHOLE), {}) == Settings(
        stores={
            "main": StoreSettings(url=f"sqlite:///{tmp_path}/jobs.db"),
            "fast": StoreSettings(url="memory://", number=1, accept_volatile=True),
        },
        queues={
            "default": QueueSettings(store="main", max_attempts=5),
            "cdn.purge": QueueSettings(store="fast", order=Order.FIFO, ttl=3),
            "empty": QueueSettings(),
        },
        server=ServerSettings(port=8080, allow=("10.0.0.0/8",)),
        commands=CommandSettings(
            http=HttpSettings(allow_private=("127.0.0.0/8",)),
            exec=ExecSettings(allow=("/srv/*.sh",)),
        ),
        runner=RunnerSettings(slots=7),
        callbacks=CallbackSettings(secrets=("whsec_a",)),
    )


def test_without_a_file_everything_has_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert load(None, {}) == Settings(
        stores={"main": StoreSettings(url=f"sqlite:///{tmp_path}/penstock.db")}
    )


def test_the_environment_stands_over_the_file(write: Write) -> None:
    environ = {
        "PENSTOCK_SERVER_PORT": "1",
        "PENSTOCK_QUEUES_CDN_PURGE_TTL": "9",
        "PENSTOCK_CONFIG": "elsewhere.toml",
        "PENSTOCK_TEST_URL": "x",
    }

    read = load(write(WHOLE), environ)

    assert (read.server.port, read.server.allow) == (1, ("10.0.0.0/8",))
    assert read.queues["cdn.purge"] == QueueSettings(store="fast", order=Order.FIFO, ttl=9)


def test_the_environment_is_enough() -> None:
    environ = {
        "PENSTOCK_STORES_MAIN_URL": "memory://",
        "PENSTOCK_STORES_FAST_URL": "memory://",
        "PENSTOCK_STORES_FAST_NUMBER": "1",
        "PENSTOCK_QUEUES_DEFAULT_STORE": "main",
    }

    read = load(None, environ)

    assert {name: store.number for name, store in read.stores.items()} == {"main": 0, "fast": 1}


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("sqlite:///a.db", "sqlite:///{here}/a.db"),
        ("sqlite:///sub/a.db", "sqlite:///{here}/sub/a.db"),
        ("sqlite:///../a.db", "sqlite:///{here}/../a.db"),
        ("sqlite:////var/a.db", "sqlite:////var/a.db"),
        ("memory://", "memory://"),
        ("postgresql:///penstock", "postgresql:///penstock"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_relative_sqlite_path_counts_from_the_directory_of_the_file(
    url: str, whole: str, write: Write, tmp_path: Path
) -> None:
    path = write(f'[stores.main]\nurl = "{url}"\n')

    by_file = load(path, {})
    by_variable = load(write(""), {"PENSTOCK_STORES_MAIN_URL": url})

    expected = whole.format(here=tmp_path)
    assert by_file.stores["main"].url == by_variable.stores["main"].url == expected


def test_a_relative_path_of_the_file_itself_counts_from_the_working_directory(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("")
    monkeypatch.chdir(tmp_path)

    read = load(Path("penstock.toml"), {})

    assert read.stores["main"].url == f"sqlite:///{tmp_path}/penstock.db"


def test_a_byte_order_mark_is_no_trouble(write: Write) -> None:
    assert load(write("\ufeff[server]\nport = 5\n"), {}).server.port == 5


UNKNOWN = [
    ("sever = 1", "1: sever: unknown key; did you mean server?"),
    ("[sever]\nport = 1", "1: [sever]: unknown key; did you mean server?"),
    ("\n[server]\n\nprot = 1", "4: [server] prot: unknown key; did you mean port?"),
    ("[server]\nport = 1\n[runner]\nport = 1", "4: [runner] port: unknown key; known: grace, "),
    ("[stores.main]\nurll = 1", "2: [stores.main] urll: unknown key; did you mean url?"),
    ("[queues.mail]\nretries = 1", "2: [queues.mail] retries: unknown key; "),
    ("[queues.mail.deep]\nx = 1", "1: [queues.mail.deep]: unknown key; "),
    ("[commands.htp]", "1: [commands.htp]: unknown key; did you mean http?"),
    (
        "[commands.http]\nallowprivate = []",
        "2: [commands.http] allowprivate: unknown key; did you mean allow_private?",
    ),
    ("[commands]\nhttp.alow = []", "2: [commands.http] alow: unknown key; "),
    ("server = { prot = 1 }", "1: [server] prot: unknown key; did you mean port?"),
    ('[server]\n"po rt" = 1', "2: [server] po rt: unknown key; did you mean port?"),
]

WRONG = [
    ('[server]\n\n# here\nport = "x"', "4: [server] port: expected an integer from 0 to 65535"),
    ("[server]\nport = 65536", "2: [server] port: expected an integer from 0 to 65535"),
    ('[server]\nallow = "::1"', "2: [server] allow: expected a list"),
    ("[queues.a]\nttl = 1\n[queues.b]\nttl = 0", "4: [queues.b] ttl: expected a number from 0.1"),
    ("[queues.a]\nbackoff = 1e300", "2: [queues.a] backoff: expected a number from 0 to"),
    ("[queues.a]\ntimeout = inf", "2: [queues.a] timeout: expected a number from 0.001 to"),
    ("[queues.a]\nkeep_done = nan", "2: [queues.a] keep_done: expected a number from 0 to"),
    ("[queues.a]\nbackoff_factor = 0", "2: [queues.a] backoff_factor: expected a number from 1"),
    ("[queues.a]\nmax_attempts = 0", "2: [queues.a] max_attempts: expected an integer from 1"),
    ('[queues.a]\norder = "lifo"', "2: [queues.a] order: expected one of priority, fifo, random"),
    ('[queues.a]\ndelivery = "once"', "2: [queues.a] delivery: expected one of at_least_once,"),
    ("[runner]\nslots = 1000000", "2: [runner] slots: expected an integer from 1 to 10000"),
    ("[runner]\nslots = 2026-01-01", "2: [runner] slots: expected an integer from 1 to 10000"),
    ("server = 5", "1: [server]: expected a section"),
    ("[[server]]\nport = 1", "1: [server]: expected a section"),
    ("queues = 5", "1: [queues]: expected a section"),
    ("[queues]\nmail = 5", "2: [queues.mail]: expected a section"),
    (
        "[server.port]\nx = 1",
        "1: [server] port: expected an integer from 0 to 65535, not a section",
    ),
    ("[stores.main]\nnumber = 0", "1: [stores.main] url: is missing; add it"),
    ('[stores.main]\nurl = ""', "2: [stores.main] url: expected text that is not empty"),
    ('[queues."a b"]', "1: [queues.a b]: is no name; use A-Z a-z 0-9"),
    ('[stores.""]\nurl = "x"', "1: [stores.]: is no name; use A-Z a-z 0-9"),
]

MAIN = '[stores.main]\nurl = "memory://"\n'
FAST = '[stores.fast]\nurl = "memory://"\n'

UNFIT = [
    (MAIN + FAST, "3: [stores.fast] number: 0 is the number of store main too; add to "),
    (MAIN + "number = 3\n" + FAST + "number = 3", "6: [stores.fast] number: 3 is the number of "),
    (MAIN + FAST + "number = 1", "3: [stores.fast]: with several stores one must be where types"),
    (
        MAIN + FAST + "number = 1\n[queues.mail]\nstore = 'fast'",
        "3: [stores.fast]: with several stores one must be where types",
    ),
    (MAIN + "[queues.mail]\nstore = 'man'", "4: [queues.mail] store: 'man' is no store; did you"),
    ("[queues.default]\nstore = 'x'", "2: [queues.default] store: 'x' is no store; known: main"),
    ("[queues.callback]\nstore = 'main'", "2: [queues.callback] store: a callback lives in the "),
]

BROKEN = [
    ("[server\nport = 1", "1: is no TOML: "),
    ("[server]\nport = 1\nport = 2", "3: is no TOML: "),
    ("[server]\nport = ", "2: is no TOML: "),
]


@pytest.mark.parametrize(("text", "said"), UNKNOWN + WRONG + UNFIT + BROKEN)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str, said: str, write: Write) -> None:
    refused = refusal(write(text))

    assert refused.startswith(f"penstock.toml:{said}")
    assert len(refused) < 400


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"PENSTOCK_SERVER_PORT": "x"}, "PENSTOCK_SERVER_PORT: [server] port: expected"),
        ({"PENSTOCK_SERVER_PROT": "1"}, "PENSTOCK_SERVER_PROT: unknown variable; did you mean"),
        ({"PENSTOCK_STORES_A_NUMBER": "1"}, "PENSTOCK_STORES_A_NUMBER: [stores.a] url: is missing"),
        ({"PENSTOCK_QUEUES_A_STORE": "b"}, "PENSTOCK_QUEUES_A_STORE: [queues.a] store: 'b' is no"),
        (
            {"PENSTOCK_STORES_A_URL": "memory://", "PENSTOCK_STORES_B_URL": "memory://"},
            "PENSTOCK_STORES_B_URL: [stores.b] number: 0 is the number of store a too",
        ),
        (
            {
                "PENSTOCK_STORES_A_URL": "memory://",
                "PENSTOCK_STORES_B_URL": "memory://",
                "PENSTOCK_STORES_B_NUMBER": "1",
            },
            "PENSTOCK_STORES_B_NUMBER: [stores.b]: with several stores",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_variable(
    environ: dict[str, str], said: str
) -> None:
    assert refusal(None, **environ).startswith(said)


def test_a_number_that_a_refusal_proposes_is_free(write: Write) -> None:
    text = MAIN + "number = 4\n" + FAST + "number = 4"

    assert refusal(write(text)).endswith("add to [stores.fast]: number = 5")


def test_what_a_refusal_proposes_for_several_stores_is_enough(write: Write) -> None:
    text = MAIN + FAST + "number = 1\n"
    assert 'add to [queues.default]: store = "main"' in refusal(write(text))

    read = load(write(text + '[queues.default]\nstore = "main"\n'), {})

    assert read.queues["default"].store == "main"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "penstock.toml: is not UTF-8; save it as UTF-8"),
        (b"a = " + b"[" * 5000, "penstock.toml: is nested too deep"),
    ],
)
def test_a_file_that_is_no_text_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "penstock.toml"
    path.write_bytes(content)

    assert refusal(path) == said


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert (
        refusal(tmp_path / "missing.toml") == "cannot read missing.toml: No such file or directory"
    )
    with pytest.raises(SettingsError, match=f"cannot read {tmp_path}: Is a directory"):
        load(tmp_path, {})


def test_secrets_are_not_told_where_they_are_wrong(write: Write) -> None:
    path = write('[callbacks]\nsecrets = "whsec_abc"\n')

    assert "whsec" not in refusal(path)


def test_the_public_names_are_all_there() -> None:
    assert all(hasattr(public, name) for name in public.__all__)
    assert sorted(public.__all__) == list(public.__all__)
