"""Decisions are saved, checked and merged, and the order follows them."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from auditor.review.decisions import read_decisions
from auditor.runs.stored import open_run
from auditor.serving.stored import StoredImages
from tests.serving.conftest import SWAPPED


@pytest.fixture
def cards(served):
    return StoredImages.of(open_run(served.run)).cards


@pytest.fixture
def way(served):
    return f"/pets/{served.run.name}/review"


@pytest.fixture
def saved(served):
    return served.out / "pets" / "review" / f"{served.run.name}.json"


def decision(cards, file, choice="keep", **more):
    return {"file": file, "content": cards[file].content, "label": cards[file].label, "decision": choice, **more}


def other(label):
    return {"cat": "dog", "dog": "cat"}[label]


def test_nothing_is_decided_at_first(browser, way, cards):
    answer = browser.get(way).json()

    assert answer["decisions"] == []
    assert set(answer["order"]) == set(cards)
    assert set(answer["order"][:4]) == set(SWAPPED)
    assert answer["message"].startswith(f"0 of {len(cards)} images decided. About 4 wrong labels")
    assert not answer["enough"]


def test_the_first_order_is_that_of_the_scan(browser, served, way, cards):
    images = StoredImages.of(open_run(served.run))
    ranked = [file for file, card in cards.items() if card.is_about_label and images.rank[card.row]]
    ranked.sort(key=lambda file: images.rank[cards[file].row])

    assert browser.get(way).json()["order"][: len(ranked)] == ranked


def test_a_decision_is_saved_as_the_page_would_export_it(browser, served, way, cards, saved):
    file = SWAPPED[0]
    answer = browser.decide(way, decision(cards, file, "relabel", to="dog", at="2026-01-31T10:00:00+02:00")).json()
    written = read_decisions(saved)
    (only,) = written.decisions

    assert (written.name, written.run) == ("pets", served.run.name)
    assert (only.file, only.decision, only.to, only.at) == (file, "relabel", "dog", "2026-01-31T08:00:00+00:00")
    assert only.findings == cards[file].findings
    assert only.rules == cards[file].rules
    assert [each["file"] for each in answer["decisions"]] == [file]
    assert file not in answer["order"]


def test_a_decision_can_be_changed_and_taken_back(browser, way, cards):
    first, second = list(cards)[:2]
    browser.decide(way, decision(cards, first, "remove"), decision(cards, second, "unsure"))
    browser.decide(way, decision(cards, first, "keep"))
    answer = browser.decide(way, decision(cards, second, None)).json()

    assert [(each["file"], each["decision"]) for each in answer["decisions"]] == [(first, "keep")]
    assert second in answer["order"]


def test_tabs_that_decide_at_the_same_time_lose_nothing(browser, way, cards):
    with ThreadPoolExecutor(len(cards)) as tabs:
        replies = list(tabs.map(lambda file: browser.decide(way, decision(cards, file)), cards))

    assert {reply.status for reply in replies} == {200}
    assert {each["file"] for each in browser.get(way).json()["decisions"]} == set(cards)


def test_wrong_labels_become_fewer_until_the_rest_is_not_worth_the_time(browser, way, cards):
    answers = [
        browser.decide(way, decision(cards, file, "relabel", to=other(cards[file].label))).json() for file in SWAPPED
    ]

    assert [answer["enough"] for answer in answers] == [False, False, False, True]
    assert "is hardly worth the time" in answers[-1]["message"] or not answers[-1]["order"]


def test_all_decided(browser, way, cards):
    answer = browser.decide(way, *(decision(cards, file) for file in cards)).json()

    assert answer["message"] == f"{len(cards)} images decided: all of them."
    assert (answer["order"], answer["enough"]) == ([], True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"decision": "delete"}, "expected one of keep, relabel, remove, unsure"),
        ({"decision": "relabel", "to": "bird"}, "is no class of the data set"),
        ({"decision": "relabel"}, "to is missing"),
        ({"content": "0" * 64}, "content or label"),
        ({"label": "dog"}, "content or label"),
        ({"file": "cat/00.png"}, "has no finding in this run"),
        ({"file": "../../etc/passwd"}, "it leads upwards"),
        ({"at": 5}, "at is 5"),
    ],
)
def test_what_does_not_fit_the_run_is_refused_as_a_whole(browser, way, cards, saved, changed, said):
    good, bad = decision(cards, SWAPPED[1]), decision(cards, SWAPPED[0]) | changed
    reply = browser.decide(way, good, bad)

    assert reply.status == 400
    assert said in reply.json()["error"]
    assert not saved.exists()


NO_LISTS = [b"", b"{", b"[]", b'{"decisions": {}}', b"\xff", b"[" * 100_000, b'{"decisions": [1]}']


@pytest.mark.parametrize("body", NO_LISTS)
def test_a_body_that_is_no_list_of_decisions_is_refused(browser, way, saved, body):
    reply = browser.post(way, body)

    assert reply.status == 400
    assert reply.json()["error"]
    assert not saved.exists()


def test_a_damaged_file_of_decisions_is_not_overwritten(browser, way, cards, saved):
    saved.parent.mkdir()
    saved.write_text("{")

    assert browser.decide(way, decision(cards, SWAPPED[0])).status == 400
    assert saved.read_text() == "{"


def test_without_a_store_decisions_are_saved_and_the_order_stays(served, browser, way, cards):
    shutil.rmtree(served.out / "store")
    before = browser.get(way).json()
    file = before["order"][0]
    after = browser.decide(way, decision(cards, file)).json()

    assert "The order stays that of the scan:" in after["message"]
    assert "is no store" in after["message"]
    assert after["order"] == before["order"][1:]
    assert len(after["decisions"]) == 1


def test_where_labels_were_not_judged_the_order_stays(served, browser, way):
    summary = json.loads((served.run / "summary.json").read_text())
    summary["power"]["can_judge"] = False
    (served.run / "summary.json").write_text(json.dumps(summary))

    assert "could not judge the labels" in browser.get(way).json()["message"]


def test_a_run_that_is_not_there_has_no_review(browser):
    assert browser.get("/pets/yesterday/review").status == 404
    assert browser.decide("/nobody/yesterday/review").status == 404
