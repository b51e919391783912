"""A source and an output, each added as one record and one line of its registry: no other module changes."""

import io
import json

import pytest
from PIL import Image

import auditor
from auditor import outputs
from auditor.data import sources
from auditor.data.dataset import Dataset
from auditor.data.sample import Sample
from auditor.data.sources import Source
from auditor.errors import InputError
from auditor.outputs import Output
from tests.backends.fake import FakeBackend


class Bucket:
    """Images that lie in no file: an `Origin`."""

    def __init__(self, objects):
        self.objects = objects

    def size(self, where):
        return len(self.read_bytes(where))

    def read_bytes(self, where):
        if where not in self.objects:
            raise FileNotFoundError(2, "no such object", where)
        return self.objects[where]

    def path(self, where):
        raise FileNotFoundError(2, "it lies in a bucket", where)


@pytest.fixture
def bucket(draw, monkeypatch):
    """`mem://pets//x` with twelve images of two classes, one of them lost."""
    objects = {}
    for number in range(12):
        data = io.BytesIO()
        Image.fromarray(draw(number)).save(data, "PNG")
        objects[f"{('cat', 'dog')[number % 2]}/{number:02}.png"] = data.getvalue()
    origin = Bucket(objects)
    names = [*sorted(objects), "dog/99.png"]

    def load(location, options):
        samples = tuple(Sample(name, name, name.split("/")[0], None, origin) for name in names)
        return Dataset(location, "bucket", samples, (), (), ("cat", "dog"), ())

    mine = Source("a bucket (mem://)", lambda location: location.startswith("mem://pets//"), load)
    monkeypatch.setattr(sources, "SOURCES", (*sources.SOURCES, mine))
    return "mem://pets//x"


def test_a_source_is_one_file_and_one_line(bucket):
    audit = auditor.scan(bucket, backend=FakeBackend())

    assert audit.outcomes == {"ok": 12, "failed": 1, "skipped": 0}
    assert audit.classes == {"cat": 6, "dog": 7}
    assert [(each.rule, each.file) for each in audit.findings if each.rule == "unreadable"] == [
        ("unreadable", "dog/99.png")
    ]


def test_its_reports_say_what_the_user_wrote(bucket, tmp_path):
    page = auditor.write_report(auditor.scan(bucket, backend=FakeBackend()), tmp_path)

    summary = json.loads((page.parent / "summary.json").read_text(encoding="utf-8"))
    assert summary["dataset"]["root"] == bucket


def test_what_no_source_recognises_is_an_error_that_names_all_of_them(bucket):
    with pytest.raises(InputError, match=r"mem://others.*Expected.*a bucket \(mem://\)"):
        auditor.scan("mem://others")


def test_an_output_is_one_file_and_one_line(tmp_path, place, draw, monkeypatch):
    def write_lines(audit, folder):
        path = folder / "files.txt"
        path.write_text("".join(f"{finding.file}\n" for finding in audit.findings), encoding="utf-8")
        return path

    monkeypatch.setattr(outputs, "OUTPUTS", (*outputs.OUTPUTS, Output("files.txt", write_lines)))
    place(draw(0), tmp_path / "data" / "cat" / "0.png")
    (tmp_path / "data" / "cat" / "1.png").write_bytes(b"")

    page = auditor.write_report(auditor.scan(tmp_path / "data", backend=FakeBackend()), tmp_path / "reports")

    assert "cat/1.png\n" in (page.parent / "files.txt").read_text(encoding="utf-8")
