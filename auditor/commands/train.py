"""`auditor train`."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.options import (
    DataArgument,
    DeviceOption,
    FileColumnOption,
    LabelColumnOption,
    LabelFromOption,
    SplitColumnOption,
)


def train(
    data: DataArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new model: models/NAME.", show_default=False)],
    weights: Annotated[
        str | None,
        typer.Option(help="What the backbone starts from: bundled, imagenet, none, or a file [default: bundled]."),
    ] = None,
    backbone: Annotated[
        str | None, typer.Option(help="resnet50, or small: four convolutions from scratch [default: resnet50].")
    ] = None,
    head: Annotated[
        str | None, typer.Option(help="linear, or the sizes of hidden layers: 1024,512 [default: linear].")
    ] = None,
    dropout: Annotated[float | None, typer.Option(help="Share dropped in front of a layer [default: 0.2].")] = None,
    fine_tune: Annotated[
        str | None,
        typer.Option(help="Train the backbone too: none, a stage and what follows (conv5), or all [default: none]."),
    ] = None,
    batch_norm: Annotated[
        str | None, typer.Option(help="Batch normalisation while fine-tuning: auto, frozen or trained [default: auto].")
    ] = None,
    augment: Annotated[
        bool | None,
        typer.Option("--augment/--no-augment", help="Crop, turn, mirror, relight training images [default: yes]."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Of fine-tuning, at most [default: 20].")] = None,
    head_epochs: Annotated[int | None, typer.Option(help="Of the head alone, at most [default: 100].")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images per step [default: 32].")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Highest of fine-tuning [default: 0.0001; from scratch 0.001].")
    ] = None,
    head_learning_rate: Annotated[
        float | None, typer.Option(help="Highest of the head alone [default: 0.0003].")
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Of AdamW [default: 0.01].")] = None,
    warmup: Annotated[
        float | None, typer.Option(help="Share of the steps in which the learning rate rises [default: 0.1].")
    ] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(help="Share of each target spread over all classes [default: 0].")
    ] = None,
    class_weights: Annotated[
        bool | None, typer.Option("--class-weights", help="Let all classes weigh the same, however large each is.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a better validation loss before a phase ends [default: 5].")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of split, weights, order, augmentation [default: 0].")] = None,
    mixed_precision: Annotated[
        bool | None, typer.Option("--mixed-precision", help="Compute in bfloat16 while fine-tuning; for GPUs.")
    ] = None,
    input_size: Annotated[
        str | None, typer.Option(help="Side in pixels, or height x width [default: 224; small: 128].")
    ] = None,
    device: DeviceOption = None,
    threads: Annotated[int | None, typer.Option(help="Decoding threads [default: one per core].")] = None,
    label_from: LabelFromOption = None,
    file_column: FileColumnOption = None,
    label_column: LabelColumnOption = None,
    split_column: SplitColumnOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run that was cut short.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start anew; a model that is there is kept as NAME.old.")
    ] = False,
) -> None:
    """Train a classifier on labelled images, measure it, and write a model folder with its training page."""
    from auditor.progress import TerminalProgress
    from auditor.training.command import run_training, summary_lines
    from auditor.training.settings import parse_head, parse_size

    trained = run_training(
        {
            "data": data,
            "out": out,
            "weights": weights,
            "backbone": backbone,
            "head": None if head is None else parse_head(head),
            "dropout": dropout,
            "fine_tune": fine_tune,
            "batch_norm": batch_norm,
            "augment": augment,
            "epochs": epochs,
            "head_epochs": head_epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "head_learning_rate": head_learning_rate,
            "weight_decay": weight_decay,
            "warmup": warmup,
            "label_smoothing": label_smoothing,
            "class_weights": class_weights,
            "patience": patience,
            "seed": seed,
            "mixed_precision": mixed_precision,
            "input_size": None if input_size is None else parse_size(input_size),
            "device": device,
            "threads": threads,
            "label_from": label_from,
            "file_column": file_column,
            "label_column": label_column,
            "split_column": split_column,
        },
        resume=resume,
        overwrite=overwrite,
        progress=TerminalProgress(),
    )
    for line in summary_lines(trained):
        typer.echo(line)
