"""What can be asked of a run, and what is answered to what cannot."""

import pytest

from auditor.errors import InputError
from auditor.gates import check_classes, parse_limits
from tests.gates.made import RULES

KNOWN = (*RULES, "dark")                        # `dark` exists and does not run


def parse(text):
    (limit,) = parse_limits([text], RULES, KNOWN)
    return limit


@pytest.mark.parametrize(
    ("text", "status", "rule", "severity", "label", "at_least", "number", "share"),
    [
        ("label_issue > 0", None, "label_issue", None, None, False, 0, False),
        ("label_issue:high > 0", None, "label_issue", "high", None, False, 0, False),
        ("new > 0", "new", None, None, None, False, 0, False),
        ("new label_issue:high >= 5", "new", "label_issue", "high", None, True, 5, False),
        ("label_issue > 1%", None, "label_issue", None, None, False, 1, True),
        ("label_issue > 0.25 %", None, "label_issue", None, None, False, 0.25, True),
        ("label_issue[cat] > 2", None, "label_issue", None, "cat", False, 2, False),
        ("any:high > 0", None, None, "high", None, False, 0, False),
        ("persisting any[Maine Coon]>=1", "persisting", None, None, "Maine Coon", True, 1, False),
        ("new:low[ cat ] > 3", "new", None, "low", "cat", False, 3, False),
        ("  blurry : medium [ 'it''s a [cat]' ] >= 100 % ", None, "blurry", "medium", "it's a [cat]", True, 100, True),
        ('blurry["a ""b"" > 0"] > 1', None, "blurry", None, 'a "b" > 0', False, 1, False),
        ("class_imbalance > 0", None, "class_imbalance", None, None, False, 0, False),
    ],
)  # fmt: skip
def test_what_can_be_asked(text, status, rule, severity, label, at_least, number, share):
    limit = parse(text)

    assert (limit.text, limit.status, limit.rule, limit.severity, limit.label) == (text, status, rule, severity, label)
    assert (limit.at_least, limit.number, limit.share) == (at_least, number, share)


def test_a_limit_holds_above_its_number_or_at_it():
    assert [parse("any > 2").holds(value) for value in (1, 2, 3)] == [False, False, True]
    assert [parse("any >= 2").holds(value) for value in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize(
    ("text", "place", "complaint"),
    [
        ("label_isue > 0", "label_isue", r"no rule label_isue \(did you mean label_issue\?\); expected one of any"),
        ("new label_isue > 0", "label_isue", "did you mean label_issue"),
        ("dark > 0", "dark", "dark does not run in this scan"),
        ("accepted > 0", "accepted", "accepted findings never count"),
        ("label_issue:hgh > 0", "hgh", r"expected a severity: high, medium, low \(did you mean high\?\)"),
        ("label_issue: > 0", "> 0", "expected a severity"),
        ("label_issue[] > 0", "]", "expected a class"),
        ("label_issue[cat > 0", "", "expected ] after the class"),
        ("label_issue[it's] > 0", "'s]", "put a name with brackets or quotes in quotes"),
        ("label_issue['cat] > 0", "'cat]", "expected a class"),
        ("label_issue < 3", "< 3", "a run fails for more findings, not for fewer"),
        ("label_issue = 0", "= 0", "expected > or >="),
        ("label_issue", "", "expected > or >= and a number"),
        ("label_issue 5", "5", "expected > or >= and a number"),
        ("label_issue > ", "", "expected a number"),
        ("label_issue > five", "five", "expected a number"),
        ("label_issue > -1", "-1", "expected a number"),
        ("label_issue > 0.5", "0.5", "expected a whole number of findings"),
        ("label_issue >= 0", "0", ">= 0 fails every run"),
        ("label_issue >= 0%", "0%", ">= 0 fails every run"),
        ("label_issue > 100%", "100%", "no share is above 100%"),
        ("label_issue > 1% new > 0", "new > 0", "write each limit in a --fail-on of its own"),
        ("label_issue > 12345678901234567890", "12345678901234567890", "is too long; expected at most 12 digits"),
        ("label_issue > 0.1234567%", "0.1234567%", "is too long; expected at most 12 digits, and 6 decimals"),
        ("class_imbalance > 1%", "1%", "is about the data set as a whole; expected a number"),
        ("> 0", "> 0", "expected a rule, any or new"),
        ("", "", "expected a rule, any or new"),
    ],
)  # fmt: skip
def test_an_error_points_at_the_place(text, place, complaint):
    with pytest.raises(InputError, match=complaint) as error:
        parse(text)

    _, written, mark = str(error.value).split("\n")
    assert written == f"    {text}"
    expected = text.rindex(place) if place else len(text.rstrip()) if not text.endswith(" ") else len(text)
    assert mark == f"    {' ' * expected}^"


def test_the_mark_stands_under_what_a_terminal_shows():
    with pytest.raises(InputError) as error:
        parse("label_issue[\u732b\x1b] ! 0")

    _, written, mark = str(error.value).split("\n")
    assert "\x1b" not in written
    assert mark.index("^") == written.index("!") + 1            # a wide character takes two columns


def test_a_class_that_is_not_there_is_an_error_with_the_nearest_ones():
    limits = [parse("label_issue[Cats] > 0")]

    check_classes(limits, ["Cats", "dog"])
    check_classes([parse("any > 0")], [])
    with pytest.raises(InputError, match="does not have; nearest are cats, cat"):
        check_classes(limits, ["bird", "cat", "cats", "dog"])
    with pytest.raises(InputError, match=r"does not have; there are bird, dog\. Write"):
        check_classes(limits, ["bird", "dog"])
    with pytest.raises(InputError, match="does not have; it has no classes"):
        check_classes(limits, [])
