"""The command line: the commands of `auditor/commands`, and the one place where an exception becomes an exit code."""

import codecs
import errno
import io
import os
import platform
import re
import shlex
import signal
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from auditor import __version__
from auditor.atomic_write import DISK_FULL
from auditor.commands import COMMANDS
from auditor.commands.printing import echo
from auditor.errors import AuditorError, Incomplete, InputError
from auditor.text import masked_url, shown

UNEXPECTED = 70                                 # EX_SOFTWARE of sysexits.h; 1 means that a gate failed
UNREAD = 128 + 13                               # what a shell sees of a tool that SIGPIPE ended
_UNUSABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP)       # a path of the user's
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_arrived: list[str] = []                        # what signals asked for, as parts of sentences
_ESCAPES = "auditor.escapes"
_WEB_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://.*", re.IGNORECASE | re.DOTALL)    # a webhook's holds secrets

app = typer.Typer(
    name="auditor",
    help="Audits folders of labelled images: which labels are wrong, which images are doubtful or broken, and why.",
    no_args_is_help=True,
    rich_markup_mode=None,                      # its markup would swallow the defaults in brackets
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    if isinstance(command, typer.Typer):
        app.add_typer(command)
    else:
        app.command()(command)


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an error, for any command.")] = False,
) -> None:
    """Audits folders of labelled images: which labels are wrong, which images are doubtful or broken, and why."""
    if show:                                    # `main` has taken --debug off: it may also stand behind the command
        echo(__version__)
        raise typer.Exit()


def main() -> None:
    """Runs the command line."""
    _open_streams()
    arguments = sys.argv[1:]
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    arguments = [each for each in own if each != "--debug"] + arguments[len(own) :]
    for number in _SIGNALS:
        signal.signal(number, _interrupted)
    try:
        code = _run(arguments)
    except Exception as error:
        for number in _SIGNALS:                 # a second one ends at once
            signal.signal(number, signal.SIG_DFL)
        code = _failed(error, debug="--debug" in own)
    _close_streams()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    """Runs a command; returns its exit code, or raises what went wrong."""
    runner = typer.main.get_command(app)
    try:                                        # not `app()`, for which EOFError and a closed pipe end with 1
        with runner.make_context("auditor", arguments) as context:
            runner.invoke(context)
    except typer.Exit as end:
        return int(end.exit_code)
    except BrokenPipeError:
        return UNREAD
    except KeyboardInterrupt as interruption:
        raise Incomplete(f"{str(interruption) or 'interrupted'}; no report was written") from None
    except typer.Abort:
        raise Incomplete("interrupted; no report was written") from None
    return 0


def _failed(error: Exception, *, debug: bool) -> int:
    """Says in a line what went wrong; returns the exit code."""
    if hasattr(error, "show") and hasattr(error, "exit_code"):                          # typer's own: wrong usage
        with suppress(OSError):
            error.show(file=sys.stderr)
        return int(error.exit_code)
    if debug:
        _complain("".join(traceback.format_exception(error)).rstrip())
    known = _known(error)
    if known is None and _arrived:              # a library made another exception of it, as compiled modules do
        known = Incomplete(f"{_arrived[-1]}; no report was written")
    if known is not None:
        _complain(f"auditor: {known}")
        return known.exit_code
    saved = None if debug else _saved(error)
    proof = f"{shown(str(saved))}, which holds the traceback" if saved else "the traceback, as --debug prints it"
    _complain(f"auditor: unexpected {_line(error)}. Please report it, with {proof}.")
    return UNEXPECTED


def _known(error: Exception) -> AuditorError | None:
    """The error as one that a user can correct, if it is one wherever it occurs."""
    if isinstance(error, AuditorError):
        return error
    if isinstance(error, MemoryError):
        return Incomplete(
            f"there is not enough memory ({_line(error)}). "
            "Take fewer --threads, a smaller --batch-size or smaller --max-pixels, where the command has them."
        )
    if not isinstance(error, OSError):
        return None
    where = shown(str(error.filename)) if error.filename else ""
    if error.errno in DISK_FULL:
        return Incomplete(f"the disk{f' of {where}' if where else ''} is full. Make room, then run it again.")
    if where and error.errno in _UNUSABLE:
        return InputError(f"{where} cannot be used: {error.strerror}. Correct that, or name another path.")
    return None


def _line(error: Exception) -> str:
    """An exception as a part of a line."""
    text = shown(" ".join(str(error).split()))
    kind = type(error).__name__
    return kind if not text else f"{kind}: {text if len(text) < 300 else text[:300] + '...'}"


def _saved(error: Exception) -> Path | None:
    """Writes the traceback to a new file that only the user can read; None where there is no place for one."""
    command = shlex.join(_WEB_ADDRESS.sub(lambda url: masked_url(url[0]), argument) for argument in sys.argv)
    text = (
        f"auditor {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"$ {command}\n\n{''.join(traceback.format_exception(error))}"
    )
    for folder in (None, Path.cwd):             # None is the system's folder for temporary files
        with suppress(OSError):
            handle, name = tempfile.mkstemp(".txt", "auditor-crash-", folder and folder())
            try:
                with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(text)
            except OSError:
                Path(name).unlink()
                raise
            return Path(name)
    return None


def _complain(text: str) -> None:
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _open_streams() -> None:
    """Makes both streams carry any text, and opens the null device where one is closed."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass                                    # a file of ours with such a number would get what libraries print
    os.close(number)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")
    codecs.register_error(_ESCAPES, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPES)


def _close_streams() -> None:
    """Writes what is left; where that fails, the interpreter would try again when it ends, and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _escaped(error: UnicodeError) -> tuple[str, int]:
    r"""What a stream cannot carry, as \u732b: JSON writes it so too, and remains JSON."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2)), error.end


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    _arrived.append(f"interrupted by {signal.Signals(number).name}")
    # No `Exception`: libraries catch those, tf2onnx for one, and would go on.
    raise KeyboardInterrupt(_arrived[-1])
