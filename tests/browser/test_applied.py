"""From the page to the folder and back: decided with the keyboard, exported, applied, scanned again."""

from pathlib import Path

import pytest

from auditor.outputs.run import write_run
from tests.browser.pages import ORDER, draw_pets, save, scan_pets


def flagged(audit) -> set[tuple[str, str]]:
    return {(each.file, each.rule) for each in audit.findings}


@pytest.fixture
def command(monkeypatch):
    """Runs auditor's command line in this process."""
    from auditor.cli import main

    def run(*arguments: object) -> None:
        monkeypatch.setattr("sys.argv", ["auditor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0

    return run


def test_what_was_decided_is_gone_and_nothing_else_changed(tab, command, tmp_path):
    root, out = draw_pets(tmp_path / "pets"), tmp_path / "reports"
    before = scan_pets(root, out=out)
    tab.goto(write_run(before, out).as_uri())
    first, second, third = (card["file"] for card in tab.evaluate(ORDER)[:3])
    contents = {path.read_bytes() for path in root.rglob("*.png")}

    tab.keyboard.press("ArrowRight")
    for key in ("k", "x", {"cat": "2", "dog": "1"}[third.partition("/")[0]]):
        tab.keyboard.press(key)
    decisions = tmp_path / "decisions.json"
    decisions.write_text(save(tab, "export-json"), encoding="utf-8")
    command("apply", decisions, "--out", out)
    after = scan_pets(root, out=out)

    decided = {first, second, third}
    assert flagged(after) == {(file, rule) for file, rule in flagged(before) if file not in decided}
    assert not (root / second).exists()
    assert not (root / third).exists()
    assert contents == {path.read_bytes() for folder in (root, out) for path in Path(folder).rglob("*.png")}
