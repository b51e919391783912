"""Finding one's way: filters, order, links that show the same again, the enlarged view."""

from urllib.parse import quote

from tests.browser.pages import WRONG


def shown_files(tab) -> list[str]:
    """Files of the cards that can be seen, in their order."""
    return tab.evaluate(
        """() => {
          const files = new Map(JSON.parse(document.getElementById("report-data").textContent).cards
            .map((card) => [card.key, card.file]));
          return [...document.querySelectorAll(".card")].filter((card) => card.checkVisibility())
            .map((card) => files.get(card.dataset.key));
        }"""
    )


def test_filters_leave_the_cards_that_match_and_say_how_many(tab, report):
    tab.goto(report)
    everything = shown_files(tab)

    tab.select_option("#tools [name=label]", "dog")

    dogs = [file for file in everything if file.startswith("dog/")]
    assert shown_files(tab) == dogs
    assert tab.inner_text("#tools .shown") == f"{len(dogs)} of {len(everything)} shown"

    tab.fill("#tools [name=q]", "WRONG-1")
    assert shown_files(tab) == ["dog/wrong-1.png"]

    tab.click("#tools [data-action=reset]")
    assert shown_files(tab) == everything


def test_cards_are_sorted_as_asked(tab, report):
    tab.goto(report)
    everything = shown_files(tab)

    tab.select_option("#tools [name=sort]", "file")
    assert shown_files(tab) == sorted(everything)

    tab.select_option("#tools [name=sort]", "place")
    assert shown_files(tab) == everything


def test_a_link_shows_the_same_view_again(browser, tab, report):
    tab.goto(report)
    tab.select_option("#tools [name=label]", "cat")
    tab.fill("#tools [name=q]", "wrong")
    tab.select_option("#tools [name=sort]", "file")
    tab.locator(".card:visible .enlarge").first.click()
    link, seen, title = tab.url, shown_files(tab), tab.inner_text("#viewer .file")

    tab.goto("about:blank")
    tab.goto(link)

    assert shown_files(tab) == seen == ["cat/wrong-0.png", "cat/wrong-1.png", "cat/wrong-2.png"]
    assert tab.inner_text("#viewer .file") == title == "cat/wrong-0.png"
    assert tab.input_value("#tools [name=q]") == "wrong"


def test_the_back_button_goes_back_one_view(tab, report):
    tab.goto(report)
    everything = shown_files(tab)
    tab.select_option("#tools [name=label]", "dog")
    dogs = shown_files(tab)
    tab.locator(".card:visible .enlarge").first.click()

    tab.go_back()
    assert not tab.locator("#viewer").is_visible()
    assert shown_files(tab) == dogs

    tab.go_back()
    assert shown_files(tab) == everything
    assert tab.input_value("#tools [name=label]") == ""


def test_a_cell_of_the_matrix_opens_its_images(tab, report):
    tab.goto(report)

    tab.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    tab.locator('a[href="#label=cat&suggested=dog"]').first.click()

    assert sorted(shown_files(tab)) == [file for file in sorted(WRONG) if file.startswith("cat/")]


def test_an_anchor_to_a_hidden_card_shows_it(tab, report):
    tab.goto(f"{report}#q={quote('no such text')}")
    assert shown_files(tab) == []

    tab.evaluate("location.hash = 'c2'")
    tab.locator("#c2").wait_for()

    assert tab.evaluate("document.activeElement.id") == "c2"


def test_the_enlarged_view_blends_picture_and_heatmap(tab, report):
    tab.goto(report)
    tab.locator(".card .enlarge").first.click()
    heat = tab.locator("#viewer img.heat")

    tab.fill("#viewer .slider", "0")
    assert heat.evaluate("heat => getComputedStyle(heat).opacity") == "0"

    tab.fill("#viewer .slider", "100")
    assert heat.evaluate("heat => getComputedStyle(heat).opacity") == "1"
    assert heat.bounding_box() == tab.locator("#viewer img.photo").bounding_box()


def test_next_and_previous_follow_the_filtered_order(tab, report):
    tab.goto(f"{report}#label=dog&sort=file")
    dogs = shown_files(tab)
    tab.locator(".card:visible .enlarge").first.click()

    seen = [tab.inner_text("#viewer .file")]
    for _ in dogs[1:]:
        tab.click("#viewer [data-action=next]")
        seen.append(tab.inner_text("#viewer .file"))
    assert seen == dogs

    tab.click("#viewer [data-action=previous]")
    assert tab.inner_text("#viewer .file") == dogs[-2]


def test_a_link_to_what_is_not_there_says_so_and_shows_nothing(tab, report):
    tab.goto(f"{report}#label=%3Cb%3E&open=c999&sort=nonsense")

    assert shown_files(tab) == []
    assert tab.input_value("#tools [name=label]") == "<b>"
