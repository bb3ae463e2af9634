"""Signs events as the Standard Webhooks specification says."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from penstock.errors import SettingsError

PREFIX = "whsec_"
MIN_SECRET = 24
MAX_SECRET = 64


class Signer:
    """Signs with every secret of the settings; SettingsError where one is none."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [_key(secret) for secret in secrets]

    def sign(self, id: str, timestamp: int, body: bytes) -> str | None:
        """The value of `webhook-signature`, a signature for each secret; None without secrets."""
        content = b".".join((id.encode(), str(timestamp).encode(), body))
        return " ".join(_signature(key, content) for key in self._keys) or None


def _signature(key: bytes, content: bytes) -> str:
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    # The secret itself is not repeated: the message may end in a log.
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad_secret() from error
    if not secret.startswith(PREFIX) or not MIN_SECRET <= len(key) <= MAX_SECRET:
        raise _bad_secret()
    return key


def _bad_secret() -> SettingsError:
    return SettingsError(
        f"[callbacks] secrets: write each as {PREFIX} and the base64 of {MIN_SECRET} to {MAX_SECRET} bytes"
    )
