"""Readable by everybody: axe-core's rules, the keyboard alone, and no script at all."""

import pytest

from tests.browser.pages import ORDER, opened

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1400, "height": 900}


def violations(page) -> list[str]:
    """Serious and critical ones, by axe-core: the rule and where."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core comes with auditor[dev]").Axe()
    found = axe.run(page).response["violations"]
    return [
        f"{each['id']}: {[node['target'] for node in each['nodes']][:3]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_serious_violation_in_the_page_and_the_enlarged_view(browser, report, scheme, viewport):
    with opened(browser, color_scheme=scheme) as tab:
        tab.set_viewport_size(viewport)
        tab.goto(report)
        tab.locator(".card [data-action=keep]:visible").first.click()
        assert violations(tab) == []

        tab.locator(".card .enlarge").first.click()
        assert violations(tab) == []


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_first_screen_shows_a_finding_and_nothing_is_cut_off(browser, report, viewport):
    with opened(browser) as tab:
        tab.set_viewport_size(viewport)
        tab.goto(report)

        boxes = [image.bounding_box() for image in tab.locator("main img:visible").all()[:5]]
        assert any(box["y"] + box["height"] <= viewport["height"] for box in boxes if box)
        assert tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_the_tab_key_alone_reaches_filters_cards_answers_and_the_export(tab, report):
    tab.goto(report)
    seen: set[str] = set()
    for _ in range(2000):
        tab.keyboard.press("Tab")
        seen.add(
            tab.evaluate(
                """() => {
                  const { id, name, className, dataset } = document.activeElement;
                  return dataset.action ?? (name || className.split(" ")[0] || id);
                }"""
            )
        )
        if "export-json" in seen and {"q", "card", "enlarge", "keep", "remove", "unsure"} <= seen:
            break
    assert {"q", "sort", "card", "enlarge", "keep", "remove", "unsure", "export-json"} <= seen


def test_the_enlarged_view_gives_the_focus_to_the_card_that_it_showed_last(tab, report):
    tab.goto(report)
    first, second = (card["key"] for card in tab.evaluate(ORDER)[:2])
    tab.focus(f"#{first}")
    tab.keyboard.press("Enter")
    assert tab.locator("#viewer").is_visible()
    tab.keyboard.press("ArrowRight")

    tab.keyboard.press("Escape")

    tab.locator(f"#{second}:focus").wait_for()
    assert not tab.locator("#viewer").is_visible()


def test_a_decision_is_said_to_screen_readers(tab, report):
    tab.goto(report)
    tab.focus(".card")
    tab.keyboard.press("k")

    said = tab.locator("body > [role=status]").text_content()
    assert "Label is right" in said
    assert "1 of" in said


def test_everything_can_be_read_without_script(browser, report, pets):
    with opened(browser, java_script_enabled=False) as tab:
        tab.goto(report)

        text = tab.inner_text("main")
        for finding in pets.findings:
            assert finding.file in text
        for part in ("#tools", "#review", "#viewer", ".answers"):
            assert not tab.locator(part).first.is_visible()
        assert tab.locator(".card img.photo:visible").count() == tab.locator(".card").count()
