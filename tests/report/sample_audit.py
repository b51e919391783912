"""An audit as a scan could have made it, with drawn pictures and with names that try to break out of the page."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from auditor.audit import Audit, Evidence, Finding, Gate, LabelEstimate, ModelInfo, Neighbour, Rule, RunInfo, Severity
from tests.report.drawn import evidence, near, small

SCRIPT = "<script>alert(1)</script>"
HANDLER = "\"><img src=x onerror=alert(2)>'"
OVERRIDE = "dogs/invoice\u202egpj.exe"
EMOJI = "dogs/\U0001f415\u200d\U0001f9ba good boy.jpg"
LONG = "cats/" + "very-long-name-" * 20 + ".jpg"
BROKEN = "cats/line\nfeed \x1b[31m\udcff.jpg"
TEMPLATE = "dogs/{{ 7 * 7 }}{% raw %}.jpg"

RULES = (
    Rule(
        "label_issue",
        "Label probably wrong",
        "The given label is probably wrong, by probabilities from images of the other folds.",
        {"folds": 5, "minimum_margin": 0.2},
        "label",
    ),
    Rule(
        "model_disagrees",
        "Model sees another class",
        "The trained classifier is sure of another class.",
        {"minimum": 0.9},
        "model",
    ),
    Rule(
        "low_confidence",
        "Low confidence",
        "The trained classifier has no clear favourite.",
        {"maximum": 0.6},
        "doubt",
    ),
    Rule(
        "conflicting_labels",
        "Same image, two classes",
        "The same picture lies in two classes.",
        {"distance": 4},
        "conflict",
    ),
    Rule("unreadable", "Unreadable", "The file cannot be decoded.", {}, "file"),
    Rule("format_mismatch", "Wrong extension", "The content is in another format than the name claims.", {}, "file"),
    Rule(
        "class_imbalance",
        "Class imbalance",
        "One class has many more images than another.",
        {"ratio": 10},
        "dataset",
    ),
)


def neighbours(given: str, seen: str, place: int) -> dict[str, tuple[Neighbour, ...]]:
    """What surrounds the image at a place: mostly what it shows; the second cannot all be read, nor all judged."""
    like, unlike = near(seen, range(place, place + 4)), near(given, range(place, place + 3))
    similar = (*like[:3], unlike[0], like[3])
    if place == 1:
        names = ((BROKEN, None, None), (f"cats/{SCRIPT}.jpg", SCRIPT, small("cats", 2)), (LONG, "cats" * 30, None))
        similar = (*like[:2], *(Neighbour(file, label, 0.4, image) for file, label, image in names))
    if place == 2:
        return {"similar": similar[:2], "of_given": (), "of_suggested": like[:1]}
    return {"similar": similar, "of_given": unlike, "of_suggested": like[:3]}


def finding(number: int, rule: str, file: str | None, message: str, **fields: object) -> Finding:
    """A finding with the fields that a test does not care about filled in."""
    severity: Severity = "medium"
    base = Finding(
        id=f"{number:012x}",
        rule=rule,
        severity=severity,
        file=file,
        split="train",
        related=(),
        label=None,
        suggested=None,
        score=0.1,
        value=0.1,
        threshold=0.5,
        message=message,
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def make_audit() -> Audit:
    """293 images of cats and dogs, 14 wrong labels among them, and every kind of trouble with names."""
    findings, pictures = _wrong_labels()
    findings += _others(pictures)
    return Audit(
        name="stickers",
        root="data/stickers/train",
        classes={"cats": 148, "dogs": 145},
        outcomes={"ok": 290, "failed": 3, "skipped": 112},
        skipped=(
            ("Thumbs.db", "hidden"),
            ("notes.txt", "no image"),
            *((f"._{place}.jpg", "hidden") for place in range(110)),
        ),
        model=_model(),
        predictions=_predictions(findings),
        findings=tuple(findings),
        evidence=pictures,
        rules=RULES,
        notes=("The probe judged 290 of 293 images.", f"Class names were matched without regard to case: {SCRIPT}."),
        run=RunInfo("20250102-030405", "2025-01-02T03:04:05+00:00", 12.25, 23.67, 40, "0.1.0", {"workers": 2}),
        estimate=LabelEstimate(11, 17, 25, 290, 50, 0.83, 0.981, 0.9844),
    )


def _wrong_labels() -> tuple[list[Finding], dict[str, Evidence]]:
    findings: list[Finding] = []
    pictures: dict[str, Evidence] = {}
    files = [f"dogs/sticker-{place:03}.png" for place in range(9)] + [LONG, OVERRIDE, EMOJI, BROKEN, TEMPLATE]
    for place, file in enumerate(files):
        label, seen = ("cats", "dogs") if file.startswith("cats") else ("dogs", "cats")
        sure = 0.994 - 0.017 * place
        source = "out-of-fold probe" if place % 3 else "model"
        shown = evidence(seen, place, ((seen, sure), (label, 1 - sure)), source)
        pictures[file] = replace(shown, **neighbours(label, seen, place))
        message = f"Judged by the other images, it is {seen} with {sure:.0%} and {label} with {1 - sure:.0%}."
        said = {"label": label, "suggested": seen, "severity": "high" if place < 8 else "medium", "score": 1 - sure}
        findings.append(finding(place, "label_issue", file, message, **said))
        if place < 8:
            message = f"The model says {seen} with {sure:.0%}; the folder says {label}."
            findings.append(finding(100 + place, "model_disagrees", file, message, label=label, suggested=seen))
    return findings, pictures


def _others(pictures: dict[str, Evidence]) -> list[Finding]:
    """What is not simply a wrong label: doubts, pairs, broken files, hostile names, the whole set."""
    findings = []
    for place in range(3):
        file = f"cats/unsure-{place}.jpg"
        shown = evidence("cats", 40 + place, (("cats", 0.52), ("dogs", 0.48)))
        pictures[file] = replace(shown, similar=(*near("cats", (3, 4)), *near("dogs", (3,), ("dogs/sticker-003.png",))))
        findings.append(
            finding(200 + place, "low_confidence", file, "Its best class has only 52%.", label="cats", severity="low")
        )
    pictures["cats/flat.jpg"] = replace(evidence("cats", 50, (("cats", 0.97),)), overlay=None, heatmap_class=None)
    twins = ("dogs/sticker-003.png", "dogs/elsewhere.jpg", *(f"more/{n}.jpg" for n in range(9)))
    pair = {"label": "cats", "related": twins}
    findings.append(finding(210, "conflicting_labels", "cats/flat.jpg", "The picture is in cats and in dogs.", **pair))
    for place, file in enumerate((f"cats/{SCRIPT}.jpg", f"dogs/{HANDLER}.jpg", "dogs/empty.jpg")):
        message = ("truncated after 1 204 of 8 331 bytes", f"no image: {HANDLER}", "empty file")[place]
        findings.append(finding(220 + place, "unreadable", file, message, label="cats", severity="high"))
    findings.append(
        finding(
            230,
            "format_mismatch",
            "dogs/really-a-png.jpg",
            "Named .jpg, and is a PNG.",
            severity="low",
            status="persisting",
        )
    )
    findings.append(finding(240, "class_imbalance", None, "cats has 148 images, dogs 145.", severity="low", split=None))
    return findings


def _model() -> ModelInfo:
    about = {
        "origin": {"backbone": "ResNet50, ImageNet", "head": {"trained_on": f"drawn cats {SCRIPT}", "epochs": 12}},
        "measured_accuracy": 0.9876,
        "licence": None,
        HANDLER: [1, 2, 3, {"deep": {"deeper": {"deepest": {"too deep": 1}}}}],
        "notes": "long " * 900,
    }
    return ModelInfo(
        name="catdog-resnet50",
        backend="onnx",
        device="cpu",
        sha256="9f2c4e11aa03" + "0" * 52,
        classes=("cat", "dog"),
        matched=True,
        in_sample=12,
        guessed={"preprocessing": "raw, because the graph starts with a division"},
        about=about,
    )


def _predictions(findings: list[Finding]) -> pd.DataFrame:
    return _frame(list(_rows(findings)))


def _frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Names stay Python strings: Arrow's cannot hold the lone surrogate of a file name that is no UTF-8."""
    table = pd.DataFrame(rows, dtype=object)
    return table.astype(dict.fromkeys(("confidence", "p_given", "oof_p_given", "label_score", "review_rank"), float))


