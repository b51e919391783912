"""Kills a function at every point where it asks the operating system to change something: before, and right after."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

_CHANGING = (os.open, os.write, os.fsync, os.link, os.unlink, os.rename, os.mkdir, os.rmdir, os.utime, os.symlink)


def killed(function: Callable[[], object], at: int) -> bool:
    """Calls a function in a process of its own, which SIGKILL ends at the n-th point; False where it came to its end.

    Args:
        function: Its result is lost, but not what it does to files.
        at: 0 is before its first change, 1 right after it, 2 before the second one.
    """
    child = os.fork()
    if child == 0:
        points = iter(range(at + 1))

        def watch(frame: FrameType, event: str, argument: Any) -> None:
            if event in ("c_call", "c_return") and argument in _CHANGING and next(points, None) == at:
                os.kill(os.getpid(), signal.SIGKILL)

        code = 1
        try:
            sys.setprofile(watch)
            function()
            code = 0
        finally:
            os._exit(code)                      # not a second run of what pytest has still to do
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.waitstatus_to_exitcode(status) == 0, "the function failed"
    return False
