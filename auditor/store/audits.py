"""An audit as one blob, and back: every field by its type, pictures and the table as they are. Nothing is pickled.

The blob is the length of a JSON text in eight bytes, the text, and then the parts that the text refers to: bytes, and
tables as Parquet. What comes back is checked against the types of the records, since it was read from a file.
"""

import io
import json
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import pandas as pd

from auditor.audit import Addition, Audit

_LENGTH = 8
_PLAIN = (str, int, float, bool)


class NotAnAudit(ValueError):
    """The blob is not what was written, or it has an addition of a type that is not known."""


def encode(audit: Audit) -> bytes:
    """An audit as a blob; raises TypeError for a field whose type has no form here."""
    return joined(*parts_of(audit))


def parts_of(audit: Audit) -> tuple[bytes, list[bytes]]:
    """The text of an audit, and the parts that it refers to, in their order; raises as `encode`."""
    writer = _Writer()
    text = json.dumps(writer.plain(audit, Audit), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass"), writer.parts


def joined(text: bytes, parts: Iterable[bytes]) -> bytes:
    """The blob of what `parts_of` gave."""
    return b"".join((len(text).to_bytes(_LENGTH, "little"), text, *parts))


def decode(blob: bytes, additions: Sequence[type] = ()) -> Audit:
    """The audit in a blob.

    Args:
        blob: As `encode` made it.
        additions: The types that `Audit.additions` may have.

    Raises:
        NotAnAudit: it is something else.
    """
    start = _LENGTH + int.from_bytes(blob[:_LENGTH], "little")
    reader = _Reader(memoryview(blob)[start:], {each.__name__: each for each in additions})
    try:
        audit: Audit = reader.value(json.loads(blob[_LENGTH:start].decode("utf-8", "surrogatepass")), Audit)
    except (ValueError, TypeError, KeyError, RecursionError, OSError) as error:         # OSError: of a broken Parquet
        raise NotAnAudit(str(error)) from None
    return audit


class _Writer:
    """Turns values into what JSON has, and gathers their bytes."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._size = 0

    def plain(self, value: Any, hint: Any) -> Any:
        kind, arguments = get_origin(hint), get_args(hint)
        if kind in (Union, types.UnionType):
            return None if value is None else self.plain(value, _beside_none(hint))
        if hint is Addition:
            return [type(value).__name__, self.plain(value, type(value))]
        if _is_record(hint):
            hints = _hints(hint)
            return {each.name: self.plain(getattr(value, each.name), hints[each.name]) for each in fields(hint)}
        if kind is tuple:
            return [self.plain(each, one) for each, one in zip(value, _elements(hint, len(value)), strict=True)]
        if kind is Mapping:
            return [[self.plain(key, arguments[0]), self.plain(each, arguments[1])] for key, each in value.items()]
        if hint is pd.DataFrame:
            return self._table(value)
        if hint is bytes:
            return self._part(value)
        if hint in _PLAIN:
            return value if type(value) in _PLAIN else hint(value)          # numpy's numbers are none that JSON has
        if hint in (Any, object) or kind is Literal:
            return value
        raise TypeError(f"{hint} has no form in a stored audit")

    def _table(self, table: pd.DataFrame) -> tuple[Any, ...]:
        objects = {name: table[name].tolist() for name in table if table[name].dtype == object}
        return list(table), objects, self._part(table.drop(columns=list(objects)).to_parquet(compression="zstd"))

    def _part(self, data: bytes) -> tuple[int, int]:
        self.parts.append(data)
        self._size += len(data)
        return self._size - len(data), len(data)


class _Reader:
    """Turns what JSON has into values of the types that are expected; raises ValueError, TypeError or KeyError."""

    def __init__(self, parts: memoryview, additions: Mapping[str, type]) -> None:
        self._parts, self._additions = parts, additions

    def value(self, plain: Any, hint: Any) -> Any:
        kind, arguments = get_origin(hint), get_args(hint)
        if kind in (Union, types.UnionType):
            return None if plain is None else self.value(plain, _beside_none(hint))
        if hint is Addition:
            name, inner = plain
            return self.value(inner, self._additions[name])
        if _is_record(hint):
            hints = _hints(hint)
            return hint(**{each.name: self.value(plain[each.name], hints[each.name]) for each in fields(hint)})
        if kind is tuple:
            return tuple(self.value(each, one) for each, one in zip(plain, _elements(hint, len(plain)), strict=True))
        if kind is Mapping:
            return {self.value(key, arguments[0]): self.value(each, arguments[1]) for key, each in plain}
        if hint is pd.DataFrame:
            return self._table(*plain)
        if hint is bytes:
            return self._part(plain)
        if kind is Literal and plain not in arguments:
            raise ValueError(f"{plain!r} is none of {arguments}")
        if hint in _PLAIN and not (type(plain) is hint or (hint is float and type(plain) is int)):
            raise TypeError(f"{plain!r} is no {hint.__name__}")
        return plain

    def _table(self, names: list[str], objects: Mapping[str, list[Any]], part: Any) -> pd.DataFrame:
        table = pd.read_parquet(io.BytesIO(self._part(part)))
        for name, values in objects.items():
            table[name] = pd.Series(values, table.index, dtype=object)
        return table[names]

    def _part(self, plain: Any) -> bytes:
        start, size = plain
        if not (type(start) is type(size) is int and 0 <= start <= start + size <= len(self._parts)):
            raise ValueError(f"there are no bytes at {plain!r}")
        return bytes(self._parts[start : start + size])


def _is_record(hint: Any) -> bool:
    return is_dataclass(hint)


@cache
def _hints(record: type) -> dict[str, Any]:
    return typing.get_type_hints(record, localns={"pd": pd})    # of a table there is only the name in `audit.py`


def _beside_none(hint: Any) -> Any:
    (other,) = (each for each in get_args(hint) if each is not types.NoneType)          # one type, or None
    return other


def _elements(hint: Any, count: int) -> Iterator[Any]:
    """The type of each element of a tuple."""
    arguments = get_args(hint)
    return iter(arguments[:1] * count if arguments[1:] == (Ellipsis,) else arguments)
