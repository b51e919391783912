"""The commands, one file each: parse, call, exit code, nothing else."""

from collections.abc import Callable

import typer

from auditor.commands.accept import accept
from auditor.commands.apply import apply
from auditor.commands.cache import cache
from auditor.commands.compare import compare
from auditor.commands.config import config
from auditor.commands.demo import demo
from auditor.commands.evaluate import evaluate
from auditor.commands.explain import explain
from auditor.commands.export import export
from auditor.commands.history import history
from auditor.commands.init import init
from auditor.commands.models import models
from auditor.commands.report import report
from auditor.commands.scan import scan
from auditor.commands.serve import serve
from auditor.commands.split import split
from auditor.commands.tfrecord import tfrecord
from auditor.commands.train import train
from auditor.commands.undo import undo
from auditor.commands.why import why

#: In the order in which `auditor --help` lists them. A `Typer` is a group of commands.
COMMANDS: tuple[Callable[..., None] | typer.Typer, ...] = (
    scan,
    serve,
    init,
    config,
    why,
    apply,
    undo,
    accept,
    compare,
    history,
    report,
    explain,
    evaluate,
    split,
    tfrecord,
    train,
    export,
    models,
    cache,
    demo,
)
