"""The head of a served page: edited where auditor wrote it, left alone elsewhere."""

import pytest

from auditor.serving.head import made_live

POLICY = "default-src 'none'; script-src 'sha256-abc='; base-uri 'none'"
HEAD = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
)
CONNECTS, TOKEN = "; connect-src 'self'", '\n<meta name="auditor-live" content="secret">'
PAGE = f"{HEAD}\n<title>cats</title></head><body>{{}}</body></html>".encode()


def test_a_page_learns_the_token_and_may_ask_its_own_server():
    page = made_live(PAGE, "secret").decode()

    assert page.startswith(HEAD.replace(POLICY, POLICY + CONNECTS) + TOKEN)
    assert page.replace(CONNECTS, "").replace(TOKEN, "").encode() == PAGE


def test_a_head_in_the_text_of_a_page_is_no_head():
    hostile = PAGE.replace(b"{}", HEAD.encode())

    assert made_live(hostile, "secret").count(b"secret") == 1
    assert made_live(hostile, "secret").endswith(hostile[len(HEAD):])


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"<html><head></head></html>",
        b"<p>before</p>" + PAGE,
        PAGE.replace(b"script-src 'sha256-abc='; ", b""),
        PAGE.replace(b"base-uri", b"connect-src https://evil.example; base-uri"),
        PAGE.replace(b"'none'; script", b"&quot;'none'; script"),
    ],
    ids=["nothing", "another page", "not first", "no script", "may already connect", "escaped"],
)
def test_what_is_not_as_expected_stays_as_it_is(page):
    assert made_live(page, "secret") == page


def test_the_page_of_a_run_is_served_with_the_token(served, browser):
    written = (served.run / "index.html").read_bytes()
    reply = browser.get(f"/pets/{served.run.name}/")

    assert browser.token.encode() in reply.body[:1200]
    assert reply.body == made_live(written, browser.token)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert (served.run / "index.html").read_bytes() == written


def test_latest_leads_to_the_run_itself(served, browser):
    assert browser.get("/pets/latest/").headers["location"] == f"/pets/{served.run.name}/"
    assert browser.get("/pets/latest/summary.json").headers["location"] == f"/pets/{served.run.name}/summary.json"
    assert browser.get(f"/pets/{served.run.name}").headers["location"] == f"/pets/{served.run.name}/"