def _rows(findings: list[Finding]) -> Iterator[dict[str, object]]:
    flagged = dict.fromkeys(f.file for f in findings if f.suggested)
    ranks = {file: place for place, file in enumerate(flagged, 1)}
    first = {found.file: found for found in reversed(findings) if found.file}
    for file, found in first.items():
        failed = found.rule == "unreadable"
        yield _row(file, found.label, None if failed else found.suggested or found.label, failed, ranks.get(file))
    for place in range(270):
        label = "cats" if place % 2 else "dogs"
        yield _row(f"{label}/{place:04}.jpg", label, label, False, None)


def _row(
    file: str | None, label: str | None, predicted: str | None, failed: bool, rank: int | None
) -> dict[str, object]:
    agrees = 0.99 if predicted == label else 0.02
    return {
        "file": file,
        "split": "train",
        "label": label,
        "outcome": "failed" if failed else "ok",
        "reason": "truncated" if failed else None,
        "predicted": predicted,
        "confidence": None if failed else 0.98,
        "p_given": None if failed else agrees,
        "oof_predicted": predicted,
        "oof_p_given": None if failed else agrees,
        "label_score": None if failed else agrees,
        "review_rank": rank,
        "format": None if failed else "JPEG",
        "width": None if failed else 1024,
        "height": None if failed else 768,
        "bytes": 48_211,
    }


