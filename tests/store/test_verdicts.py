"""An unchanged data set is not judged again, and anything that an audit depends on makes it be judged again."""

import shutil
import sqlite3
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

import auditor
from auditor.audit import Audit
from auditor.data import sample
from auditor.engines import steps
from auditor.images import reader
from auditor.outputs.run import scan_to_disk
from auditor.scanning import scan as scanning
from auditor.settings import Settings
from auditor.store.verdicts import fingerprint
from tests.backends.fake import FakeBackend
from tests.pictures import GREY, RED, draw_tinted, place_image
from tests.store.scanned import age


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """A folder of two classes with a few faults, scanned once with a store."""
    root = tmp_path_factory.mktemp("verdicts")
    for number in range(12):
        age(place_image(draw_tinted(GREY, number), root / "data" / "cat" / f"{number:02}.png"))
        age(place_image(draw_tinted(RED, 100 + number), root / "data" / "dog" / f"{number:02}.png"))
    age(place_image(draw_tinted(RED, 100), root / "data" / "cat" / "copy.png"))
    broken = root / "data" / "cat" / "broken.png"
    broken.write_bytes(b"")
    age(broken)
    return root, scan(root / "data", root / "reports")


@pytest.fixture
def again(scanned, tmp_path):
    """A copy of the store beside the same folder; the audit that it holds."""
    root, audit = scanned
    shutil.copytree(root / "reports", tmp_path / "reports")
    return root / "data", tmp_path / "reports", audit


def scan(data, out, **options):
    """A scan without a model, which is quick, unless another is given."""
    return auditor.scan(data, out=out, store=True, no_model="backend" not in options, **options)


def judged(monkeypatch):
    """Counts how often a data set is judged from now on."""
    calls = []
    real = scanning.judge
    monkeypatch.setattr(scanning, "judge", lambda *one, **other: calls.append(1) or real(*one, **other))
    return calls


def equal(one, other):
    pd.testing.assert_frame_equal(one.predictions, other.predictions)
    for each in fields(Audit):
        if each.name not in ("predictions", "run"):
            assert getattr(one, each.name) == getattr(other, each.name), each.name
    return True


def test_nothing_is_opened_decoded_or_judged_again(again, monkeypatch):
    data, out, _ = again
    first = scan(data, out, backend=FakeBackend())
    work = (sample.LocalFiles, "read_bytes"), (reader, "decode"), (steps, "describe"), (scanning, "judge")
    for owner, name in work:
        monkeypatch.setattr(owner, name, None)                  # would raise TypeError

    second = scan(data, out, backend=FakeBackend(), threads=1)

    assert "has not seen these images before" in first.notes[0]
    assert equal(replace(first, notes=first.notes[1:]), second)
    assert first.run.cached == 1 and second.run.cached == 26     # the broken file was known before
    assert second.run.settings["threads"] == 1 and second.run.id


@pytest.mark.parametrize("change", [
    {"skip_rules": "unreadable"}, {"checks": {"blurry": {"minimum": 0.1}}}, {"max_cards": 3}, {"name": "other"},
    {"fail_on": ("any > 0",)},
])  # fmt: skip
def test_other_settings_are_judged_again(again, change, monkeypatch):
    data, out, _ = again
    calls = judged(monkeypatch)

    scan(data, out, **change)
    scan(data, out, **change)

    assert len(calls) == 1


def test_a_file_that_moved_to_another_class_is_judged_again(tmp_path, scanned, monkeypatch):
    shutil.copytree(scanned[0], tmp_path, dirs_exist_ok=True)
    scan(tmp_path / "data", tmp_path / "reports")
    calls = judged(monkeypatch)
    (tmp_path / "data" / "cat" / "copy.png").rename(tmp_path / "data" / "dog" / "copy.png")

    assert scan(tmp_path / "data", tmp_path / "reports").classes == {"cat": 13, "dog": 13}
    assert calls == [1]


def test_other_code_judges_again(again, monkeypatch):
    data, out, first = again
    calls = judged(monkeypatch)
    monkeypatch.setattr("auditor.scanning.unchanged.code_fingerprint", lambda: b"other")

    assert equal(scan(data, out), first) and calls == [1]


@pytest.mark.parametrize("damage", ["audit = zeroblob(10)", "audit = 7", "crc = 0"])
def test_a_damaged_audit_is_made_again(again, damage):
    data, out, first = again
    with sqlite3.connect(out / "store" / "auditor.sqlite") as database:
        database.execute(f"UPDATE verdicts SET {damage}")
    database.close()

    assert equal(scan(data, out), first)


def test_the_command_keeps_a_store_unless_it_is_told_not_to(scanned, tmp_path):
    settings = Settings(str(scanned[0] / "data"), no_model=True, rules="unreadable")

    scan_to_disk(replace(settings, out=tmp_path / "without", store=False))
    kept = [scan_to_disk(replace(settings, out=tmp_path / "with")).run.cached for _ in range(2)]

    assert not (tmp_path / "without" / "store").exists()
    assert (tmp_path / "with" / "store" / "auditor.sqlite").is_file() and kept == [0, 26]


def test_equal_values_have_one_fingerprint_and_different_ones_have_others():
    one = fingerprint({"b": 1, "a": (1, 2.0)}, frozenset({"x", "y"}), np.arange(3), FakeBackend().card)

    assert one == fingerprint({"a": [1, 2.0], "b": 1}, {"y", "x"}, np.arange(3), FakeBackend().card)
    assert one != fingerprint({"a": [1, 2], "b": 1}, {"y", "x"}, np.arange(3), FakeBackend().card)
    different = [("ab", "c"), ("a", "bc"), (("a",), "bc"), ("a", b"bc"), (1,), (True,), (1.0,), ("1",), (None,), ()]
    assert len({fingerprint(*each) for each in different}) == len(different)
    card = FakeBackend().card
    assert fingerprint(card) != fingerprint(replace(card, trained_on=frozenset({"00"})))
    with pytest.raises(TypeError):
        fingerprint(object())
