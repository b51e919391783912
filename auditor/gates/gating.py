"""All that a scan does about gates: read before the work, checked against the data set, applied to the findings."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from auditor.audit import Finding, Gate, RuleKind
from auditor.gates.accepted import Entry, accept, check_rules, read_accepted
from auditor.gates.baseline import Baseline, known
from auditor.gates.evaluate import ImageCounts, evaluate
from auditor.gates.limits import Limit, check_classes, parse_limits
from auditor.settings import Settings


@dataclass(frozen=True)
class Gating:
    """What the user set.

    Attributes:
        limits: Of `--fail-on`.
        entries: Accepted findings.
        source: The file that those are from.
        baseline: An earlier run; None where none was named.
        every_rule: Whether all rules run, with the model that some of them need.
    """

    limits: tuple[Limit, ...]
    entries: tuple[Entry, ...]
    source: str
    baseline: Baseline | None
    every_rule: bool = True

    @classmethod
    def stated(cls, settings: Settings, running: Mapping[str, RuleKind], every: Collection[str]) -> "Gating":
        """Reads everything, before any image is.

        Args:
            settings: Of the scan.
            running: The rules that run, and what their findings claim.
            every: Every rule that there is.

        Raises:
            InputError: a limit, the file of accepted findings or the baseline cannot be read.
        """
        entries = () if settings.accepted is None else read_accepted(settings.accepted)
        source = str(settings.accepted or "")
        check_rules(entries, every, source)
        return cls(
            limits=parse_limits(settings.fail_on, running, every),
            entries=entries,
            source=source,
            baseline=None if settings.baseline is None else Baseline.read(settings.baseline),
            every_rule=set(running) >= set(every) and not settings.no_model,
        )

    def check(self, name: str, root: str, classes: Collection[str]) -> None:
        """Raises InputError where a limit is on a class, or the baseline of a data set, that is not this one's."""
        check_classes(self.limits, classes)
        if self.baseline is not None:
            self.baseline.check(name, root)

    @property
    def needs_contents(self) -> bool:
        """Whether an acceptance names the content of an image."""
        return any(entry.subject == "content" for entry in self.entries)

    def mark(
        self, findings: Sequence[Finding], contents: Mapping[str, str], today: date, judged: Collection[str]
    ) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
        """Gives the findings of a scan their statuses.

        Args:
            findings: All of them.
            contents: File -> sha256 of its content, where it has one; empty where `needs_contents` does not hold.
            today: What the dates of acceptances are compared with.
            judged: The rules that judged something.

        Returns:
            The findings, and notes about acceptances that expired or match nothing.
        """
        if self.baseline is not None:
            findings = known(findings, self.baseline.ids)
        return accept(findings, self.entries, contents, today, self.source, judged, self.every_rule)

    def measure(self, findings: Sequence[Finding], images: ImageCounts, judged: Collection[str]) -> Gate:
        """Measures the limits over findings with their statuses; arguments as for `evaluate`."""
        return evaluate(self.limits, findings, images, judged)
