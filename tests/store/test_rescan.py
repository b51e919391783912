"""A second scan: what is unchanged is not opened, what is new is, and both scans say the same."""

import os
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

import auditor
from auditor.data.dataset import make_dataset
from auditor.data.own_output import OWN_OUTPUT
from auditor.data.sample import LocalFiles, Sample, Stamp
from auditor.data.sources import load_dataset
from auditor.engines import Task, steps
from auditor.errors import InputError
from auditor.images import reader
from auditor.settings import Limits
from auditor.store import collect, open_store
from tests.backends.fake import FakeBackend
from tests.pictures import draw_tinted
from tests.store.scanned import Counted, Other, dataset, same, scan


def test_an_unchanged_folder_is_not_opened_and_gives_the_same_numbers(folder):
    first, known, _, _ = scan(folder)
    assert known == 0

    second, known, opened, notes = scan(folder)

    assert known == 12 and not opened and not notes
    assert same(first, second)


def test_a_scan_with_a_store_gives_what_one_without_gives(folder):
    with open_store(None) as nothing:
        plain, _ = collect(
            dataset(folder, LocalFiles(str(folder))), Task(FakeBackend(), batch_size=4, describe=True), nothing, "x"
        )

    assert same(plain, scan(folder)[0])
    assert nothing.folder is None and nothing.notes == []


def test_only_what_changed_is_opened(folder, place):
    scan(folder)
    place(draw_tinted((0, 90, 0), 77), folder / "03.png")
    place(draw_tinted((0, 0, 90), 78), folder / "20.png")
    (folder / "05.png").unlink()
    (folder / "06.png").rename(folder / "30.png")

    outcomes, known, opened, _ = scan(folder)

    assert sorted(opened) == ["03.png", "20.png", "30.png"]
    assert known == 10                          # the renamed file is known by its content
    assert [outcome.failure is None for outcome in outcomes].count(False) == 1


def test_a_renamed_file_is_neither_decoded_nor_inferred_on(folder, monkeypatch):
    first = scan(folder)[0]
    for path in folder.iterdir():
        path.rename(folder / f"a{path.name}")
    monkeypatch.setattr(reader, "decode", None)

    second, known, opened, _ = scan(folder)

    assert known == len(opened) == 12
    assert same(first, second)


def test_a_file_that_changed_while_its_clock_stood_still_is_read_again(folder, place):
    place(draw_tinted((0, 0, 0), 1), folder / "00.png")         # just now
    scan(folder)

    _, known, opened, _ = scan(folder)

    assert list(opened) == ["00.png"] and known == 12


def test_another_model_infers_again_and_reuses_what_was_decoded(folder, monkeypatch):
    first = scan(folder)[0]
    monkeypatch.setattr(steps, "describe", None)                # would raise TypeError

    second, known, opened, notes = scan(folder, backend=Other())

    assert known == 1 and len(opened) == 11     # the broken file is known to be broken
    assert len(notes) == 1 and "has not seen these images before" in notes[0]
    assert same(first, second)                  # the two models agree, but each has answered for itself
    assert scan(folder, backend=Other())[1::2] == (12, []) and scan(folder)[1] == 12


@pytest.mark.parametrize("change", ["preprocessing", "device"])
def test_other_pixels_or_another_device_are_another_model(folder, change):
    scan(folder)
    backend = FakeBackend()
    if change == "device":
        backend.device = "cuda"
    else:
        backend.card = replace(backend.card, preprocessing="torch")

    assert scan(folder, backend=backend)[1] == 1


def test_a_limit_decides_again_what_is_refused(folder):
    scan(folder)

    outcomes, known, _, notes = scan(folder, limits=Limits(max_pixels=100))

    assert known == 0 and len(notes) == 1 and "--max-pixels changed" in notes[0]
    assert all(outcome.failure for outcome in outcomes)
    assert all(outcome.failure for outcome in scan(folder, limits=Limits(max_bytes=5))[0])


