"""Every piece of news is named so that a release can gather it."""

import re
from pathlib import Path

import pytest

NEWS = Path(__file__).parents[2] / "changelog.d"
NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\.(?:added|changed|fixed|removed|security)\.md")
PIECES = sorted(path.name for path in NEWS.iterdir() if path.name != "README.md")


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_of_news_has_a_kind_and_says_something(piece: str) -> None:
    assert NAME.fullmatch(piece)
    assert (NEWS / piece).read_text().strip()
