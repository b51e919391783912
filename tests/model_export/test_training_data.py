"""An int8 export finds the data that its model was trained on, or says where it looked."""

import os
import shutil
from pathlib import Path

import pytest

from auditor.backends.card import ModelCard, read_card
from auditor.errors import InputError
from auditor.model_export.training_data import data_path, moved, trained_data


def card(about):
    return ModelCard("pets", ("blue", "red"), (32, 32), "tf", about=about)


def trained(data, folder, **settings):
    return card({"settings": {"data": str(data), **settings}, "data_path": data_path(data, folder)})


def test_the_path_is_relative_to_the_model_and_independent_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert data_path(Path("data/pets"), Path("models/pets")) == "../../data/pets"
    assert data_path(tmp_path / "data" / "pets", Path("models/pets")) == "../../data/pets"


def test_the_data_are_found_from_any_working_directory(colours, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    colours(Path("data"), 4)
    stated = trained(Path("data"), Path("models/pets"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert len(trained_data(stated, tmp_path / "models" / "pets").samples) == 8


def test_a_project_that_was_moved_as_a_whole_still_finds_the_data(colours, tmp_path):
    data = colours(tmp_path / "old" / "data", 4)
    stated = trained(data, tmp_path / "old" / "models" / "pets")
    (tmp_path / "old").rename(tmp_path / "new")

    found = trained_data(stated, tmp_path / "new" / "models" / "pets")
    assert found.root == tmp_path / "new" / "data"


def test_a_model_that_was_moved_alone_finds_the_data_at_the_stated_path(colours, tmp_path):
    data = colours(tmp_path / "data", 4)

    found = trained_data(trained(data, tmp_path / "models" / "pets"), tmp_path / "far" / "off" / "away" / "pets")
    assert found.root == data


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="links")
def test_a_link_in_the_path_of_the_model_changes_nothing(colours, tmp_path):
    data = colours(tmp_path / "data", 4)
    (tmp_path / "big" / "disk" / "models").mkdir(parents=True)
    (tmp_path / "models").symlink_to(tmp_path / "big" / "disk" / "models")
    stated = card({"settings": {"data": "gone"}, "data_path": data_path(data, tmp_path / "models" / "pets")})

    assert len(trained_data(stated, tmp_path / "models" / "pets").samples) == 8


def test_data_that_are_gone_are_named_with_the_places_looked_at(colours, tmp_path):
    data = colours(tmp_path / "data", 4)
    stated = trained(data, tmp_path / "models" / "pets")
    data.rename(tmp_path / "moved")

    with pytest.raises(InputError, match=r"pets was trained on .*data.*nothing at .*--calibration DATA"):
        trained_data(stated, tmp_path / "models" / "pets")


def test_data_that_cannot_be_read_are_named_with_the_option_to_use(colours, tmp_path):
    data = colours(tmp_path / "data", 4)
    stated = trained(data, tmp_path / "models" / "pets")
    shutil.rmtree(data / "red")
    shutil.rmtree(data / "blue")

    with pytest.raises(InputError, match=r"pets was trained on it, according to its card\..*--calibration DATA"):
        trained_data(stated, tmp_path / "models" / "pets")


@pytest.mark.parametrize("about", [{}, {"settings": 3}, {"settings": {"data": 3}}])
def test_a_card_that_does_not_say_asks_for_photographs(about, tmp_path):
    with pytest.raises(InputError, match=r"card of pets does not say .*--calibration DATA"):
        trained_data(card(about), tmp_path)


def test_labels_are_read_as_they_were_in_training(colours, tmp_path):
    data = colours(tmp_path / "data", 2)
    flat = tmp_path / "flat"
    flat.mkdir()
    for file in data.rglob("*.png"):
        shutil.copy(file, flat / f"{file.parent.name}.{file.name}")

    found = trained_data(trained(flat, tmp_path / "pets", label_from="name", file_column=None), tmp_path / "pets")
    assert found.classes == ("blue", "red")


def test_a_card_in_another_folder_points_to_the_same_data(tmp_path):
    about = moved({"data_path": "../../data", "kept": 1}, tmp_path / "models" / "pets", tmp_path / "small")

    assert about == {"data_path": "../data", "kept": 1}
    assert moved({"kept": 1}, tmp_path, tmp_path / "small") == {"kept": 1}


@pytest.fixture
def project(tiny, tmp_path):
    """A copy of a training run's project, moved as a whole."""
    return shutil.copytree(tiny.folder.parents[1], tmp_path / "copy")


def test_a_trained_model_becomes_int8_without_more_options(project):
    from auditor.model_export.export import export_model

    done = export_model(project / "models" / "pets", "int8")

    assert read_card(project / "models" / "pets" / "model.json").about["data_path"] == "../../data"
    assert done.parity.images == 60                             # 90 images: a third of them calibrates
    assert "42 of which it was trained on; calibrated on 30 others" in done.notes[0]
    assert any("training run" in note for note in done.notes)


def test_an_export_elsewhere_still_knows_the_data(project, tmp_path):
    from auditor.model_export.export import export_model

    export_model(project / "models" / "pets", "fp16", out=tmp_path / "small")

    assert read_card(tmp_path / "small" / "model.json").about["data_path"] == "../copy/data"


def test_other_images_at_the_path_of_the_data_are_not_used(project):
    from auditor.model_export.export import export_model
    from tests.training_data import draw_colours

    shutil.rmtree(project / "data")
    draw_colours(project / "data", 45, seed=500)

    with pytest.raises(InputError, match=r"on none of the photographs .*--calibration DATA"):
        export_model(project / "models" / "pets", "int8")
    done = export_model(project / "models" / "pets", "int8", calibration=project / "data")
    assert "none trained on" in done.notes[0]
