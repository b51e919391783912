"""Hostile text in formats that have characters of their own."""

import re

from auditor.text import unshown, visible

# Not allowed in XML 1.0, however they are written.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|~&$!^\"'=+:@]|(?<=www)\.", re.IGNORECASE)


def printable(text: str) -> str:
    """Text that may stand in XML: what may not becomes U+FFFD. The writer escapes the rest."""
    return _NOT_XML.sub("\ufffd", text)


def real_name(file: str) -> str:
    """The name of a file as another program opens it, where XML and UTF-8 can say it.

    Nearly all names are that anyway. One with control characters or with bytes that are no text stays as an audit
    writes it, which `auditor.text.unshown` turns back.
    """
    real = unshown(file)
    return file if _NOT_XML.search(real) else real


def markdown(text: str) -> str:
    """Text that Markdown shows as it is, on one line: no markup, no link, no mention of a person or an issue."""
    return _MARKDOWN.sub(_entity, visible(text))


def code(text: str) -> str:
    """A name as code; backticks would let a name with backticks out."""
    return f"<code>{markdown(text)}</code>"


def _entity(match: re.Match[str]) -> str:
    # GitHub looks for mentions in the text that Markdown made; a comment keeps the sign apart from the name.
    apart = "<!-- -->" if match[0] in "@#" else ""
    return f"&#{ord(match[0])};{apart}"
