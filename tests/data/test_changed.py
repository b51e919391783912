"""--changed-since: which images of a data set changed, as git tells it."""

import os
import subprocess
from dataclasses import replace

import pytest

import auditor
from auditor.audit import Finding
from auditor.data.changed import Changed, changed_images
from auditor.data.sources import load_dataset
from auditor.errors import InputError
from tests.backends.fake import FakeBackend
from tests.pictures import GREY, RED, draw_tinted, place_image

ME = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


def git(folder, *arguments):
    done = subprocess.run(["git", *ME, "-C", str(folder), *arguments], capture_output=True, check=True)
    return done.stdout.decode().strip()


def commit(folder):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "more", "--no-verify")


@pytest.fixture
def repository(tmp_path):
    """A repository with a commit; the data set is in `data/train` of it: cat/0..2.jpg and dog/0..2.jpg."""
    root = tmp_path / "repository"
    for number in range(3):
        place_image(draw_tinted(GREY, number), root / "data" / "train" / "cat" / f"{number}.jpg")
        place_image(draw_tinted(RED, 10 + number), root / "data" / "train" / "dog" / f"{number}.jpg")
    git(root.parent, "init", "--quiet", "--initial-branch", "main", str(root))
    commit(root)
    return root


def changed(data, since="HEAD", **options):
    return changed_images(load_dataset(data, **options), data, since)


def test_committed_staged_edited_and_new_images_changed_and_others_did_not(repository):
    data = repository / "data" / "train"
    (data / "cat" / "0.jpg").write_bytes(b"another")
    commit(repository)
    (data / "cat" / "1.jpg").write_bytes(b"staged")
    git(repository, "add", "--all")
    (data / "dog" / "1.jpg").write_bytes(b"edited")
    (data / "dog" / "new.jpg").write_bytes(b"untracked")
    (data / "dog" / "2.jpg").unlink()
    (repository / "elsewhere.jpg").write_bytes(b"not in the data set")

    found = changed(data, "HEAD~1")

    assert found.files == {"cat/0.jpg", "cat/1.jpg", "dog/1.jpg", "dog/new.jpg"}
    assert found.notes[0].startswith("4 of 6 images changed since HEAD~1.")


def test_an_image_that_was_moved_to_another_class_changed(repository):
    data = repository / "data" / "train"
    (data / "cat" / "0.jpg").rename(data / "dog" / "moved.jpg")
    commit(repository)

    assert changed(data, "HEAD~1").files == {"dog/moved.jpg"}
    assert changed(data).files == set()


def test_names_with_any_bytes(repository):
    data = repository / "data" / "train"
    names = ["\u00e9 \u732b.jpg", "two\nlines.jpg", '"quoted".jpg', "-d.jpg"]
    if os.name == "posix":
        names.append(os.fsdecode(b"\xff.jpg"))
    for name in names:
        (data / "cat" / name).write_bytes(b"image")

    found = changed(data)

    assert len(found.files) == len(names)
    assert found.files == {sample.file for sample in load_dataset(data).samples} - {
        f"{label}/{number}.jpg" for label in ("cat", "dog") for number in range(3)
    }


def test_inside_a_hook_the_repository_of_the_data_is_asked(repository, monkeypatch):
    (repository / "data" / "train" / "cat" / "0.jpg").write_bytes(b"another")
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")

    assert changed(repository / "data" / "train").files == {"cat/0.jpg"}


def test_a_repository_can_start_no_program_through_its_settings(repository, tmp_path):
    ran = tmp_path / "ran"
    git(repository, "config", "core.fsmonitor", f"touch '{ran}'; false")
    git(repository, "config", "diff.external", f"touch '{ran}'; false")
    (repository / "data" / "train" / "cat" / "0.jpg").write_bytes(b"another")
    ran.unlink(missing_ok=True)                 # git itself ran it

    assert changed(repository / "data" / "train").files == {"cat/0.jpg"}
    assert not ran.exists()


@pytest.mark.parametrize("since", ["", "--output=x", "-h", "a\0b"])
def test_what_is_no_revision_is_not_handed_to_git(since, repository):
    with pytest.raises(InputError, match=r"--changed-since is .*; expected a revision of git"):
        changed(repository / "data" / "train", since)


