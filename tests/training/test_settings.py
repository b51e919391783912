"""Options of a training run: what is not given is decided, what contradicts itself is refused."""

import json
from pathlib import Path

import pytest

from auditor.errors import InputError
from auditor.training.settings import TrainSettings, parse_head, parse_size

GIVEN = {"data": Path("data"), "out": Path("models/mine")}


def test_the_defaults_train_a_linear_head_on_the_bundled_backbone():
    settings = TrainSettings.load(**GIVEN)

    assert (settings.backbone, settings.weights, settings.fine_tune) == ("resnet50", "bundled", "none")
    assert settings.head == ()
    assert settings.input_size == (224, 224)
    assert settings.stages == ()


def test_from_scratch_everything_is_trained_and_faster():
    settings = TrainSettings.load(**GIVEN, backbone="small")

    assert settings.from_scratch
    assert settings.stages == ("block1", "block2", "block3", "block4")
    assert settings.learning_rate == 1e-3
    assert settings.input_size == (128, 128)


def test_a_stage_is_trained_with_all_that_follow_it():
    assert TrainSettings.load(**GIVEN, fine_tune="conv4").stages == ("conv4", "conv5")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"backbone": "vgg16"}, "vgg16.*resnet50, small"),
        ({"fine_tune": "conv6"}, "conv6.*none, all, conv1"),
        ({"backbone": "small", "weights": "imagenet"}, "small"),
        ({"weights": "none", "fine_tune": "conv5"}, "at random"),
        ({"weights": "none", "batch_norm": "frozen"}, "no statistics"),
        ({"dropout": 1.0}, "--dropout is 1.0.*0 to 0.95"),
        ({"epochs": 0}, "--epochs is 0"),
        ({"learning_rate": float("nan")}, "--learning-rate is nan"),
        ({"input_size": (16, 16)}, "16x16.*32 to 1024"),
        ({"head": (0,)}, "--head is 0"),
        ({"device": "tpu"}, "tpu"),
        ({"threads": 0}, "--threads is 0"),
        ({"max_bytes": 0}, "--max-bytes is 0"),
        ({"seed": -1}, "--seed is -1"),
        ({"augment": "yes"}, "--augment is 'yes'; expected true or false"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(options, complaint):
    with pytest.raises(InputError, match=complaint):
        TrainSettings.load(**GIVEN, **options)


def test_settings_survive_json():
    settings = TrainSettings.load(**GIVEN, head=(64, 32), input_size=(64, 96), class_weights=True)

    assert TrainSettings.from_record(json.loads(json.dumps(settings.record()))) == settings


def test_a_run_from_before_a_setting_was_has_its_default():
    record = TrainSettings.load(**GIVEN).record()
    del record["max_bytes"]

    assert TrainSettings.from_record(record) == TrainSettings.load(**GIVEN)


@pytest.mark.parametrize(
    "record", [{}, {"data": "x", "out": "y", "speed": 3}, {"data": "x", "out": "y", "epochs": "9"}]
)
def test_settings_that_are_none_are_refused(record):
    with pytest.raises(InputError, match="--overwrite"):
        TrainSettings.from_record(record)


def test_the_file_has_a_section_and_the_source_may_be_that_of_a_scan(tmp_path):
    (tmp_path / "c.toml").write_text(
        "[scan]\nlabel_from = 'name'\ndevice = 'cuda'\nbatch_size = 99\nmax_bytes = 1000\n"
        "[train]\nbackbone = 'small'\nhead = [64, 32]\ninput_size = '48x64'\ndropout = 0\ndevice = 'cpu'\nepochs = 3\n"
    )

    settings = TrainSettings.load(**GIVEN, config=tmp_path / "c.toml", epochs=5)

    assert (settings.label_from, settings.max_bytes, settings.batch_size) == ("name", 1000, 32)
    assert (settings.head, settings.input_size, settings.dropout) == ((64, 32), (48, 64), 0.0)
    assert (settings.device, settings.epochs, settings.weights) == ("cpu", 5, "none")


def test_weights_in_the_file_lie_beside_it(tmp_path):
    (tmp_path / "c.toml").write_text("[train]\nweights = 'mine.npz'")
    (tmp_path / "d.toml").write_text("[train]\nweights = 'imagenet'")

    assert TrainSettings.load(**GIVEN, config=tmp_path / "c.toml").weights == str(tmp_path / "mine.npz")
    assert TrainSettings.load(**GIVEN, config=tmp_path / "d.toml").weights == "imagenet"


def test_a_resumed_run_keeps_its_settings_but_may_change_its_device():
    settings = TrainSettings.load(**GIVEN, epochs=7)

    resumed = settings.resumed(data=Path("moved"), epochs=7, device="cpu", threads=3, batch_size=None)

    assert (resumed.epochs, resumed.device, resumed.threads, resumed.data) == (7, "cpu", 3, "moved")


def test_a_resumed_run_refuses_other_options_by_name():
    settings = TrainSettings.load(**GIVEN, epochs=7)

    with pytest.raises(InputError, match=r"--epochs 9 \(the run has 7\); --head 64 \(the run has linear\)"):
        settings.resumed(epochs=9, head="64", input_size="224")


def test_heads_and_sizes_are_read_as_they_are_written():
    assert parse_head("linear") == ()
    assert parse_head("1024,512,256,128") == (1024, 512, 256, 128)
    assert parse_size("224") == (224, 224)
    assert parse_size("192x256") == (192, 256)
    for wrong in ("", "big", "1,,2", "-3"):
        with pytest.raises(InputError, match=r"--head is .*expected linear, or the sizes"):
            TrainSettings.load(**GIVEN, head=wrong)
        with pytest.raises(InputError, match=r"--input-size is .*expected a side in pixels"):
            TrainSettings.load(**GIVEN, input_size=wrong)
