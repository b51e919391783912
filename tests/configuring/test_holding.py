"""auditor config: what holds, and where it came from."""

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from auditor.checks import CHECKS, rule_of
from auditor.configuring.holding import as_json, as_text, what_holds
from auditor.errors import InputError
from auditor.settings import Settings


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Writes a file of settings to a working directory of its own."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="auditor.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")

    return write


def sources(held):
    return {f"{each.section} {each.name}": (each.value, each.source) for each in held}


def test_an_option_a_file_and_a_default(config):
    config("[scan]\ndata = 'pets'\nthreads = 2\ndevice = 'cpu'\n[checks.low_confidence]\nminimum = 0.8")

    held = sources(what_holds(None, {"threads": 3, "data": None}))

    assert held["scan data"] == ("pets", "auditor.toml: [scan]")
    assert held["scan threads"] == (3, "command line")
    assert held["scan device"] == ("cpu", "auditor.toml: [scan]")
    assert held["scan batch_size"] == (16, "default")
    assert held["checks.low_confidence minimum"] == (0.8, "auditor.toml: [checks.low_confidence]")
    assert held["checks.low_confidence at_most"] == (0.02, "default")


def test_pyproject_toml_is_named_with_its_table(config):
    config("[tool.auditor.scan]\nthreads = 2\n[tool.auditor.checks.low_confidence]\nminimum = 0.8", "pyproject.toml")

    held = sources(what_holds(None, {}))

    assert held["scan threads"] == (2, "pyproject.toml: [tool.auditor.scan]")
    assert held["checks.low_confidence minimum"] == (0.8, "pyproject.toml: [tool.auditor.checks.low_confidence]")


def test_every_setting_of_a_scan_and_of_every_rule_is_there(config):
    held = sources(what_holds(None, {}))

    expected = {f"scan {each.name}" for each in fields(Settings) if each.name != "checks"}
    expected |= {f"checks.{check.rule} {name}" for check in CHECKS for name in rule_of(check()).settings}
    assert held.keys() == expected
    assert {source for _, source in held.values()} == {"default"}


def test_rules_that_do_not_run_have_no_settings(config):
    assert not [each for each in what_holds(None, {"skip_rules": "low_confidence"}) if "low_conf" in each.section]


def test_a_file_that_counts_because_it_is_there(config):
    config("", "auditor-accepted.toml")

    assert sources(what_holds(None, {}))["scan accepted"] == ("auditor-accepted.toml", "found")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[checks.low_confidence]\nminimum = 8", r"\[checks.low_confidence\] minimum is 8"),
        ("[scan]\nfail_on = ['any >']", r"--fail-on cannot be read"),
        ("[scan]\noutputs = ['xml']", r"--format 'xml' is not there"),
    ],
)
def test_what_a_scan_refuses_is_refused(text, complaint, config):
    config(text)

    with pytest.raises(InputError, match=complaint):
        what_holds(None, {})


def test_text_and_json_say_the_same_and_no_secret(config):
    config("[scan]\nexclude = ['*.tif']\nwebhook = 'https://chat.example.com/hooks/secret'\nname = '\u732b\\u001b'")
    held = what_holds(None, {})

    text, record = as_text(held), json.loads(as_json(held))

    assert record["scan"]["exclude"] == {"value": ["*.tif"], "source": "auditor.toml: [scan]"}
    assert 'exclude' in text and '["*.tif"]' in text
    assert "[checks.low_confidence]" in text.splitlines()
    assert "secret" not in text and "secret" not in as_json(held)
    assert "\x1b" not in text and "\u732b" in text


def test_the_command_takes_the_options_of_a_scan(config):
    config("[scan]\nthreads = 2")

    done = subprocess.run(
        [sys.executable, "-m", "auditor", "config", "pets", "--json", "--max-cards", "3"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    scan = json.loads(done.stdout)["scan"]
    assert scan["data"] == {"value": "pets", "source": "command line"}
    assert scan["max_cards"] == {"value": 3, "source": "command line"}
    assert scan["threads"]["source"] == "auditor.toml: [scan]"
    assert Path("auditor.toml").read_text() == "[scan]\nthreads = 2"
