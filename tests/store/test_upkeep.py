"""What a store holds, what it forgets, and how it is checked."""

import sqlite3

import numpy as np
import pytest

from auditor.errors import InputError
from auditor.store import pruning
from auditor.store.database import STORE
from auditor.store.pruning import prune
from auditor.store.shards import Shard, shard_path
from auditor.store.upkeep import contents_of, verify
from auditor.store.upkeep_text import checked_text, contents_text, pruned_text
from tests.pictures import draw_tinted
from tests.store.scanned import Other, same, scan


@pytest.fixture
def out(folder):
    """The reports beside the folder, whose store knows all pictures."""
    scan(folder)
    return folder.parent / "reports"


def execute(out, statement):
    with sqlite3.connect(out / STORE / "auditor.sqlite") as connection:
        changed = connection.execute(statement).rowcount
    connection.close()
    return changed


def test_info_counts_images_sources_and_models(folder, out):
    scan(folder, backend=Other())

    found = contents_of(out)

    assert found.sources == {str(folder): 12} and found.images == 12
    assert [(level.name.split(" (")[0], level.results) for level in found.levels] == [
        ("decoded and described", 12), ("fake", 11), ("fake", 11),
    ]  # fmt: skip
    assert "12 images" in "\n".join(contents_text(found))


def test_a_folder_without_a_store_is_told(tmp_path):
    for action in (contents_of, prune, verify):
        with pytest.raises(InputError, match="is no store"):
            action(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_no_file_has_is_forgotten_and_the_rest_is_kept(folder, out, place):
    place(draw_tinted((0, 99, 0), 5), folder / "03.png")
    (folder / "04.png").unlink()
    before = scan(folder)[0]

    done = prune(out)

    assert done.images == 2 and done.results == 4
    assert "2 images and 4 results" in pruned_text(done)
    second, known, _, notes = scan(folder)
    assert known == 11 and same(before, second) and notes == []
    (shard,) = (out / STORE).glob("*.npy")
    assert len(np.load(shard)) == 10
    assert prune(out).images == 0 and shard.exists()


def test_models_that_are_not_used_are_forgotten_after_so_many_days(folder, out):
    scan(folder, backend=Other())
    execute(out, "UPDATE models SET used = used - 40 * 86400 WHERE id = 1")

    assert prune(out).results == 0
    assert prune(out, 30).results == 11
    assert scan(folder, backend=Other())[1] == 12
    assert scan(folder)[1] == 1


def test_sources_that_were_not_scanned_are_forgotten_after_so_many_days(folder, out):
    execute(out, "UPDATE roots SET scanned = scanned - 40 * 86400")

    assert prune(out, 50).images == 0
    assert prune(out, 30).images == 12
    assert not list((out / STORE).glob("*.npy"))


def test_a_shard_that_is_being_written_is_not_touched(out):
    execute(out, "INSERT INTO shards (id, features) VALUES (70, 8)")
    shard = Shard(out / STORE, 70, 8)
    shard.append([np.zeros(8, np.float16)])

    prune(out)
    assert shard_path(out / STORE, 70).exists()

    shard.close()
    prune(out)
    assert not shard_path(out / STORE, 70).exists()


def test_a_prune_that_was_cut_short_loses_nothing(folder, out, monkeypatch):
    first = scan(folder)[0]
    execute(out, "DELETE FROM forward WHERE rowid = 1")         # so that the shard must be written anew

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    for moment in ("transaction", "_shrink"):                   # before the switch, and after it
        with monkeypatch.context() as patch:
            if moment == "transaction":
                real, calls = pruning.transaction, []

                def second(connection, real=real, calls=calls):
                    calls.append(1)
                    return real(connection) if len(calls) == 1 else killed()

                patch.setattr(pruning, "transaction", second)
            else:
                patch.setattr(pruning, moment, killed)
            with pytest.raises(Killed):
                prune(out)
        second_scan, known, _, notes = scan(folder)
        assert same(first, second_scan) and known >= 11 and notes == []
    prune(out)
    assert same(first, scan(folder)[0])


def test_a_sound_store_is_sound(out):
    found = verify(out)

    assert (found.sound, found.removed, found.wrong) == (23, 0, ())
    assert list(checked_text(found)) == ["23 results are what was written"]


def test_verify_removes_what_is_damaged_so_that_it_is_computed_again(folder, out):
    first = scan(folder)[0]
    (shard,) = (out / STORE).glob("*.npy")
    rows = np.load(shard)
    rows[2, 3] += 1
    np.save(shard, rows)
    execute(out, "UPDATE pixels SET hash = zeroblob(32) WHERE rowid = 5")
    execute(out, "DELETE FROM contents WHERE id = 9")

    found = verify(out)

    assert found.removed == 4 and found.sound == 19
    assert "4 results removed" in list(checked_text(found))[-1]
    assert same(first, scan(folder)[0])
    assert verify(out).removed == 0


def test_verify_names_shards_that_are_missing_or_short(folder, out):
    scan(folder, backend=Other())
    one, other = sorted((out / STORE).glob("*.npy"))
    one.unlink()
    np.save(other, np.load(other)[:4])

    found = verify(out)

    assert found.removed == 11 + 7
    assert [one.name in found.wrong[0], other.name in found.wrong[1]] == [True, True]


def test_a_damaged_database_is_told_and_left_to_the_next_scan(folder, out):
    file = out / STORE / "auditor.sqlite"
    file.write_bytes(b"x" * 50_000)

    with pytest.raises(InputError, match="next scan moves it aside"):
        verify(out)
    assert file.exists() and "was damaged" in scan(folder)[3][0]
