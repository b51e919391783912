"""The same page from `auditor serve`: decisions are saved as they are made, and strangers are refused."""

import json
import threading
import urllib.error
import urllib.request

import pytest

pytest.importorskip("starlette", reason="auditor[serve] is not installed")
pytest.importorskip("uvicorn", reason="auditor[serve] is not installed")

from auditor.outputs.run import write_run
from auditor.serving.guard import TOKEN_HEADER
from auditor.serving.server import listening, make_server
from tests.browser.pages import ORDER, draw_pets, export, opened, scan_pets

TOKEN = "a-token-for-tests"


class Server:
    """A server of a folder of reports with one run, which can go and come back on its port."""

    def __init__(self, out, path: str, port: int = 0) -> None:
        self._out, self.path, self.port = out, path, port

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Server":
        self._listening = listening(self.port)
        listener = self._listening.__enter__()
        self.port = int(listener.getsockname()[1])
        self._server = make_server(self._out, listener, TOKEN)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listening.__exit__(None, None, None)


@pytest.fixture
def server(tmp_path):
    root, out = draw_pets(tmp_path / "pets"), tmp_path / "reports"
    page = write_run(scan_pets(root, out=out, store=True), out)
    with Server(out, f"/pets/{page.parent.name}/") as running:
        yield running


@pytest.fixture
def live(browser, server):
    """A page of the server in a browser that opened the address with the token."""
    with opened(browser, server.address, expected="ERR_INTERNET_DISCONNECTED") as page:
        page.goto(f"{server.address}/?token={TOKEN}")
        with page.expect_response(lambda answer: answer.url.endswith("/review")):
            page.goto(server.address + server.path)
        yield page


def review_of(server) -> dict:
    """What the server holds."""
    request = urllib.request.Request(f"{server.address}{server.path}review", headers={TOKEN_HEADER: TOKEN})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def decide(page, key: str) -> None:
    """Presses a key, and waits for the server's answer."""
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.keyboard.press(key)


def test_decisions_are_saved_as_they_are_made_and_taken_back(live, server):
    first = live.evaluate(ORDER)[0]
    live.focus(f"#{first['key']}")

    decide(live, "k")
    assert [(each["file"], each["decision"]) for each in review_of(server)["decisions"]] == [(first["file"], "keep")]
    assert live.inner_text("#review .message") != ""

    decide(live, "u")
    assert review_of(server)["decisions"] == []


def test_another_browser_sees_what_was_decided(browser, live, server):
    live.focus(".card")
    decide(live, "x")

    with opened(browser, server.address) as other:
        other.goto(f"{server.address}/?token={TOKEN}")
        with other.expect_response(lambda answer: answer.url.endswith("/review")):
            other.goto(server.address + server.path)
        other.locator(".card .decision:visible").wait_for()

        assert [each["decision"] for each in export(other).values()] == ["remove"]


def test_what_a_server_out_of_reach_missed_is_sent_again(live, server):
    first = live.evaluate(ORDER)[0]
    live.focus(f"#{first['key']}")
    live.context.set_offline(True)
    live.keyboard.press("k")
    live.locator("#review .message", has_text="cannot be reached").wait_for()
    assert review_of(server)["decisions"] == []

    live.context.set_offline(False)
    with live.expect_response(lambda answer: answer.request.method == "POST"):
        live.reload()

    assert [(each["file"], each["decision"]) for each in review_of(server)["decisions"]] == [(first["file"], "keep")]


@pytest.mark.parametrize("header", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_a_forged_host_or_origin_is_refused(server, header):
    headers = {TOKEN_HEADER: TOKEN, "Origin": server.address, **header}
    request = urllib.request.Request(f"{server.address}{server.path}review", b'{"decisions": []}', headers)

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)

    assert refused.value.code == 403
    assert review_of(server)["decisions"] == []
