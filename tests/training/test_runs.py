"""The folder of a run: separate during the run, published as a whole, and no file of the user is lost."""

import json

import pytest

from auditor.data.sample import Sample
from auditor.data.sources import load_dataset
from auditor.errors import InputError
from auditor.training.parts import DataParts, Image
from auditor.training.runs import open_run


def parts_of(folder):
    """Every third image in each part."""
    samples = load_dataset(folder).samples
    images = [Image(sample, ("blue", "red").index(sample.label), f"{row:064x}") for row, sample in enumerate(samples)]
    return DataParts(("blue", "red"), tuple(images[::3]), tuple(images[1::3]), tuple(images[2::3]), (), ("a note",))


@pytest.fixture
def data(colours, tmp_path):
    return colours(tmp_path / "data", 3)


@pytest.fixture
def given(data, tmp_path):
    return {"data": data, "out": tmp_path / "models" / "mine", "backbone": "small"}


def begun(given, data, **options):
    """A run that was interrupted after its first checkpoint."""
    with pytest.raises(KeyboardInterrupt), open_run(given, **{"resume": False, "overwrite": False, **options}) as run:
        run.begin(parts_of(data))
        run.checkpoints.mkdir()
        (run.checkpoints / "state.npz").write_bytes(b"state")
        raise KeyboardInterrupt


def test_a_complete_run_becomes_the_models_folder(given, data, tmp_path):
    with open_run(given, resume=False, overwrite=False) as run:
        run.begin(parts_of(data))
        (run.folder / "model.json").write_text("{}")
        assert not given["out"].exists()
        assert run.publish() == given["out"]

    assert [path.name for path in given["out"].iterdir()] == ["model.json"]
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["mine"]


def test_a_resumed_run_has_its_settings_and_parts(given, data):
    begun({**given, "epochs": 7}, data)

    with open_run({"data": data, "out": given["out"]}, resume=True, overwrite=False) as run:
        assert (run.settings.backbone, run.settings.epochs) == ("small", 7)
        assert (run.checkpoints / "state.npz").read_bytes() == b"state"
        joined = run.parts.join(load_dataset(data))

    before = parts_of(data)
    for name in ("train", "val", "test"):
        assert [(i.sample.file, i.label, i.content) for i in joined.part(name)] == [
            (i.sample.file, i.label, i.content) for i in before.part(name)
        ]
        assert {image.sample.split for image in joined.part(name)} == {name}
    assert joined.notes == ("a note",)


def test_a_label_that_changed_is_named(given, data):
    begun(given, data)
    (data / "red" / "000.png").rename(data / "blue" / "moved.png")

    with open_run(given, resume=True, overwrite=False) as run, pytest.raises(InputError, match=r"red/000\.png"):
        run.parts.join(load_dataset(data))


def test_an_unfinished_run_is_deleted_only_on_request_and_late(given, data):
    begun(given, data)
    with pytest.raises(InputError, match=r"--resume.*--overwrite"), open_run(given, resume=False, overwrite=False):
        pass
    with open_run(given, resume=False, overwrite=True) as run:
        assert (run.checkpoints / "state.npz").exists()         # until the data of the new one is known to be good
        run.begin(parts_of(data))
        assert not run.checkpoints.exists()


def test_an_existing_model_is_renamed_and_never_deleted(given, data, tmp_path):
    given["out"].mkdir(parents=True)
    (given["out"] / "precious.txt").write_text("years of work")

    with pytest.raises(InputError, match="--overwrite"), open_run(given, resume=False, overwrite=False):
        pass
    for _ in range(2):
        with open_run(given, resume=False, overwrite=True) as run:
            run.begin(parts_of(data))
            run.publish()

    assert (tmp_path / "models" / "mine.old" / "precious.txt").read_text() == "years of work"
    assert (tmp_path / "models" / "mine.old-2").is_dir()


def test_a_resumed_run_remembers_that_it_may_replace(given, data, tmp_path):
    given["out"].mkdir(parents=True)
    begun(given, data, overwrite=True)

    with open_run({"data": data, "out": given["out"]}, resume=True, overwrite=False) as run:
        run.publish()

    assert (tmp_path / "models" / "mine.old").is_dir()


def test_a_folder_that_was_made_meanwhile_is_not_replaced(given, data):
    with open_run(given, resume=False, overwrite=False) as run:
        run.begin(parts_of(data))
        given["out"].mkdir()
        with pytest.raises(InputError, match="came to be"):
            run.publish()


def test_two_processes_never_share_a_run(given, data):
    pytest.importorskip("fcntl", reason="no such locks on this system")
    begun(given, data)

    with (
        open_run(given, resume=True, overwrite=False),
        pytest.raises(InputError, match="another run is at work"),
        open_run(given, resume=True, overwrite=False),
    ):
        pass


@pytest.mark.parametrize(
    ("out", "options", "complaint"),
    [
        ("models/.hidden", {}, "cannot be a model's name"),
        ("models/mine.partial", {}, "cannot be a model's name"),
        ("models/mine", {"resume": True}, "found no unfinished run"),
        ("models/mine", {"resume": True, "overwrite": True}, "exclude each other"),
        ("file/mine", {}, "cannot be written to"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused(given, tmp_path, out, options, complaint):
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(InputError, match=complaint),
        open_run({**given, "out": tmp_path / out}, **{"resume": False, "overwrite": False, **options}),
    ):
        pass


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format_version": 1}', '{"format_version": 1, "settings": {}, "parts": 3}']
)
def test_a_broken_record_of_a_run_is_refused(given, data, text):
    begun(given, data)
    (given["out"].with_name("mine.partial") / "run.json").write_text(text)

    with pytest.raises(InputError, match="--overwrite"), open_run(given, resume=True, overwrite=False):
        pass


def test_a_folder_in_the_place_of_the_run_that_is_not_a_run_is_not_changed(given, tmp_path):
    strange = tmp_path / "models" / "mine.partial"
    strange.mkdir(parents=True)
    (strange / "thesis.tex").write_text("mine")

    with pytest.raises(InputError, match="no unfinished run"), open_run(given, resume=False, overwrite=True):
        pass

    assert (strange / "thesis.tex").is_file()


def test_files_are_recorded_by_their_names_in_the_data_set(given, data):
    begun(given, data)

    record = json.loads((given["out"].with_name("mine.partial") / "run.json").read_text())
    first = parts_of(data).train[0]
    assert isinstance(first.sample, Sample)
    assert record["parts"]["files"]["train"][0] == [first.sample.file, "blue", first.content]


def test_a_resumed_run_reads_no_file_but_one_that_is_named(given, data, tmp_path, monkeypatch):
    begun(given, data)
    (tmp_path / "auditor.toml").write_text("[train]\nepochs = 3")
    monkeypatch.chdir(tmp_path)

    with open_run(given, resume=True, overwrite=False) as run:
        assert run.settings.epochs == 20
    with (
        pytest.raises(InputError, match=r"--epochs 3 \(the run has 20\)"),
        open_run(given, resume=True, overwrite=False, config=tmp_path / "auditor.toml"),
    ):
        pass
