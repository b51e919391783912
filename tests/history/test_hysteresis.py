"""What lies on the brink of a limit stays as it was; everything else is as the rule says."""

from dataclasses import replace

import numpy as np
import pytest

from auditor.checks import rule_of
from auditor.checks.base import CheckResult, GroupFinding, yes_or_no
from auditor.checks.dark import Dark
from auditor.scanning.findings import Ran
from auditor.scanning.hysteresis import BAND, steadied, steady_result
from auditor.store.known import Image, image_keys
from auditor.store.past import NO_PAST, OpenFinding, Past, circumstance
from tests.checks.pictured import samples_of

NOTHING = np.full(5, -1)


def judged(values, threshold=0.2, *, high=False):
    """A rule that flags what lies under a threshold, or over it."""
    value = np.array(values, np.float32)
    flagged = value > threshold if high else value < threshold
    return CheckResult(
        score=np.where(flagged, 0.1, 0.9).astype(np.float32),
        flagged=flagged,
        value=value,
        threshold=threshold,
        messages=tuple("flagged" if each else "" for each in flagged),
        severity=("low",) * len(value),
        suggested=np.full(len(value), -1, np.intp),
    )


def steady(result, was, known=None):
    known = np.ones(len(was), bool) if known is None else np.array(known, bool)
    return steady_result(result, known, np.array(was, bool) & known, np.arange(len(was)))


def test_what_was_flagged_stays_flagged_until_it_is_clearly_over_the_limit():
    result = steady(judged([0.1, 0.199, 0.201, 0.209, 0.211]), [1, 1, 1, 1, 1])

    assert result.flagged.tolist() == [True, True, True, True, False]
    assert result.messages[1] == "flagged"
    assert result.messages[2].startswith("It was flagged in the last run and has hardly moved: 0.201, within 5% of")
    assert result.suggested.tolist() == [-1, -1, 2, 3, -1]


def test_what_was_not_flagged_stays_so_until_it_is_clearly_under_the_limit():
    result = steady(judged([0.1, 0.189, 0.191, 0.199, 0.3]), [0, 0, 0, 0, 0])

    assert result.flagged.tolist() == [True, True, False, False, False]
    assert result.messages[2:4] == ("", "")


def test_a_new_image_has_no_past_to_hold_on_to():
    result = judged([0.1, 0.199, 0.201, 0.5, 0.6])

    assert steady(result, [1, 0, 1, 0, 0], known=[0, 0, 0, 0, 0]) is result


def test_a_limit_from_above_has_the_same_band():
    result = steady(judged([3.6, 3.4, 3.3, 3.55, 1], 3.5, high=True), [0, 1, 1, 0, 0])

    assert result.flagged.tolist() == [False, True, False, False, False]


def test_a_score_tells_where_no_value_does():
    """Such as where a rule looks at two measures: its score is 0.5 at the limit of either."""
    result = replace(
        judged([0.1, 0.5, 0.3, 0.4, 0.2], 0.25),
        flagged=np.array([True, True, False, False, False]),
        score=np.array([0.3, 0.49, 0.51, 0.6, np.nan], np.float32),
    )

    assert steady(result, [1, 0, 1, 1, 0]).flagged.tolist() == [True, False, True, False, False]


def test_a_rule_without_a_limit_is_left_alone():
    entangled = replace(
        judged([0.1, 0.199, 0.201, 0.5, 0.3]),
        flagged=np.array([False, True, True, False, True]),
        score=np.array([0.3, 0.49, 0.51, 0.2, 0.6], np.float32),
    )
    plain = yes_or_no(np.array([True, False, True, False, False]), lambda row: "so", "low")

    assert steady(entangled, [1, 0, 1, 0, 1]) is entangled
    assert steady(plain, [0, 1, 0, 1, 0]) is plain


def test_groups_are_left_alone():
    group = GroupFinding((0, 1), 0.5, "the same", "low")
    result = replace(judged([0.201, 0.199, 0.5, 0.5, 0.5]), groups=(group,))

    assert steady(result, [1, 0, 0, 0, 0]).groups == (group,)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_folder_gives_the_same_findings_every_night(seed):
    """No ratchet: steadied once or ten times, it is the same; and a limit that comes back undoes what it did."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0.2, 0.01, 500)
    was = rng.random(500) < 0.5
    result = judged(values)

    once = steady(result, was).flagged
    nights = once
    for _ in range(10):
        nights = steady(result, nights).flagged

    assert (nights == once).all()
    clear = np.abs(values / 0.2 - 1) > BAND * 1.01
    assert (once[clear] == result.flagged[clear]).all()


def brink(**values):
    """Two pictures just over the limit of `dark`, and a past in which both were known and the first one flagged."""
    samples = samples_of({"brightness_p50": [0.205, 0.205], "brightness_p99": [0.205, 0.205]})
    samples = replace(samples, contents=("a" * 64, "b" * 64))
    first = Image("0.jpg", samples.contents[0][:16], "class 0")
    past = {
        "run": "last", "known": np.sort(image_keys(samples.contents, ["class 0", "class 0"])),
        "open": {"f": OpenFinding("f", "dark", "class 0", None, (first,))},
        "circumstances": {"dark": circumstance(rule_of(Dark()), "model", "0.1.0")},
    }  # fmt: skip
    return [Ran(Dark(), Dark().run(samples))], samples, Past(**(past | values))


def test_an_image_of_the_last_run_keeps_its_finding():
    steady = steadied(*brink(), "model", "0.1.0")

    assert steady.ran[0].result.flagged.tolist() == [True, False]
    assert (steady.kept, steady.held) == (1, 0)
    assert steady.notes() == (
        "1 verdict within 5% of a rule's limit stays as it was in the last run, so that findings do not come and go: "
        "1 flagged, 0 not.",
    )


@pytest.mark.parametrize(
    ("past", "model"),
    [({"known": np.zeros(0, np.uint64)}, "model"), ({"circumstances": {}}, "model"), ({}, "another"),
     ({"open": {}}, "model")],
    ids=["a new image", "the rule did not run or had other settings", "another model", "it was not flagged"],
)  # fmt: skip
def test_nothing_is_kept_without_a_past(past, model):
    ran, samples, known = brink(**past)

    assert not steadied(ran, samples, known, model, "0.1.0").ran[0].result.flagged.any()
    assert steadied(ran, samples, NO_PAST, model, "0.1.0").ran[0] is ran[0]
