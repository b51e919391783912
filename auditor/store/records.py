"""Rows of the store <-> the results of an engine. A row is hostile input: lengths, types and checksum are checked."""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from auditor.engines import Decoded, Inferred
from auditor.images.description import Description
from auditor.images.perceptual_hash import MINIATURE_SIDE, WORDS
from auditor.images.properties import PROPERTIES

PIXELS = ("failure", "format", "mode", "width", "height", "properties", "hash", "miniature", "crc")
FORWARD = ("failure", "probabilities", "shard", "line", "map_classes", "maps", "crc")


class Damaged(ValueError):
    """A row is not what was written."""


@dataclass(frozen=True)
class Shape:
    """The shapes of a model's results, the same for every image: C, K, n, h, w of `Inferred`."""

    classes: int
    features: int
    maps: int
    map_height: int
    map_width: int

    @classmethod
    def of(cls, inferred: Inferred) -> "Shape":
        """That of a result."""
        return cls(len(inferred.probabilities), len(inferred.embedding), *inferred.maps.shape)


def pixels_row(digest: bytes, failure: str | None, decoded: Decoded | None) -> tuple[Any, ...]:
    """The columns `PIXELS` of what the decoder gave."""
    if decoded is None or decoded.description is None:
        values: tuple[Any, ...] = (failure, *(None,) * 7)
    else:
        told = decoded.description
        values = (
            failure, decoded.format, decoded.mode, decoded.width, decoded.height, _bytes(told.properties, "<f4"),
            _bytes(told.hash, "<u8"), _bytes(told.miniature, "u1"),
        )  # fmt: skip
    return (*values, _crc(digest, *values))


def read_pixels(digest: bytes, row: tuple[Any, ...]) -> tuple[str | None, Decoded | None]:
    """The failure or the decoder's result that a row of `PIXELS` holds.

    Raises:
        Damaged: it is not what was written.
    """
    *values, crc = row
    failure, format_name, mode, width, height, properties, words, miniature = values
    _check(crc, digest, *values)
    if failure is not None:
        return str(failure), None
    if not (isinstance(format_name, str) and isinstance(mode, str) and _is_side(width) and _is_side(height)):
        raise Damaged
    description = Description(
        _array(properties, "<f4", len(PROPERTIES)),
        _array(words, "<u8", WORDS),
        _array(miniature, "u1", MINIATURE_SIDE, MINIATURE_SIDE),
    )
    return None, Decoded(format_name, mode, width, height, description)


def forward_row(
    digest: bytes, failure: str | None, inferred: Inferred | None, place: tuple[int, int] | None
) -> tuple[Any, ...]:
    """The columns `FORWARD` of what the model gave; `place` is the embedding's shard and row."""
    if inferred is None or place is None:
        return failure, None, None, None, None, None, _crc(digest, failure)
    probabilities = _bytes(inferred.probabilities, "<f4")
    classes, maps = _bytes(inferred.map_classes, "<i4"), _bytes(inferred.maps, "<f2")
    crc = _crc(digest, failure, probabilities, classes, maps, _bytes(inferred.embedding, "<f2"))
    return failure, probabilities, *place, classes, maps, crc


def read_forward(
    digest: bytes, row: tuple[Any, ...], shape: Shape | None, embedding: NDArray[np.float16] | None
) -> tuple[str | None, Inferred | None]:
    """The failure or the model's result that a row of `FORWARD` and its embedding hold.

    Raises:
        Damaged: it is not what was written.
    """
    failure, probabilities, shard, _, classes, maps, crc = row
    if shard is None:
        _check(crc, digest, failure)
        if failure is None:
            raise Damaged
        return str(failure), None
    if shape is None or embedding is None:
        raise Damaged
    _check(crc, digest, failure, probabilities, classes, maps, embedding.tobytes())
    inferred = Inferred(
        _array(probabilities, "<f4", shape.classes),
        embedding,
        _array(classes, "<i4", shape.maps).astype(np.intp),
        _array(maps, "<f2", shape.maps, shape.map_height, shape.map_width),
    )
    return None, inferred


def _is_side(value: object) -> bool:
    return isinstance(value, int) and 0 < value < 2**31


def _bytes(values: NDArray[Any], kind: DTypeLike) -> bytes:
    return values.astype(kind, copy=False).tobytes()


def _array(stored: Any, kind: DTypeLike, *shape: int) -> NDArray[Any]:
    """Bytes as an array that cannot be written to."""
    try:
        found: NDArray[Any] = np.frombuffer(stored, kind).reshape(shape)
    except (TypeError, ValueError):
        raise Damaged from None
    return found


def _crc(*parts: object) -> int:
    """Checksum over all parts; the content is one of them, so that a row of another image is noticed too."""
    whole = [part for part in parts if isinstance(part, bytes)]
    others = [len(part) if isinstance(part, bytes) else part for part in parts]
    return zlib.crc32(b"".join((repr(others).encode("utf-8", "surrogatepass"), *whole)))


def _check(crc: object, *parts: object) -> None:
    if crc != _crc(*parts):
        raise Damaged
