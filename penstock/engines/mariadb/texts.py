"""What somebody said, as far as the server can keep it."""


def storable(text: str) -> str:
    """The text without halves of surrogate pairs, which are no UTF-8."""
    return text if text.isascii() else text.encode(errors="replace").decode()
