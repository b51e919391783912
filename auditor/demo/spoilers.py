"""What is done to a sticker to spoil it, and pictures that are no stickers at all."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Spoil = Callable[[Image.Image], Image.Image]


def blur(picture: Image.Image) -> Image.Image:
    """Out of focus."""
    return picture.filter(ImageFilter.GaussianBlur(7))


def darken(picture: Image.Image) -> Image.Image:
    """Underexposed."""
    return picture.point(lambda value: int(value * 0.1))


def overexpose(picture: Image.Image) -> Image.Image:
    """Overexposed: nearly all of it is white."""
    return picture.point(lambda value: min(255, 235 + value // 10))


def blank(picture: Image.Image) -> Image.Image:
    """One colour, the picture's own."""
    return Image.new("RGB", picture.size, picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))


def shrink(picture: Image.Image) -> Image.Image:
    """The thumbnail in place of the picture."""
    return picture.resize((28, 28), Image.Resampling.LANCZOS)


def squeeze(picture: Image.Image) -> Image.Image:
    """A strip across the middle."""
    return picture.crop((0, 108, 256, 148))


def to_grey(picture: Image.Image) -> Image.Image:
    """Without colour, stored as RGB."""
    return picture.convert("L").convert("RGB")


#: Kind of fault -> how a sticker gets it.
SPOILERS: dict[str, Spoil] = {
    "blurry": blur,
    "dark": darken,
    "bright": overexpose,
    "low_information": blank,
    "odd_size": shrink,
    "odd_aspect_ratio": squeeze,
    "grayscale": to_grey,
}


def same(picture: Image.Image) -> Image.Image:
    """As it is."""
    return picture


def smaller(picture: Image.Image) -> Image.Image:
    """Three quarters of the size."""
    return picture.resize((picture.width * 3 // 4, picture.height * 3 // 4), Image.Resampling.LANCZOS)


def cropped(picture: Image.Image) -> Image.Image:
    """Without a few rows and columns at the edges."""
    return picture.crop((2, 3, picture.width - 3, picture.height - 2))


def brighter(picture: Image.Image) -> Image.Image:
    """A little brighter."""
    return picture.point(lambda value: min(255, round(value * 1.08)))


#: What a copy has gone through.
ALTERATIONS: tuple[Spoil, ...] = (same, smaller, cropped, brighter)


def off_topic(number: int, rng: np.random.Generator) -> Image.Image:
    """A picture that has nothing to do with cats and dogs, (256, 256): a letter, a chart, a flag, in turn."""
    return (_letter, _chart, _flag)[number % 3](rng)


def _letter(rng: np.random.Generator) -> Image.Image:
    """Lines of something like text on a page."""
    page = Image.new("RGB", (256, 256), (250, 249, 245))
    pen = ImageDraw.Draw(page)
    for top in range(28, 232, 12):
        left, end = 26, int(rng.integers(150, 230))
        while left < end:
            word = int(rng.integers(6, 30))
            pen.rectangle((left, top, min(left + word, end), top + 4), fill=(40, 40, 44))
            left += word + 5
    return page


def _chart(rng: np.random.Generator) -> Image.Image:
    """Bars over an axis."""
    page = Image.new("RGB", (256, 256), (255, 255, 255))
    pen = ImageDraw.Draw(page)
    for place, height in enumerate(rng.integers(30, 180, 7).tolist()):
        left = 40 + 28 * place
        pen.rectangle((left, 220 - height, left + 18, 220), fill=(31, 119, 180))
    pen.line((30, 20, 30, 222), fill=(0, 0, 0), width=2)
    pen.line((28, 221, 240, 221), fill=(0, 0, 0), width=2)
    return page


def _flag(rng: np.random.Generator) -> Image.Image:
    """Stripes of three colours."""
    page = Image.new("RGB", (256, 256))
    pen = ImageDraw.Draw(page)
    for place, colour in enumerate(rng.integers(0, 256, (3, 3)).tolist()):
        pen.rectangle((0, 86 * place, 256, 86 * place + 86), fill=tuple(colour))
    return page
