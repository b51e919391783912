"""From bytes to pixels: the only decoder, the only reader, perceptual hashes, encoding."""
