"""The summary to a URL: a server that takes it, and all that can go wrong with one."""

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from auditor.errors import InputError
from auditor.outputs.webhook import check_url, post
from auditor.text import masked_url


@contextmanager
def server(status=200, headers=()):
    """Yields the URL of a server on this machine, and what it was told."""
    told = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            told.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", told
        running.shutdown()
        thread.join()


def test_the_summary_is_posted_as_json():
    with server() as (url, told):
        assert post(f"{url}/hook?token=s3cret", {"gate": {"passed": True}, "name": "\u732b"}) == ""

    ((path, headers, body),) = told
    assert path == "/hook?token=s3cret"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"gate": {"passed": True}, "name": "\u732b"}


def test_a_user_in_the_url_is_sent_as_such():
    with server() as (url, told):
        assert post(url.replace("http://", "http://ada:p%40ss@"), {}) == ""

    assert told[0][1]["Authorization"] == "Basic YWRhOnBAc3M="


@pytest.mark.parametrize("status", [400, 404, 500])
def test_an_answer_that_is_no_yes_is_told(status):
    with server(status) as (url, _):
        said = post(f"{url}/s3cret", {})

    assert said == f"the summary was not taken by http://127.0.0.1/\u2026: it answered {status}"


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/", "file:///etc/passwd", "http://127.0.0.1:1/elsewhere"])
def test_no_redirection_is_followed(target):
    with server(302, [("Location", target)]) as (url, told):
        said = post(f"{url}/s3cret", {})

    assert "it answered 302, a redirection" in said
    assert len(told) == 1


def test_who_does_not_answer_is_not_waited_for():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        said = post(f"http://127.0.0.1:{silent.getsockname()[1]}/s3cret", {}, seconds=0.05)

    assert said.startswith("the summary was not taken by http://127.0.0.1/\u2026: ")
    assert "s3cret" not in said


def test_who_is_not_there_is_no_error():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    said = post(f"http://u:s3cret@127.0.0.1:{port}/s3cret", {})

    assert said == "the summary was not taken by http://127.0.0.1/\u2026: Connection refused"


def test_what_is_no_http_is_no_error():
    with socket.socket() as odd:
        odd.bind(("127.0.0.1", 0))
        odd.listen()

        def answer():
            other, _ = odd.accept()
            with other:
                other.recv(65536)
                other.sendall(b"\x00\xff nonsense\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        said = post(f"http://127.0.0.1:{odd.getsockname()[1]}/s3cret", {})
        thread.join()

    assert said.startswith("the summary was not taken by") and "s3cret" not in said


@pytest.mark.parametrize(
    "url",
    ["ftp://h/s3cret", "file:///s3cret", "h/s3cret", "", "http://", "http:///s3cret", "http://h:99999/s3cret",
     "http://h:s3cret/", "http://h/s3cret x", "http://h/s3cret\n", "https://h\u00e9/s3cret", "http://[::1/s3cret"],
)  # fmt: skip
def test_other_urls_are_refused_without_their_secrets(url):
    with pytest.raises(InputError, match="expected an http or https URL") as error:
        check_url(url)

    assert "s3cret" not in str(error.value)


def test_what_is_shown_of_a_url_has_no_secret():
    assert masked_url("example") == "example"
    assert masked_url("hooks.example.com/services/T0") == "hooks.example.com\u2026"
    assert masked_url("u:p@host") == "u\u2026" and masked_url("https:///T0/B0") == "https\u2026"
    assert masked_url("T0B0xyzT0B0xyzT0B0xyzT0B0xyz") == "T0B0xyzT0B0x\u2026"
    assert masked_url("https://u:p@hooks.example.com:8443/services/T0/B0/xyz?a=b#c") == "https://hooks.example.com/\u2026"
    check_url("https://u:p@hooks.example.com:8443/services/T0/B0/xyz?a=b")
