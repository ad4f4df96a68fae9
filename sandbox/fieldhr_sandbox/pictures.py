"""Made-up photos: soft shapes in colours, nothing that anybody could recognise."""

from __future__ import annotations

import io

from fieldhr_sandbox.streams import Draw

__all__ = ["scene", "taken_again"]

_SIZE = (240, 180)


def scene(draw: Draw) -> bytes:
    """Return a small JPEG of a scene that is drawn by chance."""
    from PIL import Image, ImageDraw, ImageFilter

    def colour() -> tuple[int, int, int]:
        return draw.below(256), draw.below(256), draw.below(256)

    image = Image.new("RGB", _SIZE, colour())
    pen = ImageDraw.Draw(image)
    for number in range(22):
        left, top = draw.below(_SIZE[0]), draw.below(_SIZE[1])
        box = (left, top, left + 6 + draw.below(_SIZE[0] // 2), top + 6 + draw.below(_SIZE[1] // 2))
        (pen.rectangle if number % 2 else pen.ellipse)(box, fill=colour())
    return _saved(image.filter(ImageFilter.GaussianBlur(1.2)), 88)


def taken_again(picture: bytes, *, crop: float, quality: int) -> bytes:
    """Return the same picture, cropped by a share of its sides and compressed once more."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        wide, high = round(image.width * (1 - crop)), round(image.height * (1 - crop))
        left, top = (image.width - wide) // 2, image.height - high
        return _saved(image.crop((left, top, left + wide, top + high)), quality)


def _saved(image: object, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)  # type: ignore[attr-defined] # Pillow's, imported late
    return out.getvalue()
