"""The mail example, with a real mail server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.examples.places import free_port, penstock

pytestmark = pytest.mark.slow


class Mailboxes:
    """Takes every mail, but not for those who are full or gone."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_RCPT(  # noqa: N802  the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whether this recipient can be reached."""
        if address.startswith("gone"):
            return "550 no such mailbox"
        if address.startswith("full"):
            return "452 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail."""
        assert isinstance(envelope.original_content, bytes)
        self.mails.append(envelope.original_content)
        return "250 kept"


@pytest.fixture
def mailboxes() -> Mailboxes:
    return Mailboxes()


@pytest.fixture
def environment(mailboxes: Mailboxes) -> Iterator[dict[str, str]]:
    port = free_port()
    controller = Controller(mailboxes, hostname="127.0.0.1", port=port)
    controller.start()
    yield {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port)}
    controller.stop()


def test_a_mail_that_is_pushed_arrives(
    tmp_path: Path, environment: dict[str, str], mailboxes: Mailboxes
) -> None:
    push("ann@example.org", tmp_path)

    lines = run(tmp_path, environment)

    [mail] = mailboxes.mails
    assert lines[-1].endswith(" good")
    assert b"Subject: Hello" in mail
    assert b"Message-ID: <" in mail


@pytest.mark.parametrize("to", ["gone@example.org", "Mr Gone <gone@example.org>"])
def test_a_recipient_who_is_gone_is_not_tried_again(
    to: str, tmp_path: Path, environment: dict[str, str], mailboxes: Mailboxes
) -> None:
    push(to, tmp_path)

    lines = run(tmp_path, environment)

    assert lines[-1].endswith(" error=550 no such mailbox")
    assert (shown(tmp_path)["state"], mailboxes.mails) == ("dead", [])


def test_a_full_mailbox_is_tried_again_in_five_minutes(
    tmp_path: Path, environment: dict[str, str], mailboxes: Mailboxes
) -> None:
    push("full@example.org", tmp_path)

    run(tmp_path, environment)

    assert (shown(tmp_path)["state"], mailboxes.mails) == ("scheduled", [])


def test_a_line_break_in_an_address_makes_no_second_header(
    tmp_path: Path, environment: dict[str, str], mailboxes: Mailboxes
) -> None:
    push("ann@example.org\nBcc: all@example.org", tmp_path)

    run(tmp_path, environment)

    assert (shown(tmp_path)["state"], mailboxes.mails) == ("dead", [])


def push(to: str, place: Path) -> None:
    params = json.dumps({"to": to, "subject": "Hello", "text": "How are you?"})
    told = penstock(
        "push", "send_mail", "--app", "mail", "--params", params, example="mail", place=place
    )
    assert told == "1\n"


def run(place: Path, environment: dict[str, str]) -> list[str]:
    """The lines of a run of all that is there."""
    told = penstock(
        "run-jobs", "--app", "mail", example="mail", place=place, environment=environment
    )
    return told.splitlines()


def shown(place: Path) -> dict[str, object]:
    """The only job, as it stands."""
    told = penstock("show-jobs", "--list", "--json", example="mail", place=place)
    [job] = json.loads(told)["jobs"]
    assert isinstance(job, dict)
    return job
