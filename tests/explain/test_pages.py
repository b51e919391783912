"""What `explain` writes: pages that are complete and safe, and the PNG files beside them."""

import json
import re
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from auditor.backends.card import ModelCard
from auditor.errors import InputError
from auditor.explain import Request, explain, layer_table
from auditor.explain.sources import find, read
from auditor.heatmaps.grad_cam import legend
from auditor.progress import Progress
from auditor.settings import Limits, Settings
from tests.backends.nets import FILTERS, SIDE, WEIGHTS, Net, classifier, features_by_hand, save
from tests.report.page import Document

HOSTILE = ("<script>alert(1)</script>", "../../up", 'x" onerror="alert(2)')


def model(folder, names=("cat", "dog", "fox"), **spelling):
    folder.mkdir(exist_ok=True)
    save(classifier(**spelling), folder, "model.onnx")
    ModelCard("net", tuple(names), (SIDE, SIDE), "raw", files={}).write(folder)
    return folder


def ask(source, folder, out, **options):
    settings = Settings(data=source, model=folder, device="cpu")
    return explain(Request(source=source, settings=settings, out=out, **options), Progress())


def policy_of(page):
    return next(tag for tag in page.all("meta") if "http-equiv" in tag.attributes).attributes["content"]


@pytest.fixture
def image(place, photo, tmp_path):
    return place(photo, tmp_path / "data" / "Cats" / "tom.jpg")


def test_an_image_has_a_page_and_its_pictures_as_png(image, tmp_path):
    path = ask(image, model(tmp_path / "net"), tmp_path / "out")

    assert path == tmp_path / "out" / "tom" / "index.html"
    page = Document(path.read_text(encoding="utf-8"))
    assert page.open == []
    assert "Grad-CAM" in page.text
    files = {file.name for file in path.parent.iterdir()}
    assert {"original.png", "heatmap-cat.png", "overlay-cat.png", "heatmap-fox.png", "explain.json"} <= files
    assert {"feature-maps-Conv_0.png", "feature-maps-Relu_1.png"} <= files
    assert cv2.imread(str(path.parent / "overlay-cat.png")).shape == (384, 512, 3)
    linked = {value for value in page.values("href") if value.endswith(".png")}
    assert linked == {name for name in files if name.endswith(".png")}


def test_a_page_has_the_path_that_the_user_wrote(image, tmp_path, monkeypatch):
    net = model(tmp_path / "net")
    monkeypatch.chdir(tmp_path)
    one = ask(Path("data/Cats/tom.jpg"), net, tmp_path / "one").read_text(encoding="utf-8")
    folder = ask(Path("data"), net, tmp_path / "all")
    pages = [one, *(path.read_text(encoding="utf-8") for path in folder.parent.rglob("index.html"))]

    assert len(pages) == 3
    assert all(str(tmp_path) not in Document(page).text for page in pages)
    assert sum("data/Cats/tom.jpg" in Document(page).text for page in pages) == 2


