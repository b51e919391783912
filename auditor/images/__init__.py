"""From bytes to pixels: the only decoder, the only reader, perceptual hashes, encoding."""

from auditor.images.decoding import DecodedImage, decode
from auditor.images.unreadable import Unreadable

__all__ = ["DecodedImage", "Unreadable", "decode"]
