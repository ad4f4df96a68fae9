"""What a picture looks like, in a few hundred bits: the same picture again is known, and nothing can be seen in it.

A fingerprint is a row of 64-bit hashes in hexadecimal: one of the whole picture, and one of each of its crops. A hash
holds which of the picture's lowest spatial frequencies lie above their median, so it survives another compression, size
and brightness. A picture that was cropped looks like one of the crops of the picture it was cut from, so a whole is
held against the other's crops, both ways.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from fieldhr_core.errors import MissingDependencyError, RecordError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["SAME_BITS", "distance", "fingerprint_of"]

#: Hashes this far apart, or nearer, are of one picture: of two pictures, one pair in ten million is.
SAME_BITS: Final = 10

_SIDE: Final = 32
_LOW: Final = 8
#: Shares of the sides that a crop keeps; each is taken at nine places.
_KEPT: Final = (0.95, 0.9)
#: A larger picture is refused before it is unpacked.
_PIXELS_AT_MOST: Final = 100_000_000


def fingerprint_of(picture: bytes) -> str:
    """Return the fingerprint of a picture.

    Args:
        picture: a JPEG, PNG, WebP, BMP or GIF file.

    Raises:
        RecordError: FHR-REC-006 where it is none, or too large to be a photo.
        MissingDependencyError: FHR-CFG-010 where Pillow is not installed.
    """
    import numpy as np

    grey = _grey(picture)
    height, width = grey.shape
    views = [grey]
    for kept in _KEPT:
        tall, wide = max(1, round(height * kept)), max(1, round(width * kept))
        for row in (0, (height - tall) // 2, height - tall):
            columns = (0, (width - wide) // 2, width - wide)
            views += [grey[row : row + tall, column : column + wide] for column in columns]
    small = np.stack([_shrunk(view) for view in views])
    waves = _waves()
    low = np.einsum("ki,nij,lj->nkl", waves, small, waves, optimize=True).reshape(len(views), -1)[:, 1:]
    bits = np.concatenate([low > np.median(low, axis=1, keepdims=True), np.zeros((len(views), 1), bool)], axis=1)
    return np.packbits(bits, axis=1).tobytes().hex()


def distance(one: str, other: str) -> int:
    """Return in how many of 64 bits two fingerprints differ where they are most alike; 64 where one is none."""
    a, b = _hashes(one), _hashes(other)
    if not a or not b:
        return 64
    pairs = [(a[0], each) for each in b] + [(each, b[0]) for each in a]
    return min((x ^ y).bit_count() for x, y in pairs)


def _hashes(text: str) -> list[int]:
    try:
        return [int(text[start : start + 16], 16) for start in range(0, len(text) - 15, 16)]
    except ValueError:
        return []


def _grey(picture: bytes) -> Floats:
    import numpy as np

    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as cause:
        raise MissingDependencyError("Pillow", "pictures") from cause
    try:
        with Image.open(io.BytesIO(picture)) as image:
            if image.width * image.height > _PIXELS_AT_MOST:
                raise RecordError("A picture is too large to be a photo.", code="FHR-REC-006")
            # Decodes a JPEG at a fraction of its size, which is all a fingerprint needs.
            image.draft("L", (512, 512))
            grey = image.convert("L")
            grey.thumbnail((512, 512))
            return np.asarray(grey, dtype="f8")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as cause:
        if isinstance(cause, RecordError):
            raise
        raise RecordError(
            "A picture could not be read.", code="FHR-REC-006", hint="Hand in a JPEG, PNG, WebP, BMP or GIF file."
        ) from cause


def _shrunk(grey: Floats) -> Floats:
    """Return the mean grey of 32 x 32 tiles."""
    import numpy as np

    for axis in (0, 1):
        length = grey.shape[axis]
        # Tiles of a fraction of pixels: the running sum is read between pixels.
        edges = np.linspace(0, length, _SIDE + 1)
        total = np.concatenate([np.zeros_like(np.take(grey, [0], axis)), np.cumsum(grey, axis)], axis)
        whole = np.minimum(edges.astype("i8"), length - 1)
        part = edges - whole
        shape = (-1, 1) if axis == 0 else (1, -1)
        read = np.take(total, whole, axis) + part.reshape(shape) * np.take(grey, whole, axis)
        grey = np.diff(read, axis=axis) / (length / _SIDE)
    return grey


def _waves() -> Floats:
    """Return the lowest cosine waves over 32 tiles (DCT-II)."""
    import numpy as np

    k, i = np.arange(_LOW)[:, None], np.arange(_SIDE)[None, :]
    waves: Floats = np.cos(np.pi * k * (2 * i + 1) / (2 * _SIDE))
    return waves
