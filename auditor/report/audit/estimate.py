"""How many labels are wrong, how far that can be believed, and what mending them is worth, in sentences."""

from auditor.audit import Audit, LabelEstimate, LabelPower
from auditor.report.audit.headline import suspects
from auditor.text import count, number, percent

#: Where the upper end of the interval is more than this many times its middle, the number is not known.
WIDE = 3
#: Up to this share of wrong labels, the page says that the labels are too clean for a number.
CLEAN = 0.02


def estimate_sentences(audit: Audit) -> tuple[str, ...]:
    """How far the verdict can be believed, the estimate, and what accuracy gains without the flagged labels.

    Nothing where no label could be judged; no number where it could not be judged well.
    """
    power, estimate = audit.power, audit.estimate
    if power is not None and not power.can_judge:
        return (_cannot(power), _help())
    if estimate is None or estimate.judged < 1:
        return ()
    flagged = len({finding.file for finding in suspects(audit)})
    found = "" if power is None else _found_again(power)
    return tuple(sentence for sentence in (_how_many(estimate), found, _worth(estimate, flagged)) if sentence)


def qualification(audit: Audit) -> str:
    """How far the verdict can be believed, in one sentence; "" where the verdict says it itself."""
    power, estimate = audit.power, audit.estimate
    if audit.model is None:
        return "No label was judged: the scan had no model." if audit.classes else ""
    if power is not None and not power.can_judge:
        return _knows(power)
    if estimate is None or estimate.judged < 1 or not estimate.high:
        return ""
    if estimate.high > WIDE * max(estimate.middle, 1):
        return f"It could be up to {number(estimate.high)}: {_why_wide(estimate)}."
    if not suspects(audit):
        return f"Up to {number(estimate.high)} could be wrong all the same."
    if estimate.low < estimate.high:
        between = f"between {number(estimate.low)} and {number(estimate.high)}"
        return f"The true number is probably {between}: a person decides."
    return "A person decides."


def _found_again(power: LabelPower) -> str:
    """What the probe finds, in labels that are known to be wrong because auditor changed them."""
    if not power.swapped:
        return ""
    return (
        f"Of {count(power.swapped, 'label')} that auditor swapped itself in this folder, as a test, it found "
        f"{number(power.found)}."
    )


def _cannot(power: LabelPower) -> str:
    return f"This model cannot judge these classes. {_knows(power)} {_found_again(power)}".strip()


def _knows(power: LabelPower) -> str:
    knows, chance = _whole_percent(power.knows), _whole_percent(power.chance)
    return f"It knows the class of {knows} of the images that it has not seen, where guessing gives {chance}."


def _help() -> str:
    return (
        "A model that was trained on such images would help (--model), and more images of each class. What this one "
        "doubts is shown with --doubtful; the order of review still puts the most doubtful labels first."
    )


def _how_many(estimate: LabelEstimate) -> str:
    low, middle, high = number(estimate.low), number(estimate.middle), number(estimate.high)
    labels = count(estimate.judged, "label")
    if estimate.high > WIDE * max(estimate.middle, 1):
        return f"Of {labels}, between {low} and {high} are wrong: {_why_wide(estimate)}."
    if not estimate.high:
        return f"Probably none of {labels} is wrong."
    if not estimate.middle:
        return f"Probably none of {labels} is wrong; it could be up to {high}."
    verb = "is" if estimate.middle == 1 else "are"
    between = f" (between {low} and {high})" if estimate.low < estimate.high else ""
    return f"About {middle} of {labels} {verb} wrong{between}{_found(estimate)}."


def _why_wide(estimate: LabelEstimate) -> str:
    clean = estimate.middle <= CLEAN * estimate.judged
    return "labels this clean do not show how many" if clean else "these images do not show how many"


def _found(estimate: LabelEstimate) -> str:
    """How far the head of the review order gets; says nothing where that is all images."""
    share = estimate.found_in_review
    if not 0 < estimate.review < estimate.judged or not share > 0:
        return ""
    where = "the first to review" if estimate.review == 1 else f"among the first {number(estimate.review)} to review"
    if estimate.middle == 1:
        return f"; it is {where}" + ("" if share >= 1 else f" with a chance of {_whole_percent(share)}")
    if share >= 1:
        return f"; all of them are {where}"
    return f"; {_whole_percent(share)} of them {'is' if estimate.review == 1 else 'are'} {where}"


def _whole_percent(share: float) -> str:
    """An estimate has no decimals; what is not quite none or all stays so."""
    return f"{min(max(round(100 * share), 1), 99)}%"


def _worth(estimate: LabelEstimate, flagged: int) -> str:
    """Accuracy with and without the flagged labels; a gain too small to be seen is none."""
    now, without = estimate.accuracy_now, estimate.accuracy_without
    if now is None or without is None:
        return ""
    labels = "flagged label" if flagged == 1 else "flagged labels"
    before, after = percent(now), percent(without)
    if before == after:
        return f"Leaving the {labels} out of training brings no gain: accuracy on the other images stays at {before}."
    if without < now:
        return (
            f"Leaving the {labels} out of training brings no gain: accuracy on the other images goes from {before} "
            f"to {after}."
        )
    return f"With the {labels} left out of training, accuracy on the other images goes from {before} to {after}."
