"""An audit of four pictures and a broken file, two of them with findings: small enough to work out what is written."""

import pandas as pd

from tests.gates.made import audited, found

FILES = ("cat/1.jpg", "cat/2.jpg", "cat/broken.jpg", "dog/3.jpg", "dog/4.jpg", "notes.txt")
SHA = {file: f"{number:064x}" for number, file in enumerate(FILES)}


def table(**names):
    """Its table of predictions; some files may have other names."""
    rows = [
        ("cat/1.jpg", "train", "cat", "ok", 40, 30, 0.9, 3),
        ("cat/2.jpg", "train", "cat", "ok", 20, 10, 0.6, 2),
        ("cat/broken.jpg", "train", "cat", "failed", None, None, None, None),
        ("dog/3.jpg", "test", "dog", "ok", 16, 16, 0.25, 1),
        ("dog/4.jpg", None, None, "ok", 8, 8, None, None),
        ("notes.txt", None, None, "skipped", None, None, None, None),
    ]
    columns = ["file", "split", "label", "outcome", "width", "height", "p_correct", "review_rank"]
    made = pd.DataFrame(rows, columns=columns).astype({"width": "Int64", "height": "Int64", "review_rank": "Int64"})
    made["sha256"] = [None if file == "notes.txt" else SHA[file] for file in made["file"]]
    made["file"] = [names.get(file, file) for file in made["file"]]
    return made


def pets(*findings, **values):
    """The audit: a dog that is a cat, and a file that cannot be read; unless other findings are given."""
    findings = findings or (
        found(id="a", file="dog/3.jpg", suggested="cat", score=0.25, message="It is a cat."),
        found("blurry", id="b", file="dog/3.jpg", severity="low", message="It is blurry."),
        found("unreadable", id="c", file="cat/broken.jpg", message="It is cut off."),
        found("blurry", id="d", file="cat/1.jpg", status="accepted"),
        found("class_imbalance", None, id="e"),
    )
    return audited(*findings, **{"predictions": table(), **values})
