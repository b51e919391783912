"""TensorFlow without its log: what it says about its build and this machine's processor is no message of ours."""

import contextlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

#: TensorFlow's own variable; whoever sets it gets the log that they ask for.
LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_FATAL_ONLY = "3"                               # an error that matters comes as an exception too

# Of absl's log: severity, month and day; the line before its first one; and the second line of what it says about the
# processor. A fatal message (F) is none of these.
_NOISE = re.compile(rb"[IWE]\d{4} |WARNING: All log messages before absl::InitializeLog|To enable the following instr")


@contextlib.contextmanager
def without_log() -> Iterator[None]:
    """Imports of TensorFlow, or of Keras on it, go into this block, and leave nothing of its log on stderr.

    Some lines are written while its libraries are loaded, before it reads the variable. So stderr goes into a file
    meanwhile, and what is no such line is shown afterwards; where the import fails, all of it.
    """
    if LEVEL in os.environ:
        yield
        return
    os.environ[LEVEL] = _FATAL_ONLY
    if "tensorflow" in sys.modules:             # it has said all that it says
        yield
        return
    for name in ("tensorflow", "absl"):         # its part in Python: retraced functions, and the like
        logging.getLogger(name).setLevel(logging.ERROR)
    with tempfile.TemporaryFile() as held:
        failed = True
        try:
            with _stderr_into(held):
                yield
            failed = False
        finally:
            held.seek(0)
            sys.stderr.write("".join(
                line.decode("utf-8", "replace") for line in held if failed or not _NOISE.match(line)
            ))  # fmt: skip


@contextlib.contextmanager
def _stderr_into(file: BinaryIO) -> Iterator[None]:
    """Also what compiled code writes, which does not go through `sys.stderr`."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        os.dup2(file.fileno(), 2)
        yield
        sys.stderr.flush()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
