"""The names of a run's files, in one place: what writes them and what reads them back both look here."""

PAGE = "index.html"
SUMMARY = "summary.json"
FINDINGS = "findings.jsonl"
PREDICTIONS = "predictions.parquet"
EVALUATION = "evaluation.json"
HISTORY = "history.html"                        # beside the runs of one name: their trends

LATEST = "latest"                               # the link beside the runs of one name: to the one published last
