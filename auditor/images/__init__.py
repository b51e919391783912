"""From bytes to pixels: the only decoder, the only reader, perceptual hashes, encoding."""

from auditor.images.decoding import DecodedImage, Unreadable, decode

__all__ = ["DecodedImage", "Unreadable", "decode"]
