"""The server: on this machine alone, until it is interrupted."""

import secrets
import socket
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import InputError, MissingDependency
from auditor.text import shown

if TYPE_CHECKING:
    import uvicorn

HOST = "127.0.0.1"
_GRACE = 3                                      # seconds that requests in hand get to end


def serve(out: Path, port: int, announce: Callable[[str], None], *, browse: bool = False) -> None:
    """Serves the reports in a folder to this machine; returns when it is interrupted.

    Args:
        out: Folder of the reports.
        port: To listen on; 0 takes a free one.
        announce: Told the address, with its token.
        browse: Whether to open it in a browser.

    Raises:
        InputError: there is no such folder, or the port cannot be had.
        MissingDependency: starlette or uvicorn is not installed.
    """
    if not out.is_dir():
        raise InputError(f"{shown(str(out))} is no folder; expected the folder of reports that `auditor scan` makes")
    with listening(port) as listener:
        token = secrets.token_urlsafe(32)
        address = f"http://{HOST}:{listener.getsockname()[1]}/?token={token}"

        def begun() -> None:
            announce(address)
            if browse:
                webbrowser.open(address)

        server = make_server(out, listener, token, begun)
        with suppress(KeyboardInterrupt):       # uvicorn lets its requests end, then raises the signal again
            server.run(sockets=[listener])


def make_server(
    out: Path, listener: socket.socket, token: str, begun: Callable[[], None] = lambda: None
) -> "uvicorn.Server":
    """The server of a folder of reports, which `run(sockets=[listener])` starts; `begun` is called when it answers.

    Raises:
        MissingDependency: starlette or uvicorn is not installed.
    """
    try:
        import uvicorn

        from auditor.serving.app import make_app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn"):
            raise
        raise MissingDependency(
            f"`auditor serve` needs the package {error.name}, which is not installed. Install it with "
            "pip install 'auditor[serve]'."
        ) from None
    app = make_app(out, int(listener.getsockname()[1]), token, begun)
    return uvicorn.Server(uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="on", ws="none", server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=_GRACE,
    ))  # fmt: skip


def listening(port: int) -> socket.socket:
    """A socket of this machine's own address alone.

    Raises:
        InputError: the port is taken, or not for ordinary users.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()                       # so that the address may be opened as soon as it is printed
    except OSError as error:
        listener.close()
        raise InputError(
            f"port {port} cannot be had ({error.strerror}); name another with --port, or 0 for any that is free"
        ) from None
    return listener
