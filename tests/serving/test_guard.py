"""Who may ask the server, and what is never given away."""

import http.client
import os

import pytest

from auditor.serving.guard import HEADERS, MOST_BYTES, TOKEN_HEADER


def test_the_printed_address_becomes_a_cookie_and_loses_its_token(browser):
    reply = browser.get(f"/?token={browser.token}", headers={})
    cookie = reply.headers["set-cookie"]

    assert (reply.status, reply.headers["location"]) == (303, "/")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert browser.get("/", headers={"Cookie": cookie.partition(";")[0]}).status == 200


def test_a_redirect_stays_on_this_server(browser):
    assert browser.get(f"//elsewhere.example/?token={browser.token}", headers={}).headers["location"] == "/"


@pytest.mark.parametrize("headers", [{}, {TOKEN_HEADER: "wrong"}, {"Cookie": "auditor=x"}, {"Cookie": "\xff;=\x01"}])
def test_who_has_no_token_gets_nothing(browser, headers):
    for path in ("/", "/pets/latest/", "/pets/latest/review", "/nothing"):
        assert browser.get(path, headers=headers).status == 403


@pytest.mark.parametrize("host", ["evil.example", "x.example:{port}", "127.0.0.1", "[::1]:{port}", "localhost.:{port}"])
def test_another_host_is_refused_with_the_token_too(browser, host):
    host = host.format(port=browser.port)

    assert browser.get("/", headers={"Host": host, TOKEN_HEADER: browser.token}).status == 403
    assert browser.post("/pets/latest/review", b"{}", Host=host).status == 403


def test_localhost_is_this_machine(browser):
    headers = {"Host": f"localhost:{browser.port}", TOKEN_HEADER: browser.token}

    assert browser.get("/", headers=headers).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://127.0.0.1", "http://localhost:{port}"])
def test_another_origin_cannot_post(browser, origin):
    reply = browser.post("/pets/latest/review", b'{"decisions": []}', Origin=origin.format(port=browser.port))

    assert reply.status == 403
    assert b"origin" in reply.body


def test_the_cookie_alone_cannot_post(browser):
    cookie = f"auditor-{browser.port}={browser.token}"
    reply = browser.post("/pets/latest/review", b'{"decisions": []}', Cookie=cookie, **{TOKEN_HEADER: ""})

    assert reply.status == 403


def test_other_methods_are_refused(browser):
    connection = http.client.HTTPConnection("127.0.0.1", browser.port)
    connection.request("DELETE", "/pets/latest/review", headers={TOKEN_HEADER: browser.token})

    assert connection.getresponse().status == 405
    connection.close()


def test_a_body_that_is_too_large_is_not_read(browser):
    connection = http.client.HTTPConnection("127.0.0.1", browser.port)
    headers = {"Origin": browser.origin, TOKEN_HEADER: browser.token, "Content-Length": str(MOST_BYTES + 1)}
    connection.request("POST", "/pets/latest/review", headers=headers)

    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_that_does_not_say_its_size_is_read_up_to_the_limit(served, browser):
    run = f"/pets/{served.run.name}/review"
    chunks = (b" " * 1_000_000 for _ in range(9))
    connection = http.client.HTTPConnection("127.0.0.1", browser.port)
    headers = {"Origin": browser.origin, TOKEN_HEADER: browser.token}
    try:
        connection.request("POST", run, body=chunks, headers=headers, encode_chunked=True)
        status = connection.getresponse().status
    except ConnectionError:                     # it stopped listening before all was sent
        status = 413
    connection.close()

    assert status == 413


def test_every_answer_carries_the_headers(browser):
    for path in ("/", "/pets/latest/", "/nothing", "/pets/latest/summary.json"):
        reply = browser.get(path)
        assert {name: reply.headers[name.lower()] for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    "path",
    [
        "/store/auditor.sqlite", "/store/", "/pets/../store/auditor.sqlite", "/pets/latest/../../store/auditor.sqlite",
        "/pets/latest/%2e%2e/%2e%2e/store/auditor.sqlite", "/pets/latest/..%2f..%2fstore%2fauditor.sqlite",
        "/pets/latest//etc/passwd", "/%2fetc/passwd/x", "/pets/latest/page-2.html%00.png", "/..%2f..%2f/etc/passwd",
        "/pets/latest/assets/../summary.json", "/pets/review/x.json", "/pets/latest/private.txt",
    ],
)  # fmt: skip
def test_nothing_but_the_files_of_runs_is_read(served, browser, path):
    (served.run / "private.txt").write_text("not one of auditor's")

    assert browser.get(path).status == 404
    assert browser.get(path.replace("latest", served.run.name)).status == 404


def test_no_link_but_latest_is_followed(served, browser, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('{"secret": 1}')
    summary = served.run / "summary.json"
    summary.unlink()
    summary.symlink_to(secret)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "index.html").write_text("secret")
    (served.out / "linked").symlink_to(tmp_path)
    (served.out / "pets" / "away").symlink_to(outside)
    latest = served.out / "pets" / "latest"
    assert browser.get("/pets/latest/").status == 307
    latest.unlink()
    latest.symlink_to(outside)

    for path in ("/pets/latest/summary.json", f"/pets/{served.run.name}/summary.json", "/linked/outside/",
                 "/pets/away/", "/pets/latest/"):  # fmt: skip
        assert browser.get(path).status == 404, path


def test_a_pipe_in_the_place_of_a_file_is_not_read(served, browser):
    page = served.run / "summary.json"
    page.unlink()
    os.mkfifo(page)

    assert browser.get(f"/pets/{served.run.name}/summary.json").status == 404
