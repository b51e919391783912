"""How numbers, dates, lists, paths, and names from files are written: in messages, on pages, on the terminal."""

import codecs
import json
import math
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NARROW_SPACE = "\u202f"

#: The byte order mark as a character. Programs that join files leave several at the beginning.
MARK = "\ufeff"

#: The encoding of a text without a byte order mark.
UNMARKED = "utf-8"

#: Format characters that emoji and several scripts need; they are not misleading.
_JOINERS = "\u200c\u200d"


# Control characters and lone surrogates (bytes that are not UTF-8) cannot be written to JSON, XML or a terminal.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_URL_SIGN = re.compile(r"[/?#@:=&\s]")
_WORD = 24                                      # characters of a word that is no secret; a host's name is about so long
_LOOKS_ESCAPED = re.compile(r"\\[xuU]")
_ESCAPES = re.compile(r"\\(?:(\\)|x([0-9a-f]{2})|u([0-9a-f]{4}))")

# UTF-16's mark in little-endian order is the beginning of UTF-32's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def number(value: int) -> str:
    """1234567 -> 1 234 567, grouped by narrow no-break spaces."""
    return f"{value:,}".replace(",", NARROW_SPACE)


def count(value: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: 1 image, 2 images, 1 class, 2 classes."""
    return f"{number(value)} {noun if value == 1 else plural or noun + 's'}"


def decimal(value: float) -> str:
    """Three significant digits: 0.123, 4.57, 61.4, 1 204."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 100:
        return number(round(value))
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share in percent; 0 % and 100 % are shown only if they are exact."""
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
    """An ISO timestamp as a readable date, in UTC; any other text as it is."""
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
    """The text with all characters written out that are invisible or that reorder their neighbours.

    A line feed in a file name becomes its control picture, a right-to-left override becomes `<U+202E>` in angle
    brackets, and a byte that is not UTF-8 (a lone surrogate in a Python path) becomes its value: the name is shown as
    it is stored, and the page can be encoded.
    """
    raw = str(text)
    return raw if raw.isprintable() else "".join(map(_drawn, raw))


def _drawn(character: str) -> str:
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


def width(text: str) -> int:
    """Columns that a text takes on a terminal: two for each wide character, none for one that stands on another."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def whole_percent(probability: float) -> str:
    """A probability as a whole per cent that never claims certainty: `<1%` and `>99%` at the ends."""
    if probability < 0.005:
        return "<1%"
    return ">99%" if probability > 0.995 else f"{probability:.0%}"


def shown(raw: str) -> str:
    r"""A name in a form that can be printed, written and parsed anywhere; different names stay different.

    Nearly every name is returned as it is. Control characters and bytes that are not UTF-8 become `\x0a` or `\udcff`,
    and the backslashes of such a name are doubled. They are also doubled in a name that only looks escaped, so that no
    two names get the same form.
    """
    if raw.isprintable() and "\\" not in raw:
        return raw
    if not (_UNPRINTABLE.search(raw) or _LOOKS_ESCAPED.search(raw)):
        return raw
    return _UNPRINTABLE.sub(_escape, raw.replace("\\", "\\\\"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def unshown(name: str) -> str:
    """The name that `shown` was given: for `open`, not for printing."""
    if not _LOOKS_ESCAPED.search(name):
        return name
    return _ESCAPES.sub(lambda match: match[1] or chr(int(match[2] or match[3], 16)), name)


def masked_url(url: str) -> str:
    """A URL with nothing in it that may be a secret: those of chat services have theirs in the path.

    Of a text that is no URL the first word is left; where it is long, as secrets are, the beginning of that.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme and parts.hostname:
            return f"{parts.scheme}://{shown(parts.hostname)}/\u2026"
    except ValueError:
        return "a URL that cannot be read"
    word = _URL_SIGN.split(url, maxsplit=1)[0]
    left = word if len(word) <= _WORD else word[: _WORD // 2]
    return shown(left) if left == url else f"{shown(left)}\u2026"


def toml_string(text: str) -> str:
    """A text as a basic string of TOML: what JSON escapes, TOML reads; DEL alone JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", r"\u007f")


def some(names: Iterable[str], most: int = 5) -> str:
    """A list for a sentence: all names, or the first few and how many more."""
    listed = list(names)
    rest = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {rest} more" if rest > 0 else "")


def tally(reasons: Iterable[str]) -> Iterator[str]:
    """Reasons with their counts, the most frequent first: "3 hidden", "1 not an image (.txt)"."""
    for reason, count in sorted(Counter(reasons).items(), key=lambda item: (-item[1], item[0])):
        yield f"{count} {reason}"


def absolute(path: Path) -> Path:
    """The path from the file system's root, without "..", and with links left as they are."""
    return Path(os.path.normpath(path.absolute()))


def extension(name: str) -> str:
    """The last extension in lower case, with its dot; empty where there is none."""
    stem, dot, ending = name.rpartition(".")
    return f"{dot}{ending.lower()}" if stem else ""


def read_text(path: Path, errors: str = "strict") -> str:
    """A text file that people may have written: as `decoded` says.

    Args:
        path: The file.
        errors: What `bytes.decode` makes of bytes that are no text.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is in another encoding.
    """
    return decoded(path.read_bytes(), errors)


def read_json(path: Path) -> Any:
    """What a JSON file holds; raises OSError, or ValueError where it is no JSON, or none that can be read."""
    try:
        return json.loads(read_text(path))
    except RecursionError:
        raise ValueError("lists or objects are nested too deeply in it") from None


def decoded(data: bytes, errors: str = "strict") -> str:
    """Text in UTF-8, or as its byte order mark says, with any ends of lines; raises UnicodeDecodeError for others."""
    try:
        text = data.decode(encoding_of(data), errors)
    except UnicodeDecodeError as error:
        error.reason += "; save the file as UTF-8"
        raise
    return text.lstrip(MARK).replace("\r\n", "\n").replace("\r", "\n")


def encoding_of(data: bytes) -> str:
    """The encoding that a byte order mark names, for `bytes.decode`; UTF-8 where there is none."""
    return next((encoding for mark, encoding in _MARKS if data.startswith(mark)), UNMARKED)
