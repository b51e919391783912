"""`auditor why`: the verdict on any scanned file, told from what the run stored."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import auditor
from auditor.audit import Finding
from auditor.cli import app
from auditor.errors import InputError
from auditor.outputs import write_outputs
from auditor.runs.folder import claim
from auditor.why import as_json, as_text, explain
from tests.backends.fake import FakeBackend
from tests.pictures import BETWEEN, GREY, LABEL_RULES, RED, draw_tinted, place_image


def store(audit, out, name="pets", run="one"):
    with claim(out, name, run) as claimed, claimed.publish() as folder:
        write_outputs(audit, folder)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """A folder with a red cat, an undecided dog, a broken file and a note, and the run of its scan."""
    home = tmp_path_factory.mktemp("home")
    for number in range(12):
        place_image(draw_tinted(GREY, number), home / "data" / "cat" / f"{number:02}.png")
        place_image(draw_tinted(RED, 100 + number), home / "data" / "dog" / f"{number:02}.png")
    place_image(draw_tinted(RED, 500), home / "data" / "cat" / "wrong.png")
    place_image(draw_tinted(BETWEEN, 501), home / "data" / "dog" / "undecided.png")
    (home / "data" / "cat" / "broken.jpg").write_bytes(b"")
    (home / "data" / "cat" / "notes.txt").write_text("not an image")
    audit = auditor.scan(home / "data", backend=FakeBackend(), rules=LABEL_RULES)
    store(audit, home / "reports")
    return home, audit


@pytest.fixture
def home(scanned, tmp_path, monkeypatch):
    """A copy to change, as the working directory."""
    shutil.copytree(scanned[0], tmp_path / "home", symlinks=True)
    for summary in (tmp_path / "home" / "reports").glob("*/*/summary.json"):
        change(summary, lambda stated: stated["dataset"].update(root="data"))
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def change(path, update):
    stated = json.loads(path.read_text())
    update(stated)
    path.write_text(json.dumps(stated))


def rewrite(home, **columns):
    """Columns of the stored predictions, as a later version writes them."""
    path = home / "reports" / "pets" / "one" / "predictions.parquet"
    table = pd.read_parquet(path)
    for name, values in columns.items():
        table[name] = [values(row) for row in table.to_dict("records")] if callable(values) else values
    table.to_parquet(path)


def told(file, home, **options):
    return as_text(explain(str(file), home / "reports", **options))


def test_a_wrong_label_is_explained_with_everything_that_flagged_it(home):
    text = told("data/cat/wrong.png", home)

    assert text.startswith("cat/wrong.png\nFlagged (")
    assert "labelled cat, suggested dog." in text
    assert "\nPlace 1 of 26 to review." in text
    assert re.search(r"^  other images +dog, cat has ", text, re.MULTILINE)
    assert re.search(r"^  model +dog \(", text, re.MULTILINE)
    assert "FLAGGED (high): " in text
    for finding in json_findings(home, "cat/wrong.png"):
        assert f"({finding['rule']})" in text and finding["message"] in text


def test_terms_of_the_trade_stand_only_below_how_it_was_judged(home):
    for name in ("data/cat/wrong.png", "data/cat/03.png", "data/dog/undecided.png"):
        plain, heading, judged = told(name, home).partition("\nHow this was judged\n")

        assert heading and "score" in judged and "fold" in judged
        assert not re.search(r"fold|probe|nats|matched|witness|threshold|score", plain.replace("folder", ""))


def test_a_rule_has_one_name_and_the_one_of_its_settings_beside_it(home):
    text = told("data/dog/undecided.png", home)

    assert re.search(r"^  Undecided \(low_confidence\) +not flagged: by the model ", text, re.MULTILINE)
    assert re.search(r"^  Model disagrees \(model_disagrees\) +FLAGGED ", text, re.MULTILINE)


def json_findings(home, file):
    lines = (home / "reports" / "pets" / "latest" / "findings.jsonl").read_text().splitlines()
    return [finding for finding in map(json.loads, lines) if finding["file"] == file]


def test_an_image_that_was_not_flagged_is_explained_too(home):
    explanation = explain("data/cat/03.png", home / "reports")

    assert not explanation.flagged
    reasons = {verdict.rule: verdict.why for verdict in explanation.rules}
    assert reasons["label_issue"].startswith("not flagged: the label is right with ")
    assert reasons["label_issue"].endswith("it flags where the label is more likely wrong than right.")
    assert reasons["model_disagrees"] == (
        "not flagged: the model sees cat too; it flags where that is not the given label."
    )
    assert reasons["low_confidence"].endswith("it flags under 70%, at most 2% of the images.")
    assert reasons["unreadable"] == "not flagged: it was decoded."
    assert reasons["format_mismatch"].startswith("not flagged: the file is PNG")
    assert "Not flagged: labelled cat." in as_text(explanation)


def test_what_was_not_decoded_and_what_was_left_out_say_why(home):
    reason = explain("data/cat/broken.jpg", home / "reports").reason
    assert f"It cannot be read: {reason}. Nothing was inferred on it." in told("data/cat/broken.jpg", home)
    assert "unreadable" in told("data/cat/broken.jpg", home)
    assert "label_issue" not in told("data/cat/broken.jpg", home)
    text = told("data/cat/notes.txt", home)
    assert "Left out of the scan: not an image (.txt)." in text
    assert "Rules" not in text


@pytest.mark.parametrize("name", ["data/cat/wrong.png", "./data/../data/cat/wrong.png", "cat/wrong.png"])
def test_a_file_is_found_by_the_path_that_a_user_types(home, name):
    assert explain(name, home / "reports").file == "cat/wrong.png"
    assert explain(str(home / "data" / "cat" / "wrong.png"), home / "reports").file == "cat/wrong.png"


@pytest.mark.parametrize("typed", ["data/cat/L\u00f6we.png", "data/cat/Lo\u0308we.png", "cat/L\u00f6we.png"])
def test_a_file_of_a_mac_is_found_in_either_unicode_form(home, typed):
    rewrite(home, file=lambda row: row["file"].replace("cat/00.png", "cat/Lo\u0308we.png"))

    assert "cat/Lo\u0308we.png" in told(typed, home)


def test_a_path_relative_to_the_class_folder_that_one_stands_in(home, monkeypatch):
    monkeypatch.chdir(home / "data" / "cat")

    assert explain("wrong.png", home / "reports").file == "cat/wrong.png"


def test_a_link_to_the_data_leads_to_it(home):
    (home / "elsewhere").symlink_to(home / "data")

    assert explain("elsewhere/cat/wrong.png", home / "reports").file == "cat/wrong.png"


def test_a_file_of_a_manifest_lies_beside_it(home):
    for summary in home.glob("reports/pets/one/summary.json"):
        change(summary, lambda stated: stated["dataset"].update(root="data/labels.csv"))

    assert explain("data/cat/wrong.png", home / "reports").file == "cat/wrong.png"


def test_the_newest_run_with_the_file_is_asked_and_the_others_are_named(home, scanned):
    later = replace(scanned[1], root="data", run=replace(scanned[1].run, started_at="2199-01-01T00:00:00+00:00"))
    store(later, home / "reports", name="later")

    explanation = explain("data/cat/wrong.png", home / "reports")

    assert explanation.run.folder.endswith("later/latest")
    assert [path.rpartition("reports/")[2] for path in explanation.also_in] == ["pets/latest"]
    assert "choose with --name or --run" in as_text(explanation)
    assert explain("data/cat/wrong.png", home / "reports", name="pets").run.folder.endswith("pets/latest")
    older = explain("data/cat/wrong.png", home / "reports", run=home / "reports" / "pets" / "one")
    assert older.run.folder.endswith("pets/one") and older.also_in == ()


def test_a_file_below_a_root_comes_before_one_that_is_only_called_the_same(home, scanned):
    other = replace(scanned[1], root="other", run=replace(scanned[1].run, started_at="2199-01-01T00:00:00+00:00"))
    store(other, home / "reports", name="other")

    assert explain("data/cat/wrong.png", home / "reports").run.folder.endswith("pets/latest")
    assert explain("cat/wrong.png", home / "reports").run.folder.endswith("other/latest")


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("data/cat/wrogn.png", "cat/wrong.png"),                # a slip of the finger
        ("cat/undecided.png", "dog/undecided.png"),             # another folder
        ("data/dog/Undecided.PNG", "dog/undecided.png"),        # another case
        ("undecided.png", "dog/undecided.png"),                 # no folder
    ],
)
def test_a_file_that_is_not_there_leads_to_the_nearest_names(home, typed, nearest):
    with pytest.raises(InputError, match=rf"none of the runs .* Did you mean {nearest}\b"):
        explain(typed, home / "reports")


def test_nothing_is_suggested_where_no_name_is_near(home):
    with pytest.raises(InputError) as error:
        explain("data/bird/kingfisher-with-a-fish.tiff", home / "reports")

    assert "Did you mean" not in str(error.value)


@pytest.mark.parametrize("typed", ["data/cat/000500001.png", "data/cat/00500002.pgn", "data/cat/x0500001.png"])
def test_the_nearest_of_very_many_names_is_found_too(home, typed):
    path = home / "reports" / "pets" / "one" / "predictions.parquet"
    table = pd.read_parquet(path)
    more = table.iloc[np.zeros(20_000, int)].assign(file=[f"cat/{499_000 + place:08}.png" for place in range(20_000)])
    pd.concat([table, more]).to_parquet(path)

    with pytest.raises(InputError, match=r"Did you mean .*cat/0050000"):
        explain(typed, home / "reports")


@pytest.mark.parametrize("file", ["data/cat/new.png", "/etc/passwd", "..", "", "a\nb.png", "\udcff.png", "a\0b"])
def test_a_file_that_no_run_knows_names_the_runs(home, file):
    with pytest.raises(InputError) as error:
        explain(file, home / "reports")

    assert "\0" in file or "pets/latest (of data" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_run_that_is_not_there_or_damaged_is_named(home):
    with pytest.raises(InputError, match="nowhere holds no run"):
        explain("data/cat/wrong.png", home / "nowhere")
    with pytest.raises(InputError, match="cannot be read"):
        explain("data/cat/wrong.png", home / "reports", name="nothing")
    with pytest.raises(InputError, match="leave --name out"):
        explain("data/cat/wrong.png", home / "reports", name="pets", run=home / "reports" / "pets" / "one")
    (home / "reports" / "pets" / "one" / "predictions.parquet").write_bytes(b"not parquet")
    with pytest.raises(InputError, match="parquet cannot be read"):
        explain("data/cat/wrong.png", home / "reports")
    (home / "reports" / "pets" / "one" / "summary.json").write_text("{}")
    with pytest.raises(InputError, match=r"holds no run that can be read \(.*pets/latest cannot\)"):
        explain("data/cat/wrong.png", home / "reports")


def test_neighbours_are_named_with_their_labels(home):
    near = ["dog/01.png", "dog/02.png", "cat/03.png"]
    rewrite(home, neighbours=lambda _: near, neighbour_share=np.float32(0.25), p_correct=np.float32(0.04))

    explanation = explain("data/cat/wrong.png", home / "reports")
    text = as_text(explanation)

    assert explanation.neighbours.same == 1
    assert [look.label for look in explanation.neighbours.files] == ["dog", "dog", "cat"]
    assert "the 3 most similar images: 1 of 3 labelled cat\n" in text
    assert "of the vote of the nearest embeddings 25% is for the given label" in text
    assert "label         right with a probability of 4%\n" in text
    assert all(file in text for file in near)


def test_a_run_of_an_older_version_is_still_explained(home):
    path = home / "reports" / "pets" / "one" / "predictions.parquet"
    table = pd.read_parquet(path)
    table.drop(columns=["neighbours", "neighbour_share", "p_correct"], errors="ignore").to_parquet(path)
    change(path.parent / "summary.json", lambda stated: (stated.pop("rules"), stated.pop("estimate")))

    explanation = explain("data/cat/03.png", home / "reports")

    assert explanation.neighbours is None and explanation.p_correct is None
    assert [verdict.title for verdict in explanation.rules][:2] == ["label_issue", "model_disagrees"]
    assert "a set probability" in as_text(explanation)


def test_a_doubtful_label_that_the_probe_still_prefers_says_so(home):
    rewrite(home, p_correct=np.float32(0.42))

    verdict = next(v for v in explain("data/cat/03.png", home / "reports").rules if v.rule == "label_issue")

    assert not verdict.flagged
    assert "right with 42%; but no other class is likelier" in verdict.why


def test_a_rule_that_this_version_does_not_know_is_explained_by_its_description(home):
    about = {"title": "Too blue", "description": "The sky fills the image.", "settings": {"share": 0.9}}
    summary = home / "reports" / "pets" / "one" / "summary.json"
    change(summary, lambda stated: stated["rules"].update(too_blue=about))

    verdict = explain("data/cat/03.png", home / "reports").rules[-1]

    assert (verdict.title, verdict.why) == ("Too blue", "not flagged. The rule: The sky fills the image (share 0.9).")
    assert verdict.settings == {"share": 0.9}


def test_a_model_of_other_classes_is_not_asked(tmp_path, scanned):
    audit = auditor.scan(scanned[0] / "data", backend=FakeBackend(("tree", "house")))
    store(audit, tmp_path)

    explanation = explain(str(scanned[0] / "data" / "cat" / "03.png"), tmp_path)

    assert explanation.model.predicted == "tree" and not explanation.model.judged
    text = as_text(explanation)
    assert "its classes are not the folder's" in text
    assert "not judged: the model does not know the folder's classes." in text
    assert "not flagged: by the other images the most probable class has" in text


def test_a_model_that_cannot_judge_the_labels_judged_none(home):
    summary = home / "reports" / "pets" / "one" / "summary.json"
    change(summary, lambda stated: stated["power"].update(can_judge=False))

    verdict = next(v for v in explain("data/cat/03.png", home / "reports").rules if v.rule == "label_issue")

    assert verdict.why == "not judged: the model knows these classes too little to call a label wrong."


def test_images_without_a_second_class_were_not_judged(tmp_path, place):
    for number in range(3):
        place(draw_tinted(GREY, number), tmp_path / "cat" / f"{number}.png")
    store(auditor.scan(tmp_path / "cat", backend=FakeBackend(("tree", "house"))), tmp_path / "reports")

    reasons = {
        verdict.rule: verdict.why for verdict in explain(str(tmp_path / "cat" / "1.png"), tmp_path / "reports").rules
    }

    assert reasons["label_issue"].startswith("not judged: ")


def test_a_scan_without_a_model_judged_no_label(tmp_path, place):
    for kind in ("cat", "dog"):
        for number in range(3):
            place(draw_tinted(GREY, number), tmp_path / "pets" / kind / f"{number}.png")
    audit = auditor.scan(tmp_path / "pets", no_model=True)
    store(audit, tmp_path / "reports")

    verdicts = explain(str(tmp_path / "pets" / "cat" / "1.png"), tmp_path / "reports").rules

    unjudged = {verdict.rule for verdict in verdicts if verdict.why == "not judged: the scan had no model."}
    assert unjudged == {"label_issue", "model_disagrees", "low_confidence", "outlier"}
    assert "No label was judged: the scan had no model." in audit.notes


def test_findings_about_other_files_that_name_this_one_are_told(home):
    pair = Finding(
        "0" * 16, "exact_duplicate", "low", "dog/04.png", None, ("cat/03.png",), "dog", None, 0.0, None, None, "Twins."
    )
    with (home / "reports" / "pets" / "one" / "findings.jsonl").open("a") as file:
        file.write(json.dumps(pair.__dict__) + "\n")

    assert "exact_duplicate of dog/04.png: Twins." in told("data/cat/03.png", home)


def test_a_rule_that_names_the_image_beside_another_one_does_not_say_that_it_found_nothing(home):
    path = home / "reports" / "pets" / "one"
    about = {"title": "Exact copy", "description": "The same bytes twice.", "settings": {}}
    change(path / "summary.json", lambda stated: stated["rules"].update(exact_duplicate=about))
    pair = Finding(
        "0" * 16, "exact_duplicate", "low", "dog/04.png", None, ("cat/03.png",), "dog", None, 0.0, None, None, "Twins."
    )
    with (path / "findings.jsonl").open("a") as file:
        file.write(json.dumps(pair.__dict__) + "\n")

    verdict = explain("data/cat/03.png", home / "reports").rules[-1]

    assert (verdict.rule, verdict.why) == ("exact_duplicate", "named by its finding about dog/04.png.")


HOSTILE = "\x1b]0;pwned\x07\x9b31m\u202egpj\n"


def test_no_name_speaks_to_the_terminal(home):
    rewrite(home, label=HOSTILE, predicted=HOSTILE, oof_predicted=HOSTILE, neighbours=lambda _: ["dog/01.png", HOSTILE])
    path = home / "reports" / "pets" / "one"
    findings = [json.loads(line) for line in (path / "findings.jsonl").read_text().splitlines()]
    attacked = [{**finding, "message": HOSTILE, "suggested": HOSTILE} for finding in findings]
    (path / "findings.jsonl").write_text("".join(json.dumps(finding) + "\n" for finding in attacked))
    change(path / "summary.json", lambda stated: stated["model"].update(name=HOSTILE))

    explanation = explain("data/cat/wrong.png", home / "reports")

    for text in (as_text(explanation), as_json(explanation)):
        assert all(character.isprintable() or character == "\n" for character in text)
    assert json.loads(as_json(explanation))["label"] == HOSTILE


def test_json_is_the_same_as_an_object(home):
    from typer.testing import CliRunner

    done = CliRunner().invoke(app, ["why", "data/cat/wrong.png", "--json"])

    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (told["file"], told["label"], told["suggested"], told["place"]) == ("cat/wrong.png", "cat", "dog", 1)
    assert {rule["rule"] for rule in told["rules"] if rule["flagged"]} >= {"label_issue", "model_disagrees"}


def test_the_command_asks_the_run_that_is_named(home):
    from typer.testing import CliRunner

    done = CliRunner().invoke(app, ["why", "cat/03.png", "--run", "reports/pets/one"])

    assert done.exit_code == 0
    assert "From reports/pets/one: data, scanned " in done.stdout


def test_synset_ids_read_as_names_and_files_do_not(home):
    run = home / "reports" / "pets" / "one"
    ids = {"cat": "n02123045", "dog": "n02086240"}
    rewrite(home, **{column: lambda row, column=column: ids.get(row[column]) for column in ("label", "oof_predicted")})
    findings = (run / "findings.jsonl").read_text()
    (run / "findings.jsonl").write_text(findings.replace('"cat"', '"n02123045"').replace('"dog"', '"n02086240"'))
    explanation = replace(explain("cat/wrong.png", home / "reports"), file="n02123045/n02123045_1.webp")

    text = as_text(explanation)

    assert text.startswith("n02123045/n02123045_1.webp\n")
    assert "labelled tabby, suggested Shih-Tzu." in text
    assert re.search("^  other images +Shih-Tzu", text, re.MULTILINE)
    assert text.count("n02123045") == 2                         # in the path alone
    assert json.loads(as_json(explanation))["label"] == "n02123045"
