"""The sections: their defaults, and the profile for trying things out."""

from datetime import timedelta
from pathlib import Path

import msgspec

from penstock.policy import Policy
from penstock.queue import MAX_WAIT
from penstock.settings.sections import (
    LONGEST,
    CommandSettings,
    ExecSettings,
    HttpSettings,
    QueueSettings,
    ServerSettings,
    Settings,
    development,
)


def test_nothing_is_open_that_was_not_opened() -> None:
    settings = Settings()

    assert settings.server == ServerSettings(
        host="127.0.0.1", port=1337, allow=("127.0.0.1", "::1")
    )
    assert settings.server.accept_unknown_types is False
    assert settings.commands == CommandSettings(
        http=HttpSettings(allow_private=()), exec=ExecSettings(allow=())
    )


def test_every_key_of_a_queue_may_be_left_to_the_default() -> None:
    fields = msgspec.structs.fields(QueueSettings)

    assert all(field.default is None for field in fields)


def test_no_duration_is_longer_than_a_job_may_have() -> None:
    assert timedelta(seconds=LONGEST) == MAX_WAIT
    assert Policy().timeout <= MAX_WAIT


def test_the_development_profile_adds_this_machine_and_the_example_scripts() -> None:
    settings = Settings(
        commands=CommandSettings(
            http=HttpSettings(allow_private=("10.0.0.5",)), exec=ExecSettings(allow=("/srv/a.sh",))
        ),
        server=ServerSettings(port=1),
    )

    tried = development(settings, Path("/examples"))

    assert tried.commands.http.allow_private == ("127.0.0.0/8", "::1", "10.0.0.5")
    assert tried.commands.exec.allow == ("/examples/*.sh **", "/srv/a.sh")
    assert tried.server == settings.server
    assert settings.commands.exec.allow == ("/srv/a.sh",)