def test_the_page_loads_nothing_and_allows_its_style_alone(image, tmp_path):
    path = ask(image, model(tmp_path / "net"), tmp_path / "out")

    page = Document(path.read_text(encoding="utf-8"))

    assert policy_of(page).startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy_of(page) and not page.all("script")
    assert page.values("style") == []
    assert all(value.startswith("data:image/") for value in page.values("src"))
    assert all(picture.attributes["alt"] for picture in page.all("img"))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in page.values("href") if value.startswith("#")} <= set(ids)
    levels = [int(element.tag[1]) for element in page.elements if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1 and all(below - above <= 1 for above, below in pairwise(levels))


def test_the_folder_names_the_given_class_and_the_label_option_beats_it(image, tmp_path):
    def given(path):
        return json.loads((path.parent / "explain.json").read_text())["given"]

    folder = model(tmp_path / "net")

    assert given(ask(image, folder, tmp_path / "a")) == "cat"
    assert given(ask(image, folder, tmp_path / "b", label="FOX")) == "fox"
    with pytest.raises(InputError, match="not a class of the model"):
        ask(image, folder, tmp_path / "c", label="cow")
    assert not (tmp_path / "c").exists()


def test_where_top_and_given_class_differ_their_contrast_is_shown(image, tmp_path):
    folder = model(tmp_path / "net")
    ranked = [each["name"] for each in record(ask(image, folder, tmp_path / "a"))["classes"]]

    other = ask(image, folder, tmp_path / "b", label=ranked[-1], top=1)
    same = ask(image, folder, tmp_path / "c", label=ranked[0], top=1)

    assert (other.parent / f"contrast-{ranked[0]}-{ranked[-1]}.png").is_file()
    assert f"{ranked[0]} rather than {ranked[-1]}" in Document(other.read_text(encoding="utf-8")).text
    assert (other.parent / f"overlay-{ranked[-1]}.png").is_file()
    assert not list(same.parent.glob("contrast*"))
    assert "That is the given class." in Document(same.read_text(encoding="utf-8")).text


def record(path):
    return json.loads((path.parent / "explain.json").read_text(encoding="utf-8"))


def test_probabilities_are_those_of_the_model(image, tmp_path):
    from auditor.backends import load_backend

    folder = model(tmp_path / "net")
    backend = load_backend(folder)
    [source] = find(image, 1).sources
    expected = backend.forward(read(source, (SIDE, SIDE), Limits()).image[None]).probabilities[0]

    found = {each["output"]: each["probability"] for each in record(ask(image, folder, tmp_path / "out"))["classes"]}

    assert found == pytest.approx(dict(enumerate(expected.tolist())), abs=1e-5)


def test_a_model_without_pooling_is_explained_by_occlusion_and_says_so(image, tmp_path):
    net = Net()
    maps = net.add("Relu", net.add("Conv", "image", net.constant(FILTERS.T[:, :, None, None]), kernel_shape=[1, 1]))
    weights = np.random.default_rng(1).normal(0, 0.1, (5 * SIDE * SIDE, 3)).astype(np.float32)
    scores = net.add("Softmax", net.add("MatMul", net.add("Flatten", maps), net.constant(weights)))
    folder = model(tmp_path / "net")
    save(net.model(["N", 3, SIDE, SIDE], [scores]), folder, "model.onnx")

    path = ask(image, folder, tmp_path / "out", label="dog")

    assert record(path)["method"] == "occlusion"
    assert "Occlusion" in Document(path.read_text(encoding="utf-8")).text


def test_names_from_a_model_are_only_ever_text(image, tmp_path):
    path = ask(image, model(tmp_path / "net", HOSTILE), tmp_path / "out", label=HOSTILE[0])

    page = Document(path.read_text(encoding="utf-8"))
    assert not page.all("script")
    assert not [name for element in page.elements for name in element.attributes if name.startswith("on")]
    assert HOSTILE[0] in page.text
    assert all(file.parent == path.parent for file in path.parent.iterdir())
    assert {"heatmap-script-alert-1-script.png", "heatmap-up.png"} <= {file.name for file in path.parent.iterdir()}
    assert not (tmp_path / "up.png").exists()


def test_classes_without_letters_or_names_have_files_all_the_same(image, tmp_path):
    path = ask(image, model(tmp_path / "net", ("😀", "🐶", "🐱")), tmp_path / "out")

    assert {"heatmap-class-0.png", "heatmap-class-1.png"} <= {file.name for file in path.parent.iterdir()}


def test_the_same_run_gives_the_same_page(image, tmp_path):
    folder = model(tmp_path / "net")

    first = ask(image, folder, tmp_path / "out").read_bytes()
    assert ask(image, folder, tmp_path / "out").read_bytes() == first


def test_maps_and_layers_are_those_asked_for(image, tmp_path):
    folder = model(tmp_path / "net")

    path = ask(image, folder, tmp_path / "out", layers=("2",), maps=3)
    none = ask(image, folder, tmp_path / "none", maps=0)

    page = Document(path.read_text(encoding="utf-8"))
    assert "Relu_1" in page.text and "Conv_0" not in page.text
    assert "the strongest 3" in page.text
    assert not list(none.parent.glob("feature-maps*"))


def test_the_head_gives_grad_cam_at_its_own_layer_and_a_reason_at_others(image, tmp_path):
    folder = model(tmp_path / "net")

    path = ask(image, folder, tmp_path / "out", cam_layer=("Relu_1",))
    assert (path.parent / "cam-Relu_1.png").is_file()
    for cams in (("Conv_0",), ("all",)):
        with pytest.raises(InputError, match="--backend keras"):
            ask(image, folder, tmp_path / "out", cam_layer=cams)
    with pytest.raises(InputError, match="gradient ascent"):
        ask(image, folder, tmp_path / "out", filters=("Relu_1:0",))


@pytest.fixture
def folder_of_images(place, draw, tmp_path):
    for number in range(4):
        place(draw(number), tmp_path / "pets" / "cat" / f"{number}.jpg")
        place(draw(9 + number), tmp_path / "pets" / "dog" / f"{number}.jpg")
    (tmp_path / "pets" / "cat" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    return tmp_path / "pets"


def test_a_folder_has_a_page_that_links_those_of_its_images(folder_of_images, tmp_path):
    path = ask(folder_of_images, model(tmp_path / "net"), tmp_path / "out")

    assert path == tmp_path / "out" / "pets" / "index.html"
    page = Document(path.read_text(encoding="utf-8"))
    links = [value for value in page.values("href") if value.endswith("/index.html")]
    assert len(links) == 8
    for link in links:
        inner = Document((path.parent / link).read_text(encoding="utf-8"))
        assert "../index.html" in inner.values("href")
    assert "cat/broken.jpg" in page.text
    assert not (path.parent / "cat-broken").exists()
    assert len(record(path)["images"]) == 8 and len(record(path)["unreadable"]) == 1


def test_a_limit_spreads_over_the_folder_and_is_stated(folder_of_images, tmp_path):
    (folder_of_images / "cat" / "broken.jpg").unlink()

    path = ask(folder_of_images, model(tmp_path / "net"), tmp_path / "out", limit=2)

    assert [entry["file"] for entry in record(path)["images"]] == ["cat/0.jpg", "dog/3.jpg"]
    assert "The folder holds 8" in Document(path.read_text(encoding="utf-8")).text


def test_what_cannot_be_explained_is_an_error_and_writes_nothing(folder_of_images, tmp_path):
    folder, empty = model(tmp_path / "net"), tmp_path / "empty"
    empty.mkdir()

    for source, complaint in (
        (folder_of_images / "cat" / "broken.jpg", "cannot be read"),
        (tmp_path / "nowhere.jpg", "there is nothing"),
        (empty, "no image"),
    ):
        with pytest.raises(InputError, match=complaint):
            ask(source, folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value"), [("top", 0), ("maps", -1), ("limit", 0), ("colours", "pink"), ("steps", 0)]
)
def test_options_out_of_range_are_errors(option, value, tmp_path):
    with pytest.raises(InputError, match=f"--{option}"):
        Request(source=tmp_path, settings=Settings(data=tmp_path), **{option: value})


def test_the_float_file_of_a_model_folder_runs_and_the_page_says_so(image, tmp_path):
    folder = model(tmp_path / "net")
    save(classifier(int8="channel"), folder, "model.int8.onnx")
    from auditor.backends.card import sha256

    files = {name: sha256(folder / name) for name in ("model.onnx", "model.int8.onnx")}
    ModelCard("net", ("cat", "dog", "fox"), (SIDE, SIDE), "raw", files=files).write(folder)

    path = ask(image, folder, tmp_path / "out")

    assert record(path)["model"]["file"] == "model.onnx"
    assert "model.onnx ran, in floating point" in Document(path.read_text(encoding="utf-8")).text


def test_the_table_of_layers_has_numbers_names_shapes_and_stars(tmp_path):
    table = layer_table(Settings(data=tmp_path, model=model(tmp_path / "net"), device="cpu"))

    assert "*    1  Conv_0  Conv  8 x 8 x 5" in table
    assert "layer 2" in table


def test_the_heatmap_of_a_class_is_the_one_by_hand(image, tmp_path):
    [source] = find(image, 1).sources
    features = features_by_hand(read(source, (SIDE, SIDE), Limits()).image[None])[0]       # (h, w, 5)
    path = ask(image, model(tmp_path / "net"), tmp_path / "out")
    colours = [tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5)) for colour in legend(stops=256)]

    for column, name in enumerate(("cat", "dog", "fox")):
        evidence = np.maximum(features @ WEIGHTS[:, column], 0)
        levels = np.rint(255 * evidence / max(evidence.max(), 1e-9)).astype(int)
        picture = cv2.imread(str(path.parent / f"heatmap-{name}.png"))[..., ::-1]       # (384, 512, 3) RGB
        for row, level in np.ndenumerate(levels):
            shown = tuple(int(value) for value in picture[row[0] * 48 + 24, row[1] * 64 + 32])
            assert shown in colours[max(0, level - 1) : level + 2]
