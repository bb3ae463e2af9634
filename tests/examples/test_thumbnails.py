"""The thumbnails example, with real images."""

from pathlib import Path

import pytest
from PIL import Image

from tests.examples.places import penstock

pytestmark = pytest.mark.slow


def test_a_thumbnail_is_made_beside_its_image(tmp_path: Path) -> None:
    Image.new("RGB", (800, 600), "teal").save(tmp_path / "cat.jpg")
    push("cat.jpg", tmp_path, "--param", "width=200")

    lines = run(tmp_path)

    assert lines[-1].endswith(" good")
    with Image.open(tmp_path / "cat-200.png") as made:
        assert made.size == (200, 150)
    assert sorted(path.name for path in tmp_path.glob("*cat*")) == ["cat-200.png", "cat.jpg"]


def test_a_thumbnail_that_waits_already_is_made_once(tmp_path: Path) -> None:
    Image.new("RGB", (80, 60)).save(tmp_path / "cat.jpg")
    push("cat.jpg", tmp_path)
    push("cat.jpg", tmp_path)

    lines = run(tmp_path)

    assert len(lines) == 2  # one job: its start and its end


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("none.jpg", "none.jpg is not there"),
        ("notes.txt", "notes.txt is no image"),
        ("../cat.jpg", "../cat.jpg is outside of the images"),
    ],
)
def test_what_will_never_be_a_thumbnail_is_not_tried_again(
    tmp_path: Path, source: str, why: str
) -> None:
    (tmp_path / "notes.txt").write_text("no pixels here")
    push(source, tmp_path)

    first, second = run(tmp_path), run(tmp_path)

    assert first[-1].endswith(f" error={why}")
    assert second == ["Job queue is empty."]


def push(source: str, place: Path, *words: str) -> None:
    penstock(
        *("push", "thumbnail", "--app", "thumbnails", "--param", f"source={source}", *words),
        example="thumbnails",
        place=place,
    )


def run(place: Path) -> list[str]:
    told = penstock("run-jobs", "--app", "thumbnails", example="thumbnails", place=place)
    return told.splitlines()
