"""`auditor apply` and `auditor undo` on the command line: what they print, and their exit codes."""

import pytest
from typer.testing import CliRunner

from auditor.cli import app
from tests.review.deciding import Deciding, snapshot


@pytest.fixture
def pets(tmp_path):
    pets = Deciding(tmp_path)
    pets.place("cat/a.jpg", "cat/b.jpg", "cat/c.jpg", "dog/a.jpg", "dog/d.jpg")
    pets.decide("cat/a.jpg", "relabel", "dog")
    pets.decide("cat/b.jpg", "remove")
    pets.decide("dog/d.jpg", "relabel", "lynx")
    pets.decide("dog/a.jpg", "unsure")
    return pets


def run(pets, *arguments):
    return CliRunner().invoke(app, [*map(str, arguments), "--out", str(pets.home.out)])


def test_apply_says_what_it_did_and_how_to_undo_it(pets):
    done = run(pets, "apply", pets.write())

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "refused: dog/d.jpg: there is no class lynx; where it is meant, pass --new-class lynx",
        "relabelled           1",
        "removed              1",
        "kept                 0",
        "unsure, left         1",
        "refused              1",
        f"to put everything back: auditor undo {pets.home.journals()[0]} --out {pets.home.out} --name pets",
    ]


def test_a_second_apply_says_that_nothing_is_left(pets):
    run(pets, "apply", pets.write())

    done = run(pets, "apply", pets.write())

    assert "applied before       2" in done.stdout
    assert done.stdout.splitlines()[-1] == "nothing is left to do: nothing was changed"


def test_a_dry_run_names_every_file_and_changes_nothing(pets):
    before = snapshot(pets.data)

    done = run(pets, "apply", pets.write(), "--dry-run", "--new-class", "lynx")

    assert done.stdout.splitlines()[:3] == [
        "would move: cat/a.jpg -> dog/a-2.jpg",
        "would move: dog/d.jpg -> lynx/d.jpg",
        "would remove: cat/b.jpg",
    ]
    assert done.stdout.splitlines()[-1] == "dry run: nothing was changed"
    assert snapshot(pets.data) == before


def test_undo_needs_to_be_told_what(pets):
    before = snapshot(pets.data)
    run(pets, "apply", pets.write())

    refused = run(pets, "undo")
    done = run(pets, "undo", "--last")

    assert str(refused.exception) == (
        f"undo needs the id of a journal, or --last alone; those in {pets.home.folder} are {pets.home.journals()[0]}"
    )
    assert done.stdout.startswith("put back 2 files;")
    assert snapshot(pets.data) == before


def test_what_cannot_be_put_back_is_named_and_the_exit_code_says_so(pets):
    run(pets, "apply", pets.write())
    (pets.data / "cat" / "a.jpg").write_bytes(b"a new picture of the same name")

    done = run(pets, "undo", "--last")

    assert done.exit_code == 3
    assert "not put back: cat/a.jpg: something else is at its place now, and is not overwritten" in done.stdout


@pytest.mark.parametrize(("options", "said"), [
    (("--by", "copy"), "--by is 'copy'; expected one of move, link"),
    (("--by", "link"), "--by link needs --into FOLDER"),
    (("--into", "x"), "--into names the folder of a linked tree; add --by link"),
    (("--by", "link", "--into", "x", "--manifest", "x.csv"), "choose one"),
    (("--manifest", "x.txt"), "expected the name of a new .csv file"),
])  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(pets, options, said):
    done = run(pets, "apply", pets.write(), *options)

    assert said in str(done.exception)
    assert "cat/a.jpg" in pets.files()


def test_a_corrected_table_is_announced(pets):
    table = pets.folder / "better.csv"

    done = run(pets, "apply", pets.write(), "--manifest", table)

    assert f"the corrected table is {table}; scan it with --name pets" in done.stdout
    assert run(pets, "undo", "--last").stdout.splitlines()[-1] == (
        f"{table} was written beside the data set, and stays; it may be deleted"
    )
