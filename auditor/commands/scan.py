"""`auditor scan`."""

from pathlib import Path

from auditor.commands.finish import scan_and_finish
from auditor.commands.options import (
    BACKEND,
    BATCH_SIZE,
    CLASS_MAP,
    CLASSES,
    DEVICE,
    LIMITS,
    MODEL,
    OUT,
    OUTPUT,
    PAGES,
    PREPROCESSING,
    SOURCE,
    THREADS,
    ConfigOption,
    Given,
    JsonOption,
    Option,
    ScannedArgument,
    takes,
)

#: The settings of a scan as options; `auditor config` and `auditor init` take the same.
SCAN_OPTIONS = (
    MODEL,
    Option("no_model", bool, "Run only what needs no model: broken, odd and duplicate images.", ("--no-model",)),
    OUT,
    Option("name", str, "Name of the data set there [default: parent and leaf of DATA]."),
    BACKEND,
    DEVICE,
    CLASS_MAP,
    PREPROCESSING,
    CLASSES,
    OUTPUT,
    *SOURCE,
    BATCH_SIZE,
    THREADS,
    *LIMITS,
    Option("max_cards", int, "Flagged images shown with pictures [default: 200]."),
    Option(
        "max_occlusion", int, "Of those, at most so many with occlusion maps, where a model needs them [default: 24]."
    ),
    Option("colours", str, "Heatmap colours: inferno, viridis or jet [default: inferno]."),
    *PAGES,
    Option("doubtful", bool, "Show labels in doubt even where the model cannot judge the classes.", ("--doubtful",)),
    Option("rules", list[str], "The only rules that run: label_issue,near_duplicate; may repeat [default: all].",
           joined=","),
    Option("skip_rules", list[str], "Rules that do not run: low_confidence,model_disagrees; may repeat.", joined=","),
    Option("store", bool, "Keep results in OUT/store; read only new images [default: yes].", ("--store/--no-store",)),
    Option("verify", bool, "Read every file again, however unchanged it seems.", ("--verify",)),
    Option("keep_runs", int, "Keep the folders of the newest N runs only; history keeps all [default: all folders]."),
    Option("changed_since", str, "List findings only of images that changed since REV, a revision of git."),
    Option("fail_on", list[str], "Exit with 1 if LIMIT holds (label_issue:high > 0, new > 0, any > 1%); may repeat."),
    Option("accepted", Path, "File of accepted findings [default: auditor-accepted.toml, if there]."),
    Option("baseline", Path, "Folder of an earlier run: what it found is not new."),
    Option(
        "outputs",
        list[str],
        "Also write csv, labelstudio, cvat, fiftyone, coco, markdown, junit, sarif; tell github. Comma separated.",
        ("--format",),
    ),
    Option("prometheus", Path, "Write figures to FILE.prom, for the node exporter's textfile collector."),
    Option("webhook", str, "POST the summary to URL (http or https)."),
)


@takes(*SCAN_OPTIONS)
def scan(
    given: Given, data: ScannedArgument = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Audit a folder of labelled images and write a report."""
    from auditor.errors import InputError
    from auditor.progress import TerminalProgress
    from auditor.settings import Settings

    settings = Settings.load(data=data, config=config, **given)
    if not settings.data:
        raise InputError(
            "scan needs a folder of class folders, a CSV manifest or TFRecords: `auditor scan DATA`, or data in [scan] "
            "of auditor.toml, which `auditor init DATA` writes"
        )
    scan_and_finish(settings, as_json=as_json, progress=TerminalProgress())
