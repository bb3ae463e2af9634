"""Signatures by the Standard Webhooks specification."""

import base64

import pytest

from penstock.commands.signature import Signer
from penstock.errors import SettingsError

ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1614265330
BODY = b'{"test": 2432232314}'
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()


def test_the_specification_s_own_example_is_signed_as_it_says() -> None:
    assert Signer([SECRET]).sign(ID, TIMESTAMP, BODY) == SIGNATURE


def test_while_rotating_there_is_a_signature_for_each_secret() -> None:
    both = Signer([OTHER, SECRET]).sign(ID, TIMESTAMP, BODY)

    assert both is not None
    first, second = both.split(" ")
    assert second == SIGNATURE
    assert first == Signer([OTHER]).sign(ID, TIMESTAMP, BODY)
    assert first != second


def test_without_secrets_nothing_is_signed() -> None:
    assert Signer([]).sign(ID, TIMESTAMP, BODY) is None


@pytest.mark.parametrize(
    ("id", "timestamp", "body"),
    [("msg_x", TIMESTAMP, BODY), (ID, TIMESTAMP + 1, BODY), (ID, TIMESTAMP, BODY + b" ")],
)
def test_id_time_and_body_are_all_signed(id: str, timestamp: int, body: bytes) -> None:
    assert Signer([SECRET]).sign(id, timestamp, body) != SIGNATURE


@pytest.mark.parametrize(
    "secret",
    [
        *("", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64!", "whsec_ä"),
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
    ],
)
def test_a_secret_that_is_none_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(SettingsError, match="secrets") as refused:
        Signer([secret])

    assert len(secret) < 8 or secret not in str(refused.value)