def empty_audit() -> Audit:
    """A scan that found nothing wrong."""
    audit = make_audit()
    clean = audit.predictions[audit.predictions["outcome"] == "ok"]
    return replace(
        audit,
        findings=(),
        evidence={},
        notes=(),
        skipped=(),
        predictions=clean,
        outcomes={"ok": 290, "failed": 0, "skipped": 0},
        model=replace(audit.model, in_sample=0, about={}, guessed={}),
        estimate=replace(audit.estimate, low=0, middle=0, high=2, accuracy_without=None),
    )


def nothing_scanned() -> Audit:
    """An empty folder."""
    return replace(
        empty_audit(),
        classes={},
        outcomes={},
        rules=(),
        predictions=pd.DataFrame(),
        gate=Gate(False, ("label_issue",)),
        estimate=None,
    )


def one_class() -> Audit:
    """A folder of one class: no label can be judged, and the model knows other classes."""
    audit = empty_audit()
    judgement = ("oof_predicted", "oof_p_given", "label_score", "predicted", "p_given")
    unjudged = audit.predictions.assign(**dict.fromkeys(judgement))
    other = replace(audit.model, matched=False)
    return replace(audit, classes={"cats": 290}, predictions=unjudged, model=other, estimate=None)


def many_classes(classes: int = 60) -> Audit:
    """A folder of many classes, the model's classes being others, and more findings than the page can list."""
    audit = make_audit()
    names = [f"class {place:03} {'n' * (place % 30)}" for place in range(classes)]
    findings, rows = [], []
    for place in range(3 * classes):
        label, seen, file = names[place % classes], names[place * 7 % classes], f"{names[place % classes]}/{place}.jpg"
        findings.append(finding(1000 + place, "label_issue", file, "It looks wrong.", label=label, suggested=seen))
        findings.append(finding(9000 + place, "blurry", file, "Sharpness 3.1, under 12.", label=label))
        rows.append(_row(file, label, seen, False, place + 1))
    return replace(
        audit,
        name="many",
        classes=dict.fromkeys(names, 1500),
        findings=tuple(findings),
        evidence={},
        outcomes={"ok": 1500 * classes, "failed": 1, "skipped": 0},
        predictions=_frame(rows),
        model=replace(audit.model, matched=False, in_sample=0),
        estimate=LabelEstimate(2, 6, 471, 90_000, 200, 0.4, 0.99, 0.99),
    )