@pytest.mark.parametrize("since", ["nowhere", "HEAD~9", "HEAD:data", "HEAD HEAD", "main..main"])
def test_an_unknown_revision_is_named_with_what_to_do(since, repository):
    with pytest.raises(InputError, match=r"has no such revision; .*git fetch --unshallow"):
        changed(repository / "data" / "train", since)


def test_a_folder_outside_of_any_repository(tmp_path):
    place_image(draw_tinted(GREY, 0), tmp_path / "data" / "cat" / "0.jpg")

    with pytest.raises(InputError, match=r"in no working tree of git .*not a git repository"):
        changed(tmp_path / "data")


def test_a_machine_without_git(repository, monkeypatch):
    monkeypatch.setenv("PATH", str(repository))

    with pytest.raises(InputError, match="git, which cannot be started"):
        changed(repository / "data" / "train")


def test_data_that_git_ignores_are_an_error_and_some_of_them_a_note(repository):
    data = repository / "data" / "train"
    (repository / ".gitignore").write_text("/data/train/dog\n")
    git(repository, "rm", "--quiet", "-r", "--cached", "data/train/dog")
    commit(repository)

    assert "Ignored by git, so not known to have changed: 3 images, dog/0.jpg" in changed(data).notes[1]

    (repository / ".gitignore").write_text("/data\n")
    git(repository, "rm", "--quiet", "-r", "--cached", "data")
    with pytest.raises(InputError, match=r"git knows none of the 6 images .*DVC"):
        changed(data)


def test_files_of_dvc_stand_for_what_they_track(repository):
    data = repository / "data" / "train"
    for label in ("cat", "dog"):
        (data / f"{label}.dvc").write_text("outs:\n- md5: 1.dir\n")
    (repository / ".gitignore").write_text("/data/train/*/\n")
    git(repository, "rm", "--quiet", "-r", "--cached", "data")
    commit(repository)
    (data / "cat.dvc").write_text("outs:\n- md5: 2.dir\n")

    assert changed(data).files == {f"cat/{number}.jpg" for number in range(3)}


def test_where_all_that_changed_are_pointers_the_report_says_so(repository):
    data = repository / "data" / "train"
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    (data / "cat" / "0.jpg").write_bytes(pointer)

    assert changed(data).notes[1] == "Every image that changed is a Git LFS pointer, not the image: run `git lfs pull`."

    (data / "cat" / "1.jpg").write_bytes(b"another")
    assert len(changed(data).notes) == 1


@pytest.mark.parametrize("name", ["labels.csv", "metadata.csv"])
def test_when_a_table_of_labels_changed_so_did_its_images(name, repository):
    data = repository / "data" / "train"
    table = data / name
    table.write_text("file_name,label\ncat/0.jpg,cat\ndog/0.jpg,dog\n")
    commit(repository)
    source = table if name == "labels.csv" else data
    assert changed(source).files == set()

    table.write_text("file_name,label\ncat/0.jpg,cat\ndog/0.jpg,cat\n")

    found = changed(source)
    assert {"cat/0.jpg", "dog/0.jpg"} <= found.files
    assert f"{name} changed since HEAD, so every image whose label it holds counts" in found.notes[1]


def test_findings_that_name_no_changed_image_are_left_out():
    plain = Finding("1", "near_duplicate", "low", "a.jpg", None, ("b.jpg",), None, None, 0.5, None, None, "")
    whole = replace(plain, file=None, related=("a.jpg",))

    assert Changed(frozenset({"b.jpg"}), ()).only([plain, whole]) == (plain,)
    assert Changed(frozenset({"a.jpg"}), ()).only([whole, plain]) == (plain,)
    assert Changed(frozenset({"c.jpg"}), ()).only([plain]) == ()


def test_a_scan_lists_and_counts_what_changed_and_judges_by_everything(repository):
    data = repository / "data" / "train"
    (data / "cat" / "0.jpg").write_bytes(b"broken before")
    commit(repository)
    (data / "dog" / "1.jpg").write_bytes(b"broken now")

    audit = auditor.scan(data, backend=FakeBackend(), changed_since="HEAD", fail_on=("unreadable > 99%",))

    assert [finding.file for finding in audit.findings if finding.rule == "unreadable"] == ["dog/1.jpg"]
    assert audit.counts()["unreadable"] == 1
    assert not audit.gate.passed                # a share of what changed: one of one
    assert len(audit.predictions) == 6
    assert audit.outcomes["failed"] == 2
    assert audit.notes[0].startswith("1 of 6 images changed since HEAD.")
