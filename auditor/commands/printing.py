"""How commands print."""

from auditor.errors import Incomplete


def echo(text: object = "", *, end: str = "\n") -> None:
    """Prints to stdout, at once.

    Raises:
        Incomplete: it cannot be written: the disk is full, or the file is not open for writing.
    """
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        raise                                                   # `head` has seen enough; `cli.py` ends quietly
    except OSError as error:
        raise Incomplete(
            f"stdout cannot be written ({error.strerror or error}); files that were written before stand"
        ) from None
