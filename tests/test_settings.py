"""What commands can be told: by options, by auditor.toml, by neither; and what is answered to what cannot be."""

import re
import tomllib
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
import typer

from auditor.cli import app
from auditor.configuration import checked, hints_of, own_hints
from auditor.errors import InputError
from auditor.explain.request import Request
from auditor.settings import (
    EvaluateSettings,
    ExportSettings,
    PackSettings,
    Settings,
    SplitSettings,
)
from auditor.training.settings import TrainSettings

SECTIONS = {
    "scan": Settings,
    "evaluate": EvaluateSettings,
    "explain": Request,
    "split": SplitSettings,
    "tfrecord pack": PackSettings,
    "train": TrainSettings,
    "export": ExportSettings,
}


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Writes auditor.toml to a working directory of its own."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "auditor.toml").write_text(text, encoding="utf-8")

    return write


def command(name):
    found = typer.main.get_command(app)
    for part in name.split():
        found = found.commands[part]
    return found


def options_of(name):
    """The options of a command that are not given as arguments: parameter -> option."""
    return {each.name: each for each in command(name).params if each.opts[0].startswith("-")}


def test_an_option_beats_the_commands_section_which_beats_that_of_a_scan(config):
    config("[scan]\nbatch_size = 2\nthreads = 2\ndevice = 'cpu'\n[evaluate]\nbatch_size = 3\nthreads = 3")

    settings = EvaluateSettings.load(data="pets", threads=4, batch_size=None)

    assert (settings.threads, settings.batch_size, settings.device) == (4, 3, "cpu")


def test_the_sections_of_other_commands_do_not_count(config):
    config("[evaluate]\nbatch_size = 3\n[train]\nbatch_size = 4\n[scan]\nname = 'pets'")

    assert Settings.load(data="pets").batch_size == 16
    assert EvaluateSettings.load(data="pets").name is None          # a scan's name is not that of an evaluation


def test_data_are_kept_as_they_were_written():
    assert Settings(data="s3://bucket/pets").data == "s3://bucket/pets"
    assert Settings(data=Path("pets")).data == "pets"


def test_files_are_found_from_where_the_configuration_lies(tmp_path):
    (tmp_path / "job.toml").write_text("[scan]\nmodel = 'net'\nclass_map = 'map.json'\nout = '/reports'")

    settings = Settings.load(config=tmp_path / "job.toml", data="pets")

    assert settings.model == tmp_path / "net"
    assert settings.class_map == str(tmp_path / "map.json")
    assert settings.out == Path("/reports")


def test_what_is_scanned_can_stand_in_the_file(tmp_path):
    (tmp_path / "job.toml").write_text("[scan]\ndata = 'pets/labels.csv'")

    assert Settings.load(config=tmp_path / "job.toml").data == str(tmp_path / "pets" / "labels.csv")
    assert Settings.load(config=tmp_path / "job.toml", data="cats").data == "cats"
    assert EvaluateSettings.load(config=tmp_path / "job.toml", data="cats").data == "cats"


def test_an_address_in_the_file_is_no_path(config):
    config("[scan]\ndata = 's3://bucket/pets'")

    assert Settings.load().data == "s3://bucket/pets"


@pytest.mark.parametrize("name", [each.name for each in fields(Settings) if each.name != "checks"])
def test_whatever_a_scan_can_be_told_can_stand_in_the_file(name, config):
    hint = hints_of(Settings)[name]
    for written in ("true", "7", "'cpu'", "'onnx'", "'name'", "'viridis'", "'inline'", "'x'", "['x']"):
        with suppress(InputError):
            stated = checked(name, hint, tomllib.loads(f"value = {written}")["value"])
            break
    config(f"[scan]\n{name} = {written}")

    assert getattr(Settings.load(), name) == stated


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Writes pyproject.toml to a working directory of its own."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")

    return write


def test_settings_can_stand_in_pyproject_toml(project):
    project(
        "[project]\nname = 'x'\n"
        "[tool.auditor.scan]\nthreads = 3\n[tool.auditor.checks.low_confidence]\nminimum = 0.6"
    )

    for given in (None, Path("pyproject.toml")):
        settings = Settings.load(config=given)
        assert settings.threads == 3
        assert settings.checks == {"low_confidence": {"minimum": 0.6}}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[tool.auditor.scan]\nthreads = 0", r"pyproject.toml: \[tool.auditor.scan\] threads is 0; expected"),
        ("[tool.auditor.scam]", r"no use for \[tool.auditor.scam\] \(did you mean scan\?\); expected \[tool.aud"),
        ("[tool]\nauditor = 3", r"tool.auditor is 3; expected tables like \[tool.auditor.scan\]"),
        ("[tool.auditor]\nscan = 3", r"tool.auditor.scan is 3; expected a table \[tool.auditor.scan\]"),
        ("[tool.auditor", "pyproject.toml cannot be read as TOML"),
    ],
)
def test_what_is_wrong_in_pyproject_toml_is_named_as_it_is_written_there(text, complaint, project):
    project(text)

    with pytest.raises(InputError, match=complaint):
        Settings.load()


