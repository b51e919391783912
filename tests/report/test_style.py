"""The colours: text meets WCAG AA (4.5 to 1) on every ground it stands on, in both schemes and in print."""

import re

import pytest

from auditor.resources import resource

TEXT_ON = [("ink", ground) for ground in ("paper", "sunken", "tint-1", "tint-2", "tint-3", "tint-4", "tint-5")]
TEXT_ON += [(text, ground) for text in ("muted", "accent") for ground in ("paper", "sunken", "tint-1", "tint-2")]
TEXT_ON += [("on-accent", "accent")]
TEXT_ON.remove(("accent", "tint-2"))  # no text in the accent colour stands there


def schemes() -> dict[str, dict[str, str]]:
    """Scheme -> token -> colour, the later declarations on top of the earlier ones as in a browser."""
    style = (resource("templates") / "tokens.css").read_text(encoding="utf-8")
    blocks = re.findall(r"(?::root|\.calm) \{([^}]*)\}", style)
    light, calm, dark, calm_dark, paper = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks)
    return {
        "light": light,
        "calm": light | calm,
        "dark": light | dark,
        "calm dark": light | dark | calm_dark,
        "print": light | paper,
    }


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_what_the_standard_says():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "calm", "dark", "calm dark", "print"])
@pytest.mark.parametrize(("text", "ground"), TEXT_ON)
def test_text_can_be_read(scheme, text, ground):
    tokens = schemes()[scheme]

    assert contrast(tokens[text], tokens[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_marks_and_bars_can_be_told_from_the_page(scheme):
    tokens = schemes()[scheme]

    assert contrast(tokens["edge"], tokens["paper"]) >= 3
    assert contrast(tokens["accent"], tokens["sunken"]) >= 3


def test_every_token_that_is_used_is_there():
    sheets = sorted(path.name for path in resource("templates").glob("*.css"))
    style = "".join((resource("templates") / sheet).read_text(encoding="utf-8") for sheet in sheets)

    assert set(re.findall(r"var\(--([\w-]+)\)", style)) == set(re.findall(r"--([\w-]+):", style))
