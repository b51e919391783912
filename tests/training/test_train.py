"""Complete training runs: what the model's folder contains, and what a killed run leaves."""

import math
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.importorskip("tensorflow", reason="training needs auditor[tensorflow]")
keras = pytest.importorskip("keras")

from auditor.backends import load_backend  # noqa: E402
from auditor.backends.card import read_card  # noqa: E402
from auditor.backends.keras.resnet50 import read_onnx  # noqa: E402
from auditor.data.sample import Sample  # noqa: E402
from auditor.errors import InputError  # noqa: E402
from auditor.evaluation.training_history import TrainingHistory, read_history  # noqa: E402
from auditor.packing.shards import pack  # noqa: E402
from auditor.progress import Progress  # noqa: E402
from auditor.resources import bundled_model  # noqa: E402
from auditor.settings import Limits, Settings  # noqa: E402
from auditor.training.batches import EmbeddingBatches, ImageBatches, Pixels  # noqa: E402
from auditor.training.command import run_training, summary_lines  # noqa: E402
from auditor.training.loop import PhasePlan, Score, prepare, score, train_phase  # noqa: E402
from tests.training_data import TINY, draw_colours  # noqa: E402


def training(data, out, **options):
    return run_training({"data": data, "out": out, **TINY, **options.pop("settings", {})}, **options)


@pytest.fixture(scope="module")
def trained(tiny):
    """The small network, from scratch."""
    return tiny


@pytest.fixture(scope="module")
def data(tiny):
    """What it was trained on."""
    return tiny.folder.parents[1] / "data"


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """The bundled ResNet50: a head trained on its embeddings, then its last stage. It takes a minute."""
    data = draw_colours(tmp_path_factory.mktemp("drawn") / "data", 20)
    options = {
        "backbone": "resnet50", "head": (16,), "fine_tune": "conv5", "epochs": 1, "head_epochs": 3,
        "batch_size": 4, "class_weights": True, "label_smoothing": 0.05,
    }  # fmt: skip
    return training(data, tmp_path_factory.mktemp("models") / "mine", settings=options)


def weights_of(folder):
    return keras.saving.load_model(folder / "model.keras", compile=False).get_weights()


def test_a_finished_run_is_a_model_folder(trained):
    there = {path.name for path in trained.folder.iterdir()}

    assert there == {"model.keras", "model.onnx", "model.json", "history.json", "evaluation.json", "index.html"}
    assert not trained.folder.with_name("pets.partial").exists()
    assert trained.page == trained.folder / "index.html"


def test_colours_are_learned(trained):
    assert trained.evaluation.accuracy.value == 1.0
    assert trained.evaluation.accuracy.total == 8


def test_the_card_says_what_it_was_trained_on_and_how(trained):
    card = read_card(trained.folder / "model.json")

    assert card.classes == ("blue", "red")
    assert card.input_size == (32, 32)
    assert set(card.files) == {"model.keras", "model.onnx"}
    assert card.trained_on == {image.content[:16] for image in trained.parts.train}
    assert card.about["settings"]["backbone"] == "small"
    assert card.about["measured"]["accuracy_test"] == trained.evaluation.accuracy.value
    assert card.about["keras_parity"]["largest_difference"] <= 1e-4


def test_all_epochs_are_in_the_history(trained):
    (phase,) = read_history(trained.folder).phases

    assert phase.name == "training"
    assert [epoch.number for epoch in phase.epochs] == [1, 2, 3]
    assert phase.epochs[-1].learning_rate < phase.epochs[0].learning_rate == pytest.approx(1e-3, rel=0.2)
    assert all(math.isfinite(epoch.val_loss) and epoch.seconds > 0 for epoch in phase.epochs)


def test_onnx_and_keras_give_the_same_probabilities(trained):
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)

    onnx, by_keras = (load_backend(trained.folder, kind=kind).forward(images) for kind in ("onnx", "keras"))

    np.testing.assert_allclose(onnx.probabilities, by_keras.probabilities, atol=1e-4)
    np.testing.assert_allclose(onnx.embedding, by_keras.embedding, atol=1e-3)
    assert onnx.features is not None


