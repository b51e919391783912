"""Judging labels: the probe, the neighbour vote, the noise model, their reliability, and the order of review."""

from auditor.labels.noise_model import LabelIssues, find_label_issues

__all__ = ["LabelIssues", "find_label_issues"]
