"""`auditor scan`."""

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
    PREPROCESSING,
    SOURCE,
    THREADS,
    ConfigOption,
    DataArgument,
    Given,
    JsonOption,
    Option,
    takes,
)


@takes(
    MODEL,
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
    Option("doubtful", bool, "Show labels in doubt even where the model cannot judge the classes.", ("--doubtful",)),
    Option("skip_rules", str, "Rules that do not run: low_confidence,model_disagrees."),
)
def scan(data: DataArgument, given: Given, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Audit a folder of labelled images and write a report."""
    from auditor.progress import TerminalProgress
    from auditor.settings import Settings

    settings = Settings.load(data=data, config=config, **given)
    scan_and_finish(settings, as_json=as_json, progress=TerminalProgress())