def test_the_summary_names_what_was_left_out_and_ends_with_the_page(trained):
    lines = list(summary_lines(trained))

    assert lines[0] == "images            72 trained on, 10 validation, 8 test"
    assert any(line.startswith("test accuracy ") for line in lines)
    assert any(line.startswith("left out: red/broken.png") for line in lines)
    assert lines[-1] == str(trained.page)


def test_a_scan_of_the_training_data_shows_what_is_in_sample(trained, data):
    from auditor.scanning.scan import run_scan

    audit = run_scan(Settings(data=data, model=trained.folder))

    assert audit.model.in_sample == len(trained.parts.train) == 72


def test_the_same_images_and_seed_give_the_same_weights_from_files_and_from_records(trained, data, tmp_path):
    pack(Settings.load(data=data), tmp_path / "shards", 2, Progress(), skip_unreadable=True)

    again = training(tmp_path / "shards", tmp_path / "again")

    for part in ("train", "val", "test"):
        assert [i.content for i in again.parts.part(part)] == [i.content for i in trained.parts.part(part)]
    for one, same in zip(weights_of(trained.folder), weights_of(again.folder), strict=True):
        np.testing.assert_allclose(one, same, atol=1e-6)


@pytest.mark.slow
def test_a_frozen_backbone_trains_its_head_on_embeddings_then_a_stage(frozen):
    before = read_onnx(bundled_model() / "model.onnx")
    layers = keras.saving.load_model(frozen.folder / "model.keras", compile=False).layers
    after = {layer.name: layer.get_weights() for layer in layers}

    assert [phase.name for phase in frozen.history.phases] == ["head", "fine-tuning"]
    assert np.array_equal(before["conv4_block6_3_conv"][0], after["conv4_block6_3_conv"][0])
    assert after["hidden_1"][0].shape == (2048, 16)
    gamma, beta, *_ = after["conv5_block3_3_bn"]
    assert np.array_equal(gamma, np.ones_like(gamma))           # folded weights: it stays the identity
    assert not beta.any()


@pytest.mark.slow
def test_out_of_fold_probabilities_of_the_training_images_are_stored(frozen):
    with np.load(frozen.folder / "out_of_fold.npz", allow_pickle=False) as stored:
        assert stored["files"].tolist() == [image.sample.file for image in frozen.parts.train]
        assert stored["contents"].tolist() == [image.content for image in frozen.parts.train]
        assert stored["labels"].tolist() == frozen.parts.labels("train").tolist()
        assert stored["classes"].tolist() == ["blue", "red"]
        np.testing.assert_allclose(stored["probabilities"].sum(axis=1), 1, atol=1e-5)


@pytest.mark.slow
def test_a_model_was_also_trained_on_the_images_of_its_initial_weights(frozen):
    own = {image.content[:16] for image in frozen.parts.train}
    before = read_card(bundled_model() / "model.json").trained_on

    assert before
    assert read_card(frozen.folder / "model.json").trained_on == before | own


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_killed_and_resumed_run_gives_the_same_result(trained, data, tmp_path):
    killed = signalled(signal.SIGKILL, data, tmp_path / "cut")
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "cut").exists()

    resumed = run_training({"data": data, "out": tmp_path / "cut"}, resume=True)

    (whole,), (cut,) = trained.history.phases, resumed.history.phases
    assert [epoch.number for epoch in cut.epochs] == [1, 2, 3]
    for one, same in zip(whole.epochs, cut.epochs, strict=True):
        assert one.val_loss == pytest.approx(same.val_loss, abs=1e-5)
    for one, same in zip(weights_of(trained.folder), weights_of(resumed.folder), strict=True):
        np.testing.assert_allclose(one, same, atol=1e-5)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupted_run_says_how_to_continue_and_refuses_other_settings(colours, tmp_path):
    data, out = colours(tmp_path / "data", 8), tmp_path / "models" / "mine"
    interrupted = signalled(signal.SIGTERM, data, out)

    assert interrupted.returncode == 3, interrupted.stderr
    assert "interrupted by SIGTERM" in interrupted.stderr
    assert f"auditor train {data} --out {out} --resume" in interrupted.stderr
    assert interrupted.stdout == ""
    with pytest.raises(InputError, match="Continue it with --resume"):
        training(data, out)
    with pytest.raises(InputError, match=r"--epochs 9 \(the run has 3\)"):
        training(data, out, settings={"epochs": 9}, resume=True)
    (data / "red" / "000.png").unlink()
    with pytest.raises(InputError, match=r"gone or have another label now: red/000.png"):
        training(data, out, resume=True)
    assert (tmp_path / "models" / "mine.partial" / "run.json").is_file()


