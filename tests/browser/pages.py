"""Pages in a browser that must be silent on the console and ask nobody for anything, and a data set to report on."""

import json
from contextlib import contextmanager
from pathlib import Path

import auditor
from auditor.audit import Audit
from tests.backends.fake import FakeBackend
from tests.pictures import BETWEEN, GREY, LABEL_RULES, RED, draw_tinted, place_image

WRONG = {f"{label}/wrong-{number}.png": tint for label, tint in (("cat", RED), ("dog", GREY)) for number in range(3)}
UNSURE = {"cat/unsure.png": BETWEEN}


#: The cards of a page in the order of review.
ORDER = """() => JSON.parse(document.getElementById("report-data").textContent).cards
  .sort((one, other) => one.place - other.place)"""


@contextmanager
def opened(browser, allowed: str = "file://", expected: str = "nothing", **options: object):
    """A page of a browser of its own that must neither write to the console nor ask anybody but `allowed`.

    Lines of the console with the text `expected` are let pass.
    """
    trouble: list[str] = []
    context = browser.new_context(viewport={"width": 1400, "height": 900}, **options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
    page.on("dialog", lambda dialog: trouble.append(f"dialog: {dialog.message}"))
    page.on(
        "request",
        lambda request: request.url.startswith(("data:", "blob:", allowed)) or trouble.append(f"asks: {request.url}"),
    )
    yield page
    assert [line for line in trouble if expected not in line] == []
    context.close()


def draw_pets(root: Path) -> Path:
    """Cats are grey and dogs red; six have the other's label and one is in between."""
    for row, (label, tint) in enumerate({"cat": GREY, "dog": RED}.items()):
        for number in range(30):
            place_image(draw_tinted(tint, 100 * row + number), root / label / f"{number:02}.png")
    for number, (file, tint) in enumerate((WRONG | UNSURE).items()):
        place_image(draw_tinted(tint, 900 + number), root / file)
    return root


def scan_pets(root: Path, **options: object) -> Audit:
    return auditor.scan(root, backend=FakeBackend(), name="pets", rules=LABEL_RULES, **options)


def save(tab, action: str) -> str:
    """What a button of the bar downloads."""
    with tab.expect_download() as download:
        tab.click(f"#review [data-action={action}]")
    return Path(download.value.path()).read_text(encoding="utf-8")


def export(tab) -> dict[str, dict]:
    """The exported decisions by file."""
    return {record["file"]: record for record in json.loads(save(tab, "export-json"))["decisions"]}