def test_a_file_that_is_not_there_is_no_bad_toml(tmp_path):
    with pytest.raises(InputError, match=r"nope\.toml cannot be read \(No such file or directory\); expected settings"):
        Settings.load(config=tmp_path / "nope.toml")


def test_a_pyproject_toml_of_others_counts_for_nothing(project):
    project("[tool.ruff]\nline-length = 120")

    assert Settings.load() == Settings()
    with pytest.raises(InputError, match=r"has no settings of auditor; expected tables like \[tool.auditor.scan\]"):
        Settings.load(config=Path("pyproject.toml"))


def test_settings_in_both_files_are_an_error_unless_one_is_named(project, config):
    project("[tool.auditor.scan]\nthreads = 3")
    config("[scan]\nthreads = 4")

    with pytest.raises(InputError, match=r"auditor.toml and \[tool.auditor\] in pyproject.toml both hold .*--config"):
        Settings.load()
    assert Settings.load(config=Path("auditor.toml")).threads == 4

    project("[tool.auditor")
    assert Settings.load().threads == 4         # whatever is wrong with the other one


def test_pairs_of_a_class_map_are_no_file(config):
    config("[scan]\nclass_map = 'tabby=cat'")

    assert Settings.load(data="pets").class_map == "tabby=cat"


def test_what_explain_shares_with_a_scan_and_what_it_does_not(config):
    config(
        "[scan]\nout = 'mine'\ncolours = 'viridis'\nmodel = 'a'\nbackend = 'keras'\n"
        "[explain]\nmodel = 'b'\ntop = 5\nlayers = ['2', '26']\nfilters = 'conv1:3'"
    )

    request = Request.load(Path("cat.jpg"), maps=4)

    assert (request.settings.model, request.settings.backend) == (Path("b"), "keras")
    assert (request.top, request.maps, request.colours) == (5, 4, "viridis")
    assert (request.layers, request.filters) == (("2", "26"), ("conv1:3",))
    assert request.home == Path("mine/explain")


def test_splits_shards_and_exports_have_sections(config):
    config(
        "[scan]\nlabel_from = 'name'\nmax_pixels = 500\n[split]\ntrain = 0.5\nval = 0\ntest = 0.5\nby = 'copy'\n"
        "[tfrecord]\nshards = 4\nskip_unreadable = true\n[export]\nimages = 90\ncalibration = 'photos'"
    )

    split, pack, export = SplitSettings.load(data="pets"), PackSettings.load(data="pets"), ExportSettings.load()

    assert (split.train, split.val, split.by, split.label_from) == (0.5, 0.0, "copy", "name")
    assert (pack.shards, pack.skip_unreadable, pack.limits.max_pixels) == (4, True, 500)
    assert (export.images, export.calibration, export.limits.max_pixels) == (90, Path("photos"), 500)


@pytest.mark.parametrize(
    ("text", "kind", "complaint"),
    [
        ("[trian]", Settings, r"no use for \[trian\] \(did you mean train\?\); expected \[scan\], .*\[checks\]"),
        ("scan = 3", Settings, r"scan is 3; expected a table \[scan\]"),
        ("[scan]\nmodle = 'x'", Settings, r"\[scan\] has no setting 'modle' \(did you mean model\?\); expected one of"),
        ("[scan]\nmax-cards = 1", Settings, r"did you mean max_cards\?"),
        ("[scan]\nmodle = 'x'", SplitSettings, r"did you mean model\?"),
        ("[split]\nmodel = 'x'", SplitSettings, r"\[split\] has no setting 'model'"),
        ("[evaluate]\nmax_cards = 1", EvaluateSettings, r"\[evaluate\] has no setting 'max_cards'"),
        ("[explain]\nseeds = 1", Request, r"did you mean seed\?"),
        ("[scan]\ndata = 3", Settings, "data is 3; expected text"),
        ("[evaluate]\ndata = 'x'", EvaluateSettings, r"\[evaluate\] has no setting 'data'"),
        ("[scan.checks.blurry]", Settings, "no setting 'checks'"),
        ("checks = 3", Settings, "checks is 3"),
        ("[checks]\nlow_confidence = 3", Settings, r"\[checks\] is .*expected tables"),
        ("[scan]\nthreads = 0", Settings, r"\[scan\] threads is 0; expected a whole number from 1 to 4096"),
        ("[scan]\nthreads = 2.0", Settings, "threads is 2.0; expected a whole number"),
        ("[scan]\nout = 3", Settings, "out is 3; expected a path"),
        ("[scan]\nname = ['a']", Settings, r"name is \['a'\]; expected text"),
        ("[scan]\ndevice = 'gpu'", Settings, "device is 'gpu'; expected one of auto, cpu, cuda"),
        ("[split]\ntrain = 1.5", SplitSettings, "train is 1.5; expected a number from 0 to 1"),
        ("[split]\ntrain = nan", SplitSettings, "train is nan"),
        ("[train]\nlearning_rate = inf", TrainSettings, "learning_rate is inf"),
        ("[split]\ntrain = true", SplitSettings, "train is True; expected a number"),
        ("[explain]\nlayers = [2]", Request, r"layers is \[2\]; expected text, or an array"),
        ("[train]\nhead = [0]", TrainSettings, r"\[train\] head is \[0\]; expected linear, or"),
        ("[train]\ninput_size = [64, 64, 3]", TrainSettings, "expected a side in pixels"),
        ("[train]\nweights = 3", TrainSettings, "weights is 3; expected text"),
        ("[train]\nout = 'x'", TrainSettings, "no setting 'out'"),
    ],
)
def test_what_cannot_be_is_answered_with_what_can(text, kind, complaint, config):
    config(text)
    needed = {Settings: {"data": "x"}, Request: {"source": Path("x")}, TrainSettings: {"data": "x", "out": "y"}}

    with pytest.raises(InputError, match=f"auditor.toml.*{complaint}"):
        kind.load(**needed.get(kind, {"data": "x"}))


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (Settings, "threads", -1),
        (Settings, "batch_size", 0),
        (Settings, "max_pixels", 0),
        (Settings, "max_bytes", 0),
        (Settings, "max_cards", -1),
        (Settings, "max_occlusion", -1),
        (PackSettings, "shards", 0),
        (SplitSettings, "seed", -1),
        (ExportSettings, "images", 0),
    ],
)
def test_numbers_out_of_range_are_refused_however_they_come(kind, name, value):
    needed = {} if kind is ExportSettings else {"data": "x"}

    for make in (kind, kind.load):
        with pytest.raises(InputError, match=f"--{name.replace('_', '-')} is {value}; expected a whole number from"):
            make(**needed, **{name: value})