def signalled(number, data, out):
    """A run of the command line that gets a signal after its second checkpoint, at any speed of the machine."""
    given = ["--backbone", "small", "--input-size", "32", "--epochs", "3", "--batch-size", "8", "--threads", "2"]
    code = (
        "import os, sys; from auditor import cli; from auditor.training.checkpoints import Checkpoints\n"
        "save, calls = Checkpoints.save, []\n"
        "def saved(self, *args, **kwargs):\n"
        "    save(self, *args, **kwargs); calls.append(1)\n"
        f"    if len(calls) == 2: os.kill(os.getpid(), {int(number)})\n"
        "Checkpoints.save = saved\n"
        f"sys.argv = ['auditor', 'train', {str(data)!r}, '--out', {str(out)!r}, *{given!r}]\n"
        "cli.main()"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)


def test_folded_weights_have_no_batch_normalisation_to_train(data, tmp_path):
    settings = {"backbone": "resnet50", "fine_tune": "conv5", "batch_norm": "trained"}

    with pytest.raises(InputError, match="multiplied into"):
        training(data, tmp_path / "mine", settings=settings)


def test_nothing_is_left_of_a_run_that_never_began(colours, tmp_path):
    data = colours(tmp_path / "data", 1)

    with pytest.raises(InputError, match="too few images"):
        training(data, tmp_path / "models" / "mine")

    assert not list((tmp_path / "models").iterdir())


def test_an_image_that_disappears_while_training_ends_the_run_by_name(colours, tmp_path):
    pixels = Pixels([Sample(str(tmp_path / "gone.png"), "red/gone.png", "red", "train")] * 8, (32, 32), Limits())
    targets, weights = np.ones((8, 1), np.float32), np.ones(8, np.float32)
    network = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    plan = PhasePlan("training", 1, 1, 1e-3, 0.0, 0.0, 0.0, bar_per_epoch=True)
    prepare(network, plan, 2)

    def batches(epoch):
        return ImageBatches(pixels, targets, weights, "tf", None, batch_size=4, seed=0, epoch=epoch)

    with pytest.raises(InputError, match=r"red/gone.png was readable.*--resume"):
        train_phase(
            network,
            plan,
            batches,
            lambda: Score(1.0, 0.5),
            TrainingHistory(),
            None,
            Progress(),
            failure=lambda: pixels.failure,
        )


def test_a_phase_keeps_its_best_weights_and_ends_when_patience_does():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    plan = PhasePlan("head", 20, 2, 1e-2, 0.1, 0.0, 0.0, bar_per_epoch=False)
    prepare(network, plan, 2)
    points, targets = np.eye(2, dtype=np.float32)[[0, 1] * 4], np.eye(2, dtype=np.float32)[[0, 1] * 4]
    losses = iter([0.9, 0.8, 0.5, 0.6, 0.7, 0.1])               # before the first epoch, then after each
    seen = []

    def batches(epoch):
        return EmbeddingBatches(points, targets, np.ones(8, np.float32), batch_size=4, seed=0, epoch=epoch)

    def validate():
        seen.append(network.get_weights())
        return Score(next(losses), 0.5)

    history = train_phase(network, plan, batches, validate, TrainingHistory(), None, Progress())

    assert [epoch.val_loss for epoch in history.phase("head").epochs] == [0.8, 0.5, 0.6, 0.7]
    for kept, best in zip(network.get_weights(), seen[2], strict=True):
        assert np.array_equal(kept, best)


def test_scores_are_cross_entropy_in_nats_and_accuracy():
    measured = score(np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.0]]), np.array([0, 1, 1]))

    assert measured.accuracy == pytest.approx(2 / 3)
    assert measured.loss == pytest.approx(-(np.log(0.5) + np.log(0.8) + np.log(1e-7)) / 3)
