"""The top of the page: one sentence to quote, and what to do next."""

from dataclasses import dataclass

from auditor.audit import Audit, Finding
from auditor.report.audit.faults import conflicts_sentence, faults, faults_apart, faults_sentence
from auditor.text import count, number


@dataclass(frozen=True)
class Verdict:
    """One sentence to quote. `number` is its first word where that is a count; `calm`: there is nothing to do."""

    number: str
    rest: str
    also: str
    calm: bool

    @property
    def sentence(self) -> str:
        return self.number + self.rest


def verdict(audit: Audit) -> Verdict:
    """What the scan found about the labels, in one sentence that is true out of its context."""
    images, readable = audit.images, audit.outcomes.get("ok", 0)
    failed = images - readable
    wrong, doubtful = _wrong(audit), _doubtful(audit)
    if audit.power is not None and not audit.power.can_judge:
        wrong = 0                               # what --doubtful shows is in doubt, not wrong
    if wrong:
        also = _sentences(conflicts_sentence(faults(audit)), _also(doubtful, failed))
        verb = "carries" if wrong == 1 else "carry"
        sentence = f" of {count(images, 'image')} {verb} a label that is probably wrong."
        return Verdict(number(wrong), sentence, also, False)
    if not images:
        return Verdict("", "There are no images in this folder.", "", False)
    if not readable:
        return Verdict("", f"None of {count(images, 'image')} can be read.", "", False)
    if audit.model is None:
        return _without_model(audit, images)
    trouble = f"; {count(failed, 'file')} cannot be read" if failed else ""
    if not _judged(audit):
        if len(audit.classes) == 1 and (denied := _denied(audit)):
            verb = "is" if denied == 1 else "are"
            sentence = f" of {count(images, 'image')} {verb} of another class to the model{trouble}."
            also = "All images lie in one class, so nothing but the model could judge their labels."
            return Verdict(number(denied), sentence, also, False)
        reason = "all images are in one class" if len(audit.classes) == 1 else "see the notes for the reason"
        sentence = f"The labels of {count(images, 'image')} were not judged: {reason}{trouble}."
        return Verdict("", sentence, _also(doubtful, 0), False)
    if audit.power is not None and not audit.power.can_judge:
        sentence = f"The labels of {count(images, 'image')} could not be judged by this model{trouble}."
        return Verdict("", sentence, _also(doubtful, 0), False)
    calm = not audit.findings and not failed
    also = _sentences(conflicts_sentence(faults(audit)), _also(doubtful, 0))
    if calm:
        also = f"{count(len(audit.rules), 'rule')} looked at every image and found nothing."
    return Verdict("", f"No label looks wrong in {count(images, 'image')}{trouble}.", also, calm)


def _without_model(audit: Audit, images: int) -> Verdict:
    """What is wrong with the images themselves: nothing was said about labels."""
    found = faults(audit)
    amount, sentence = faults_sentence(found, images)
    calm = not audit.findings and not found.broken
    unjudged = "No label was judged: the scan had no model." if audit.classes else ""
    quiet = "All rules that need no model looked at every image and found nothing." if calm else ""
    return Verdict(amount, sentence, _sentences(quiet, conflicts_sentence(found), faults_apart(found), unjudged), calm)


def _sentences(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


#: How long a person takes to look at an image and decide, in seconds; every time that the page promises rests on it.
SECONDS_AN_IMAGE = 30


@dataclass(frozen=True)
class NextStep:
    """What to do next: `action` in a few words, and `rest`, a sentence on how long it takes and what it brings."""

    action: str
    rest: str

    @property
    def sentence(self) -> str:
        return f"{self.action}: {self.rest[0].lower()}{self.rest[1:]}"


def next_step(audit: Audit) -> NextStep | None:
    """What brings most for the time; None where nothing can be looked at."""
    about_labels = {rule.name for rule in audit.rules if rule.is_about_labels}
    shown = [finding for finding in audit.standing if finding.file in audit.evidence]
    labels = _files([finding for finding in shown if finding.rule in about_labels])
    if labels:
        estimate = audit.estimate
        images = estimate.review if estimate is not None and 0 < estimate.review < labels else labels
        return NextStep(f"Review {count(images, 'image')}", f"{_time(images)}{_finds(audit)}.")
    if images := _files(shown):
        return NextStep(f"Look at {count(images, 'image')}", f"{_time(images)}.")
    if groups := len([finding for finding in audit.standing if finding.id in audit.copies]):
        return NextStep(f"Compare {count(groups, 'group')} of copies", f"{_time(groups)}.")
    return None


def _time(images: int) -> str:
    minutes = max(1, round(images * SECONDS_AN_IMAGE / 60))
    took = count(minutes, "minute") if minutes < 100 else f"{number(round(minutes / 60))} hours"
    return f"About {took}, at {SECONDS_AN_IMAGE} seconds each"


def _finds(audit: Audit) -> str:
    """The share of the wrong labels that are expected among the images to review, in tenths: it is no finer.

    Where fewer images are flagged than the estimate would have reviewed, the share that was found of labels swapped as
    a test is the most that can be said.
    """
    estimate, power = audit.estimate, audit.power
    if estimate is None or not estimate.middle or (power is not None and not power.can_judge):
        return ""
    shares = [estimate.found_in_review]
    if power is not None and power.swapped:
        shares.append(power.found / power.swapped)
    tenths = round(10 * min(shares))
    verb = "finds" if suspects(audit) else "would find"         # where none looks wrong there may be none
    return f"; {verb} {'nearly all' if tenths > 9 else f'about {tenths} of 10'} wrong labels" if tenths else ""


def _wrong(audit: Audit) -> int:
    """Images whose label is probably wrong, without those that a person has accepted."""
    return _files(suspects(audit))


def suspects(audit: Audit) -> list[Finding]:
    """The findings that the verdict is about.

    Those of the rules that call a label wrong; where none of these ran, all that suggest another label.
    """
    if decisive := audit.rules_of("label"):
        return [finding for finding in audit.standing if finding.rule in decisive]
    return [finding for finding in audit.standing if finding.suggested is not None]


def _doubtful(audit: Audit) -> int:
    """Images for which only another rule suggests another label, without those that have two: they are named apart."""
    wrong, conflict = {finding.file for finding in suspects(audit)}, audit.rules_of("conflict")
    suggesting = (found for found in audit.standing if found.suggested is not None and found.rule not in conflict)
    return _files([finding for finding in suggesting if finding.file not in wrong])


def _denied(audit: Audit) -> int:
    """Images in which the model sees another class, without those that a person has accepted."""
    rules = audit.rules_of("model")
    return _files([finding for finding in audit.standing if finding.rule in rules])


def _judged(audit: Audit) -> bool:
    """Whether any label was judged at all: a scan that could not judge must not say that all is well."""
    if any(finding.suggested is not None for finding in audit.findings):
        return True
    table = audit.predictions
    return any(column in table and bool(table[column].notna().any()) for column in ("label_score", "oof_p_given"))


def _also(doubtful: int, failed: int) -> str:
    sentences = []
    if doubtful:
        images = count(doubtful, "more image deserves", "more images deserve")
        sentences.append(f"{images} a second look: another class is suggested, with less evidence.")
    if failed:
        sentences.append(f"{count(failed, 'file')} cannot be read.")
    return " ".join(sentences)


def _files(findings: list[Finding]) -> int:
    """How many files they are about; a finding about the data set is about none."""
    return len({finding.file for finding in findings if finding.file is not None})
