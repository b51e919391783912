"""SARIF: valid, capped, and with addresses that lead to the files."""

import gzip
import json
from pathlib import Path
from urllib.parse import unquote

import jsonschema
import pytest

from auditor.outputs.sarif import sarif, write_sarif
from tests.gates.made import HOSTILE, UNPRINTABLE, audited, found

#: The published schema, and what GitHub requires beyond it.
SCHEMAS = [
    json.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))
    for name in ("schemas/sarif-2.1.0.json", "sarif.schema.json")
]
VALIDATORS = [jsonschema.validators.validator_for(schema)(schema) for schema in SCHEMAS]


def test_the_schemas_are_schemas():
    for validator in VALIDATORS:
        validator.check_schema(validator.schema)


@pytest.fixture(autouse=True)
def repository(tmp_path, monkeypatch):
    """A working directory that is no job of GitHub's."""
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def validate(document):
    for validator in VALIDATORS:
        validator.validate(document)


def run_of(audit, most=5_000, size=10_000_000):
    document = json.loads(sarif(audit, most, size))
    validate(document)
    return document["runs"][0]


def addresses(run):
    return [result["locations"][0]["physicalLocation"]["artifactLocation"] for result in run["results"]]


def test_findings_are_results_with_rules_levels_and_fingerprints(tmp_path):
    audit = audited(
        found(id="aa", file="cat/1.jpg", severity="low", related=("cat/2.jpg", "dog/3.jpg")),
        found("blurry", id="bb", status="persisting"),
        found("unreadable", id="cc", severity="medium"),
        found(status="accepted"),
    )

    document = json.loads(write_sarif(audit, tmp_path).read_text(encoding="ascii"))
    validate(document)
    (run,) = document["runs"]

    told = [(each["ruleId"], each["level"], each["baselineState"]) for each in run["results"]]
    assert told == [
        ("blurry", "error", "unchanged"), ("unreadable", "warning", "new"), ("label_issue", "note", "new"),
    ]  # fmt: skip
    rules = run["tool"]["driver"]["rules"]
    assert [rules[each["ruleIndex"]]["id"] for each in run["results"]] == [rule for rule, _, _ in told]
    assert rules[0]["help"]["text"] == "What label_issue means. Settings: limit 0.5."
    assert run["results"][2]["partialFingerprints"]["auditorFinding/v1"] == "aa"
    assert run["results"][2]["partialFingerprints"]["primaryLocationLineHash"] == "aa:1"
    assert [each["id"] for each in run["results"][2]["relatedLocations"]] == [0, 1]
    assert run["properties"] == {"accepted": 1, "leftOut": 0, "gatePassed": True}
    assert run["invocations"][0]["endTimeUtc"] == "2025-01-31T02:00:12.500Z"


def test_addresses_are_relative_to_the_repository():
    run = run_of(audited(found(), found("class_imbalance", None)))

    assert addresses(run) == [
        {"uri": "data/pets/cat/1.jpg", "uriBaseId": "%SRCROOT%"}, {"uri": "data/pets", "uriBaseId": "%SRCROOT%"},
    ]  # fmt: skip


def test_a_job_of_github_may_work_in_a_folder_of_its_repository(repository, monkeypatch):
    monkeypatch.setenv("GITHUB_WORKSPACE", str(repository))
    (repository / "ml").mkdir()
    monkeypatch.chdir(repository / "ml")

    assert addresses(run_of(audited(found())))[0]["uri"] == "ml/data/pets/cat/1.jpg"


@pytest.mark.parametrize(
    ("root", "base"), [("/mnt/my pets", "file:///mnt/my%20pets/"), ("s3://bucket/pets", "s3://bucket/pets/")]
)
def test_outside_of_the_repository_they_are_relative_to_the_data_set(root, base):
    run = run_of(audited(found(), found("class_imbalance", None), root=root))

    assert run["originalUriBaseIds"] == {"DATASET": {"uri": base}}
    assert addresses(run)[0] == {"uri": "cat/1.jpg", "uriBaseId": "DATASET"}


def test_a_table_names_files_beside_it():
    assert addresses(run_of(audited(found(), root="data/pets.csv")))[0]["uri"] == "data/cat/1.jpg"


@pytest.mark.parametrize("name", [HOSTILE, "\u732b/100%.jpg", "../../etc/passwd?x#y"])
def test_names_are_percent_encoded(name):
    run = run_of(audited(found(file=name, message=name, label=name, suggested=name), name=name))

    assert unquote(addresses(run)[0]["uri"]) == f"data/pets/{name}"
    assert run["results"][0]["message"]["text"] == name


def test_bytes_that_are_no_text_lead_to_the_file():
    run = run_of(audited(found(file=UNPRINTABLE)))

    assert addresses(run)[0]["uri"] == "data/pets/a%1B%5B31m%0A%3A%3Aerror%FF"


def test_the_most_severe_stay_and_the_rest_is_counted():
    findings = [found(id=str(number), severity=("low", "high", "medium")[number % 3]) for number in range(30)]

    run = run_of(audited(*findings), most=12)

    assert [each["level"] for each in run["results"]] == ["error"] * 10 + ["warning"] * 2
    assert [each["partialFingerprints"]["auditorFinding/v1"] for each in run["results"][:3]] == ["1", "4", "7"]
    assert run["properties"]["leftOut"] == 18
    notice = run["invocations"][0]["toolExecutionNotifications"][0]
    assert (notice["level"], notice["message"]["text"][:20]) == ("warning", "18 findings left out")


def test_it_is_no_larger_than_it_may_be():
    findings = [found(file=f"cat/{'%x' % (7**number)}.jpg") for number in range(200)]

    data = sarif(audited(*findings), 5_000, 8_000)

    assert len(gzip.compress(data)) <= 8_000
    run = json.loads(data)["runs"][0]
    assert 0 < len(run["results"]) < 200
    assert len(run["results"]) + run["properties"]["leftOut"] == 200


def test_a_message_is_cut_and_never_empty():
    run = run_of(audited(found(message="x" * 5_000), found(message="")))

    assert [len(each["message"]["text"]) for each in run["results"]] == [1_000, len("label_issue")]