def test_what_failed_for_want_of_memory_is_tried_again(folder, monkeypatch):
    def fail(*_, **__):
        raise reader.NoMemoryLeft("decoding it needs more memory than there is")

    monkeypatch.setattr(reader, "decode", fail)
    assert all("memory" in outcome.failure for outcome in scan(folder)[0])
    monkeypatch.undo()

    assert [outcome.failure is None for outcome in scan(folder)[0]].count(True) == 11


def test_a_model_without_numbers_is_not_asked_again(folder):
    class Silent(FakeBackend):
        asked = 0

        def forward(self, images):
            self.asked += len(images)
            found = super().forward(images)
            return replace(found, probabilities=found.probabilities * np.nan)

    backend = Silent()
    first = scan(folder, backend=backend)[0]
    second, known, _, _ = scan(folder, backend=backend)

    assert known == 12 and backend.asked == 11
    assert [outcome.failure for outcome in first] == [outcome.failure for outcome in second]


def test_verify_reads_every_file_and_tells_of_those_whose_bytes_changed_behind_its_back(folder):
    scan(folder)
    path = folder / "04.png"
    before = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with sqlite3.connect(folder.parent / "reports" / "store" / "auditor.sqlite") as database:
        database.execute("UPDATE files SET changed = ? WHERE place = ?", (path.stat().st_ctime_ns, b"04.png"))
    assert not scan(folder)[2]

    _, _, opened, notes = scan(folder, verify=True)

    assert len(opened) == 12
    assert len(notes) == 1 and "04.png" in notes[0]


def test_labels_and_splits_are_not_remembered(folder):
    scan(folder)
    origin = Counted(str(folder))
    known = dataset(folder, origin)
    moved = replace(known, samples=tuple(replace(each, label="dog", split="test") for each in known.samples))
    with open_store(folder.parent / "reports") as store:
        outcomes, _ = collect(moved, Task(FakeBackend(), describe=True), store, str(folder))

    assert not origin.opened
    assert {(outcome.sample.label, outcome.sample.split) for outcome in outcomes} == {("dog", "test")}


def test_names_that_are_no_text_and_numbers_beyond_64_bits_are_kept(tmp_path, place):
    name = os.fsdecode(b"caf\xe9.png")
    place(draw_tinted((0, 0, 0), 1), tmp_path / "data" / "a.png").rename(tmp_path / "data" / name)

    class Strange(Counted):
        def stamp(self, where):
            return Stamp(10, 2**64, 3, 2**64 - 1, 2**65)

    samples = [Sample(name, "caf.png", None, None, Strange(str(tmp_path / "data")))]
    data = make_dataset(tmp_path, root=tmp_path, samples=samples, skipped=(), failed=(), classes=[], notes=[])
    for known in (0, 1):
        with open_store(tmp_path / "reports") as store:
            assert collect(data, Task(FakeBackend(), describe=True), store, "somewhere://else")[1] == known
            assert store.notes == []


def test_python_keeps_nothing_unless_told_where(folder, tmp_path):
    auditor.scan(folder, backend=FakeBackend(), out=tmp_path / "r")
    assert not (tmp_path / "r").exists()

    for cached in (0, 12):
        audit = auditor.scan(folder, backend=FakeBackend(), store=True, out=tmp_path / "r")
        assert audit.run.cached == cached
    with pytest.raises(InputError, match="say where"):
        auditor.scan(folder, backend=FakeBackend(), store=True)


def test_a_store_inside_the_folder_that_is_scanned_is_no_data(folder):
    auditor.scan(folder, no_model=True, rules="unreadable", store=True, out=folder / "reports")

    skipped = dict(load_dataset(folder).skipped)

    assert set(skipped.values()) == {OWN_OUTPUT} and len(skipped) >= 1
    audit = auditor.scan(folder, no_model=True, rules="unreadable", store=True, out=folder / "reports")
    assert audit.run.cached == 12
