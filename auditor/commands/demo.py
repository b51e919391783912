"""`auditor demo`."""

from auditor.commands.finish import finish
from auditor.commands.options import MODEL, OUT, Given, JsonOption, takes
from auditor.commands.printing import echo


@takes(OUT, MODEL)
def demo(given: Given, as_json: JsonOption = False) -> None:
    """Draw a folder of cat and dog stickers with planted faults, scan it, and count what was found."""
    from auditor.demo.run import run_demo
    from auditor.progress import TerminalProgress
    from auditor.settings import Settings

    settings = Settings.load(data="", **given)
    audit, lines = run_demo(settings.out, settings.model, TerminalProgress())
    if not as_json:
        for line in lines:
            echo(line)
        echo()
    finish(audit, settings.out, as_json=as_json)
