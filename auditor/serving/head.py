"""The head of a report's page, edited so that its script may talk to the server.

Only the very first tags are looked at, which the template writes before any text that comes from data.
"""

import re
from html import escape

#: The head as `base.html.j2` begins it.
_HEAD = re.compile(
    rb'\A<!doctype html>\s*<html lang="en">\s*<head>\s*<meta charset="utf-8">\s*'
    rb'<meta http-equiv="Content-Security-Policy" content="(?P<policy>[^"<>&]*)">'
)
_SEEN = 4096                                    # bytes in which it must lie


def is_live(start: bytes) -> bool:
    """Whether a page that starts so can be edited: auditor wrote its head, and it has a script that may run."""
    found = _HEAD.match(start[:_SEEN])
    return found is not None and b"script-src 'sha256-" in found["policy"] and b"connect-src" not in found["policy"]


def made_live(page: bytes, token: str) -> bytes:
    """The page whose script may ask this server, and knows the token; as it is where `is_live` says no."""
    if not is_live(page):
        return page
    found = _HEAD.match(page[:_SEEN])
    assert found is not None                    # is_live
    policy = found["policy"].rstrip(b"; ") + b"; connect-src 'self'"
    head = page[: found.start("policy")] + policy + page[found.end("policy") : found.end()]
    meta = f'\n<meta name="auditor-live" content="{escape(token)}">'.encode()
    return head + meta + page[found.end() :]
