"""Who may ask: browsers of this machine that were given the token, and pages that the server itself sent.

A page of somebody else in the same browser must not read or change anything. Three things stand against it: the cookie
is never sent from another site (SameSite=Strict), a name of somebody else's that leads to 127.0.0.1 (DNS rebinding) is
not among the hosts, and whatever changes something must come with our origin and with a header that only our page has.
"""

import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "X-Auditor-Token"
#: Parameter of the address that is printed; it becomes the cookie, and the address loses it.
TOKEN_PARAMETER = "token"
#: Bytes of a body: as many decisions as a large report has cards.
MOST_BYTES = 8_000_000
_READING = ("GET", "HEAD")
_LONGEST_WAY = 2048                             # characters of an address

#: Sent with everything. The page's own policy says what it may load; both hold.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses what did not come from a browser with the token, before anything is looked up.

    Args:
        app: What answers the requests that may pass.
        port: Of the server.
        token: The secret.
    """

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app, self._token = app, token
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._cookie = f"auditor-{port}"        # cookies do not tell ports apart, so that two servers would share one

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":             # the server begins or ends
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is not None:
            await refused(scope, receive, _with_headers(send))
            return
        await self._app(scope, _limited(receive), _with_headers(send))

    def _refused(self, scope: Scope) -> Response | None:
        """The answer to a request that must not pass; None where it may."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self._hosts or len(headers.getlist("host")) > 1:
            known = " and ".join(self._hosts)
            return _no(f"the host {host!r} is none of {known}: open the address that was printed")
        if len(scope["path"]) > _LONGEST_WAY:
            return _no("the address is too long", 414)
        if scope["method"] in _READING:
            return self._unknown_reader(scope, headers)
        if scope["method"] != "POST":
            return _no(f"{scope['method']} is none of GET and POST", 405)
        if headers.get("origin", "") != f"http://{host}":
            return _no(f"the origin {headers.get('origin', '')!r} is not http://{host}: only pages of this server may")
        if not self._is_token(headers.get(TOKEN_HEADER, "")):
            return _no(f"the header {TOKEN_HEADER} is missing or wrong: load the page again")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > MOST_BYTES:
            return _too_large()
        return None

    def _unknown_reader(self, scope: Scope, headers: Headers) -> Response | None:
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get(TOKEN_PARAMETER)
        if given is not None and self._is_token(given):
            answer = RedirectResponse(_own_way(scope["path"]), 303)
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
            return answer
        if self._is_token(_cookie(headers, self._cookie)) or self._is_token(headers.get(TOKEN_HEADER, "")):
            return None
        return _no("the token is missing or wrong: open the address that `auditor serve` printed, with its token")

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode("utf-8", "surrogatepass"), self._token.encode())


def _own_way(path: str) -> str:
    """The same address without its parameters; never one that a browser takes for another host's ("//other")."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"


def _cookie(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _no(reason: str, status: int = 403) -> Response:
    return PlainTextResponse(f"Refused: {reason}.\n", status)


def _too_large() -> Response:
    return _no(f"the body has more than {MOST_BYTES} bytes, or does not say how many", 413)


class TooLarge(Exception):
    """A body has more bytes than are read."""


def _limited(receive: Receive) -> Receive:
    """The same messages; raises `TooLarge` where a body goes on, whatever its header said."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MOST_BYTES:
            raise TooLarge
        return message

    return counted


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent
