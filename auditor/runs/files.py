"""The names of a run's files, in one place: what writes them and what reads them back both look here."""

import re

PAGE = "index.html"
ASSETS = "assets"                               # the folder of a page's pictures, where they are not part of it
SUMMARY = "summary.json"
FINDINGS = "findings.jsonl"
PREDICTIONS = "predictions.parquet"
EVALUATION = "evaluation.json"
HISTORY = "history.html"                        # beside the runs of one name: their trends
REVIEW = "review"                               # likewise: what people decided about them

LATEST = "latest"                               # the link beside the runs of one name: to the one published last

_FURTHER = re.compile(r"page-([2-9]|[1-9][0-9]+)\.html", re.ASCII)
_PICTURE = re.compile(r"[0-9a-f]{32}\.(webp|png|jpeg)", re.ASCII)


def page_name(number: int) -> str:
    """The file of a report's page: `index.html` is the first, `page-2.html` the second."""
    return PAGE if number == 1 else f"page-{number}.html"


def is_page(name: str) -> bool:
    """Whether a report's page can have this name."""
    return name == PAGE or _FURTHER.fullmatch(name) is not None


def picture_name(sha256: str, kind: str) -> str:
    """The file of a picture in `ASSETS`: of its hash, so that no two pictures have the same one."""
    return f"{sha256[:32]}.{kind}"


def is_picture(name: str) -> bool:
    """Whether a picture in `ASSETS` can have this name."""
    return _PICTURE.fullmatch(name) is not None
