"""The addresses of the server: the index, the pages and files of runs, and the review of each."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from auditor.errors import AuditorError
from auditor.report.shared.html import STYLE, render
from auditor.runs.files import LATEST, PAGE
from auditor.runs.stored import open_run
from auditor.serving.files import Reports, kind_of
from auditor.serving.guard import Guard, TooLarge
from auditor.serving.head import made_live
from auditor.serving.index import build_index
from auditor.serving.live import LiveOrder
from auditor.serving.reviewing import Review
from auditor.serving.stored import StoredImages

_STYLES = (STYLE, "served.css")


class Reviews:
    """The reviews that are open. Only the last run that was asked for learns: its arrays may be large."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._lock = threading.Lock()
        self._open: tuple[Path, Review] | None = None

    def of(self, folder: Path) -> Review:
        """The review of a run; raises InputError where the run cannot be read."""
        with self._lock:
            if self._open is None or self._open[0] != folder:
                images = StoredImages.of(open_run(folder))
                self.close()
                live = LiveOrder(partial(images.relearner, self._reports.folder))
                self._open = folder, Review(images, self._reports.review(folder.parent.name, folder.name), live)
            return self._open[1]

    def close(self) -> None:
        """Ends what learns."""
        if self._open is not None:
            self._open[1].live.stop()


def make_app(out: Path, port: int, token: str, begun: Callable[[], None]) -> ASGIApp:
    """The application behind its guard.

    Args:
        out: Folder of the reports.
        port: Of the server, which its pages are asked under.
        token: The secret.
        begun: Called when requests are answered.
    """
    reports = Reports.of(out)
    reviews = Reviews(reports)

    def index(request: Request) -> Response:
        return HTMLResponse(render("served.html.j2", build_index(reports), styles=_STYLES))

    def history(request: Request) -> Response:
        return _sent(reports.history(request.path_params["name"]))

    def page(request: Request) -> Response:
        name, run = request.path_params["name"], request.path_params["run"]
        folder = reports.run(name, run)
        if folder is not None and (run == LATEST or not request.url.path.endswith("/")):
            return RedirectResponse(f"/{name}/{folder.name}/", 307)
        return _live(reports.file(name, run, PAGE), token)

    def file(request: Request) -> Response:
        name, run, wanted = (request.path_params[each] for each in ("name", "run", "file"))
        path = reports.file(name, run, wanted)
        if path is not None and run == LATEST:
            return RedirectResponse(f"/{path.relative_to(reports.folder).as_posix()}", 307)
        return _live(path, token)

    async def review(request: Request) -> Response:
        folder = reports.run(request.path_params["name"], request.path_params["run"])
        if folder is None:
            return _sent(None)
        try:
            body = await request.body() if request.method == "POST" else None
            return JSONResponse(await run_in_threadpool(_reviewed, reviews, folder, body))
        except AuditorError as error:
            return JSONResponse({"error": f"{error}"}, 400)
        except TooLarge:
            return JSONResponse({"error": "the body is too large; send fewer decisions at once"}, 413)

    routes = [
        Route("/", index),
        Route("/{name}/history.html", history),
        Route("/{name}/{run}/review", review, methods=["GET", "POST"]),
        Route("/{name}/{run}", page),
        Route("/{name}/{run}/", page),
        Route("/{name}/{run}/{file:path}", file),
    ]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        begun()
        yield
        reviews.close()

    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False
    return Guard(app, port, token)


def _reviewed(reviews: Reviews, folder: Path, body: bytes | None) -> dict[str, object]:
    review = reviews.of(folder)
    return review.answer() if body is None else review.take(body)


def _live(path: Path | None, token: str) -> Response:
    """A page whose script may talk to the server; any other file as it is."""
    if path is None or path.suffix != ".html":
        return _sent(path)
    return HTMLResponse(made_live(path.read_bytes(), token))


def _sent(path: Path | None) -> Response:
    if path is None:
        return PlainTextResponse("There is no such page. The list of all is at /.\n", 404)
    return FileResponse(path, media_type=kind_of(path))
