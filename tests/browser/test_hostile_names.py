"""Names of classes and files that try to be markup, script, formula or fragment: shown as text, and never more."""

import tarfile
from pathlib import Path

import pytest

import auditor
from auditor.report.audit import write_html
from tests.backends.fake import FakeBackend
from tests.browser.pages import opened
from tests.pictures import LABEL_RULES, RED, draw_tinted, place_image

MOST = 200                                      # bytes of a name, so that it fits a file system
FEW = 48                                        # names on a page
ELEMENTS = "() => [...new Set([...document.querySelectorAll('*')].map((each) => each.localName))].sort()"


def naughty_names(archive: Path) -> list[str]:
    """The lines of naughty-strings.txt that can be a file's name."""
    with tarfile.open(archive) as tar:
        member = next(each for each in tar.getmembers() if each.name.endswith("naughty-strings.txt"))
        lines = tar.extractfile(member).read().decode().splitlines()
    names = [line.replace("/", "_").replace("\0", "_") for line in lines if line.strip() and not line.startswith("#")]
    return list(dict.fromkeys(name for name in names if not name.startswith(".") and len(name.encode()) <= MOST))


@pytest.fixture(scope="package")
def archive(shared) -> Path:
    path = shared / "data" / "hostile-images.tar"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


def scan_names(root: Path, names: list[str]) -> auditor.Audit:
    """The first class is that of what is not red, so that red pictures in it are wrong."""
    classes = names[:2]
    for row, label in enumerate(classes):
        for number in range(12):
            place_image(draw_tinted((110 * row, 0, 0), 50 * row + number), root / label / f"{number}.png")
    for number, name in enumerate(names):
        place_image(draw_tinted(RED, 500 + number), root / classes[0] / f"{name}.png")
    return auditor.scan(root, backend=FakeBackend(classes), name="names", rules=LABEL_RULES, max_cards=len(names))


def test_hostile_names_are_text_and_nothing_else(browser, archive, tmp_path):
    scripts = [name for name in naughty_names(archive) if "<" in name or "javascript" in name.lower()]
    plain = [f"name {number}" for number in range(len(scripts))]
    hostile = write_html(scan_names(tmp_path / "hostile", scripts[:FEW]), tmp_path / "page").as_uri()
    ordinary = write_html(scan_names(tmp_path / "plain", plain[:FEW]), tmp_path / "other").as_uri()

    with opened(browser) as tab:
        tab.goto(ordinary)
        walk_through(tab)
        expected = tab.evaluate(ELEMENTS)
        tab.goto(hostile)
        walk_through(tab)

        assert tab.evaluate(ELEMENTS) == expected
        assert tab.evaluate("document.querySelectorAll('script').length") == 2
        cards = tab.evaluate("() => JSON.parse(document.getElementById('report-data').textContent).cards")
        texts = [tab.locator(f"#{card['key']}").text_content() for card in cards]
        assert all(card["label"] in text for card, text in zip(cards, texts, strict=True))


def walk_through(tab) -> None:
    """Touches whatever writes a name: the filters, the menu of classes, a decision, the enlarged view."""
    for name in ("label", "suggested"):
        select = tab.locator(f"#tools [name={name}]")
        values = select.evaluate("select => [...select.options].map((each) => each.value)")
        for value in values if select.is_visible() else ():
            select.select_option(value)
    tab.goto(tab.url.partition("#")[0] + "#")
    tab.locator(".card [data-action=relabel]:visible").first.click()
    tab.locator(".card .enlarge").first.click()
    for _ in range(5):
        tab.keyboard.press("ArrowRight")
        tab.keyboard.press("x")
    tab.keyboard.press("Escape")
