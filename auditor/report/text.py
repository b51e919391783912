"""How the report writes numbers, dates and names that came from files."""

import base64
import math
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

NARROW_SPACE = "\u202f"

#: Format characters that emoji and several scripts need; they draw nothing misleading.
_JOINERS = "\u200c\u200d"


def number(value: int) -> str:
    """1234567 -> 1 234 567, grouped by narrow no-break spaces."""
    return f"{value:,}".replace(",", NARROW_SPACE)


def count(value: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: 1 image, 2 images, 1 class, 2 classes."""
    return f"{number(value)} {noun if value == 1 else plural or noun + 's'}"


def decimal(value: float) -> str:
    """Three digits that matter: 0.123, 4.57, 61.4, 1 204."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 100:
        return number(round(value))
    return f"{value:.3g}"


def data_uri(jpeg: bytes) -> str:
    """A JPEG as the source of a picture."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def percent(share: float) -> str:
    """A share in percent; what is not quite none or all never reads 0 % or 100 %."""
    if not math.isfinite(share):
        return "unknown"
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    return f"{share:.1%}".replace(".0%", "%")


def duration(seconds: float) -> str:
    """12.3 s, 4 min 10 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def moment(stamp: str) -> str:
    """An ISO timestamp in words, in UTC; anything else as it stands."""
    try:
        when = datetime.fromisoformat(stamp)
    except ValueError:
        return visible(stamp)
    zone = ""
    if when.tzinfo is not None:
        when, zone = when.astimezone(UTC), " UTC"
    return f"{when.day} {when:%B %Y, %H:%M}{zone}"


def listing(names: Iterable[str]) -> str:
    """a; a and b; a, b and c."""
    names = list(names)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def visible(text: object) -> str:
    """The text with everything written out that draws nothing or that reorders its neighbours.

    A line feed in a file name becomes its control picture, a right-to-left override becomes `<U+202E>` in angle
    brackets, and a byte that is no UTF-8 (a lone surrogate in a Python path) becomes its value; so that the name reads
    as it is stored, and the page can be encoded.
    """
    raw = str(text)
    return raw if raw.isprintable() else "".join(map(_shown, raw))


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\u27e8byte {code - 0xDC00:02X}\u27e9"
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS:
        return f"\u27e8U+{code:04X}\u27e9"
    return character
