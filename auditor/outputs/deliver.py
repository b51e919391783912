"""What is told to others once a run is published: a job's page, a collector of figures, a URL."""

import os
from collections.abc import Iterator

from auditor.audit import Audit
from auditor.outputs import GITHUB, chosen, summary
from auditor.outputs.github import write_step_summary
from auditor.outputs.prometheus import check_target, write_prometheus
from auditor.outputs.webhook import check_url, post
from auditor.settings import Settings


def check_deliveries(settings: Settings) -> None:
    """Raises InputError where something that was asked for cannot be: to be known before the work is done."""
    chosen(settings.outputs)
    if settings.prometheus is not None:
        check_target(settings.prometheus)
    if settings.webhook is not None:
        check_url(settings.webhook)


def deliver(audit: Audit, settings: Settings) -> Iterator[str]:
    """Tells everybody who was asked for; yields what went wrong where that does not fail the run.

    Raises:
        InputError: the file for Prometheus cannot be written; the run stands.
        Incomplete: its disk is full.
    """
    if GITHUB in chosen(settings.outputs):
        yield write_step_summary(audit, os.environ)
    if settings.webhook is not None:
        yield post(settings.webhook, summary(audit))
    if settings.prometheus is not None:
        write_prometheus(audit, settings.prometheus)
