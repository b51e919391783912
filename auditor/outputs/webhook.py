"""The summary to a URL that the user named; whatever happens there, the run stands."""

import base64
import json
import threading
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from auditor.errors import InputError
from auditor.text import masked_url, shown

SECONDS = 10.0
_SCHEMES = ("http", "https")


class _NoRedirects(HTTPRedirectHandler):
    """A redirected POST would lose its body, or go where nobody sent it."""

    def redirect_request(self, *_: Any) -> None:
        return None


def check_url(url: str) -> None:
    """Raises InputError where a URL is none to post to; the message shows no secret of it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise InputError(
            f"--webhook {masked_url(url) or repr(url)} cannot be posted to; expected an http or https URL in ASCII, "
            "without spaces: https://host/path"
        )


def post(url: str, summary: Mapping[str, Any], seconds: float = SECONDS) -> str:
    """Posts a summary as JSON.

    Args:
        url: Where to; `check_url` has passed it. User and password in it are sent as basic authentication.
        summary: What `summary.json` holds.
        seconds: After that nobody waits any longer, whatever the other side does.

    Returns:
        What went wrong, in a sentence without a secret of the URL; "" where nothing did.
    """
    said: list[str] = []
    # A time limit of a socket begins anew with every byte, and does not hold while a name is looked up.
    thread = threading.Thread(target=lambda: said.append(_posted(_request(url, summary), seconds)), daemon=True)
    thread.start()
    thread.join(seconds)
    wrong = said[0] if said else f"no answer within {seconds:g} s"
    return f"the summary was not taken by {masked_url(url)}: {wrong}" if wrong else ""


def _request(url: str, summary: Mapping[str, Any]) -> Request:
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json", "User-Agent": "auditor"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    return Request(bare, json.dumps(summary).encode("ascii"), headers, method="POST")


def _posted(request: Request, seconds: float) -> str:
    try:
        with build_opener(_NoRedirects).open(request, timeout=seconds):
            return ""
    except HTTPError as error:
        error.close()
        hint = ", a redirection; state the URL that it leads to" if 300 <= error.code < 400 else ""
        return f"it answered {error.code}{hint}"
    except URLError as error:
        reason = error.reason
        return shown(reason.strerror if isinstance(reason, OSError) and reason.strerror else type(reason).__name__)
    except Exception as error:                  # whatever the other side sends, the run does not fail
        return type(error).__name__
