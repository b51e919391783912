"""Judging labels: probe, neighbours' vote, noise model, how far they can be trusted, and the order of review."""

from auditor.labels.noise_model import LabelIssues, find_label_issues

__all__ = ["LabelIssues", "find_label_issues"]
