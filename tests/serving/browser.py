"""A browser of a few lines: it follows no redirect, and sends what it is told to."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from auditor.serving.guard import TOKEN_HEADER


class _Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True)
class Reply:
    """What the server answered; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Browser:
    """Asks the server on a port of this machine."""

    port: int
    token: str

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        """With the token, unless other headers are named."""
        return self._ask(path, None, {TOKEN_HEADER: self.token} if headers is None else headers)

    def post(self, path: str, body: bytes, **changed: str) -> Reply:
        """With origin and token, unless changed ("" leaves a header out)."""
        headers = {"Origin": self.origin, TOKEN_HEADER: self.token, **changed}
        return self._ask(path, body, {name: value for name, value in headers.items() if value})

    def decide(self, path: str, *decisions: object) -> Reply:
        return self.post(path, json.dumps({"decisions": decisions}).encode())

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        request = urllib.request.Request(self.origin + path, data=body, headers=headers)
        try:
            with urllib.request.build_opener(_Stays).open(request, timeout=30) as reply:
                return Reply(reply.status, _named(reply.headers), reply.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, _named(error.headers), error.read())


def _named(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