@pytest.mark.parametrize(
    ("section", "text", "complaint"),
    [
        ("split", f"train = 1{'0' * 400}", "train is a number of many digits; expected a number from 0 to 1"),
        ("split", "test = -inf", "test is -inf"),
        ("train", "dropout = 1e999", "dropout is inf"),
        ("train", "warmup = -0.001", "warmup is -0.001; expected a number from 0 to 0.9"),
        ("train", "epochs = 1e3", "epochs is 1000.0; expected a whole number from 1 to 10000"),
        ("scan", f"threads = 0x{'f' * 5000}", "threads is a number of many digits"),
        ("scan", "max_bytes = -1", "max_bytes is -1; expected a whole number from 1 to 1099511627776"),
        ("explain", "steps = 1000000000", "steps is 1000000000; expected a whole number from 1 to 100000"),
        ("explain", "limit = 0", "limit is 0; expected a whole number from 1 up"),
        ("tfrecord", "shards = 2020-01-01", r"shards is datetime\.date.*; expected a whole number"),
        ("export", "images = 0x0", "images is 0; expected"),
        ("scan", 'model = "a\\u0000b"', r"model is 'a\\x00b'; expected a path"),
        ("scan", 'class_map = "\\u0000.json"', "class_map is .*; expected text"),
    ],
)
def test_no_number_or_name_of_a_file_gets_further_than_its_settings(section, text, complaint, config):
    config(f"[{section}]\n{text}")
    kind = next(kind for kind in SECTIONS.values() if kind.section == section)
    needed = {Request: {"source": Path("x")}, ExportSettings: {}, TrainSettings: {"data": "x", "out": "y"}}

    with pytest.raises(InputError, match=rf"auditor.toml: \[{section}\] {complaint}"):
        kind.load(**needed.get(kind, {"data": "x"}))


@pytest.mark.parametrize(("name", "kind"), SECTIONS.items())
def test_every_setting_is_an_option_of_its_command_and_the_other_way_round(name, kind):
    beside = {"config", "as_json", "help"}                          # and what a file is not to say
    beside |= {"train": {"out", "resume", "overwrite"}, "export": {"int8", "fp16", "overwrite"}}.get(name, set())
    beside |= {"list_layers"} if name == "explain" else set()
    arguments = {each.name for each in command(name).params if not each.opts[0].startswith("-")}

    settings = {*own_hints(kind), *kind.shared} - {"checks"}

    assert options_of(name).keys() - beside == settings - arguments


@pytest.mark.parametrize(("name", "kind"), SECTIONS.items())
def test_help_tells_the_defaults_that_the_settings_have(name, kind):
    defaults = {each.name: each.default for each in fields(kind)}
    told = {
        setting: default[1]
        for setting, each in options_of(name).items()
        if (default := re.search(r"\[default: ([^\s;\]]+)", each.help)) and setting in defaults
    }

    assert told
    for setting, text in told.items():
        default = defaults[setting]
        if isinstance(default, float):
            assert float(text) == default
        elif default != "" and isinstance(default, bool | int | str | Path):    # others are told in words
            assert text == ("yes" if default is True else str(default))


@pytest.mark.parametrize(("written", "globs"), [('"*.tif"', ("*.tif",)), ('["masks", "*.tif"]', ("masks", "*.tif"))])
def test_what_is_excluded_stands_in_the_file_too_and_counts_for_others(written, globs, config):
    config(f"[scan]\nexclude = {written}\nclasses_at = 2\n")

    for kind in (Settings, SplitSettings):
        settings = kind.load(data="pets")
        assert (settings.exclude, settings.classes_at) == (globs, 2)
