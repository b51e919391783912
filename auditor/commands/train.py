"""`auditor train`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import DEVICE, LIMITS, SOURCE, ConfigOption, DataArgument, Given, Option, takes
from auditor.commands.printing import echo


@takes(
    Option("weights", str, "What the backbone starts from: bundled, imagenet, none, or a file [default: bundled]."),
    Option("backbone", str, "resnet50, or small: four convolutions from scratch [default: resnet50]."),
    Option("head", str, "linear, or the sizes of hidden layers: 1024,512 [default: linear]."),
    Option("dropout", float, "Share dropped in front of a layer [default: 0.2]."),
    Option("fine_tune", str, "Train the backbone too: none, a stage and what follows (conv5), or all [default: none]."),
    Option("batch_norm", str, "Batch normalisation while fine-tuning: auto, frozen or trained [default: auto]."),
    Option(
        "augment",
        bool,
        "Crop, turn, mirror, relight training images [default: yes].",
        ("--augment/--no-augment",),
    ),
    Option("epochs", int, "Of fine-tuning, at most [default: 20]."),
    Option("head_epochs", int, "Of the head alone, at most [default: 100]."),
    Option("batch_size", int, "Images per step [default: 32]."),
    Option("learning_rate", float, "Highest of fine-tuning [default: 0.0001; from scratch 0.001]."),
    Option("head_learning_rate", float, "Highest of the head alone [default: 0.0003]."),
    Option("weight_decay", float, "Of AdamW [default: 0.01]."),
    Option("warmup", float, "Share of the steps in which the learning rate rises [default: 0.1]."),
    Option("label_smoothing", float, "Share of each target spread over all classes [default: 0]."),
    Option("class_weights", bool, "Let all classes weigh the same, however large each is.", ("--class-weights",)),
    Option("patience", int, "Epochs without a better validation loss before a phase ends [default: 5]."),
    Option("seed", int, "Of split, weights, order, augmentation [default: 0]."),
    Option("mixed_precision", bool, "Compute in bfloat16 while fine-tuning; for GPUs.", ("--mixed-precision",)),
    Option("input_size", str, "Side in pixels, or height x width [default: 224; small: 128]."),
    DEVICE,
    Option("threads", int, "Decoding threads [default: one per core]."),
    *SOURCE,
    *LIMITS,
)
def train(
    data: DataArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new model: models/NAME.", show_default=False)],
    given: Given,
    config: ConfigOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run that was cut short.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start anew; a model that is there is kept as NAME.old.")
    ] = False,
) -> None:
    """Train a classifier on labelled images, measure it, and write a model folder with its training page."""
    from auditor.atomic_write import check_out
    from auditor.progress import TerminalProgress
    from auditor.training.command import run_training, summary_lines

    check_out(out)
    trained = run_training(
        {"data": data, "out": out, **given},
        config=config,
        resume=resume,
        overwrite=overwrite,
        progress=TerminalProgress(),
    )
    for line in summary_lines(trained):
        echo(line)
