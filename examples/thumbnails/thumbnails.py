"""Thumbnails through the queue: scaling is work for a processor, so each runs in a process of its own.

Needs Pillow. Run the worker here:  penstock worker --app thumbnails --slots 2
Ask for one:                        penstock push thumbnail --app thumbnails --param source=cat.jpg --param width=320
"""

import os
from pathlib import Path
from typing import Annotated

from msgspec import Meta
from PIL import Image, UnidentifiedImageError

from penstock import Bury, Context, Job

IMAGES = Path(os.environ.get("IMAGES", ".")).resolve()


class Thumbnail(Job, type="thumbnail", timeout=120, dedupe=True, cpu_bound=True):
    """A smaller copy of an image, beside it; asked for twice while it waits, it is made once."""

    source: str
    width: Annotated[int, Meta(ge=1, le=10_000)] = 320  # pixels

    def run(self, context: Context) -> dict[str, str | int]:
        """Make the copy; what is no image will be none at the next attempt either."""
        source = self._inside(self.source)
        try:
            with Image.open(source) as image:
                image.thumbnail((self.width, self.width * 4))
                context.report(50, "scaled")
                made = self._save(image, source)
                return {"thumbnail": made, "width": image.width, "height": image.height}
        except FileNotFoundError as error:
            raise Bury(f"{self.source} is not there") from error
        except UnidentifiedImageError as error:
            raise Bury(f"{self.source} is no image") from error

    def _save(self, image: Image.Image, source: Path) -> str:
        """A reader sees the whole thumbnail or none, also when two make it at once or one is killed."""
        target = source.with_name(f"{source.stem}-{self.width}.png")
        half = target.with_name(f".{target.name}.{os.getpid()}")
        image.save(half, "PNG")
        half.replace(target)
        return str(target.relative_to(IMAGES))

    @staticmethod
    def _inside(name: str) -> Path:
        """The file of this name; Bury for one outside of the directory of images, whoever asks."""
        path = (IMAGES / name).resolve()
        if not path.is_relative_to(IMAGES):
            raise Bury(f"{name} is outside of the images")
        return path
