"""A damaged history is told, and never ends a scan."""

import sqlite3

import pytest

from auditor.errors import InputError
from auditor.store.nights import nights_of
from tests.history.nights import BROKEN, counts

DAMAGES = {
    "images": "UPDATE findings SET images = '[[1]]'",
    "a hash": "UPDATE findings SET images = '[[\"cat/broken.png\", \"no hash\", \"cat\"]]'",
    "the known images": "UPDATE datasets SET known = x'00'",
    "a time": "UPDATE runs SET started = 'yesterday'",
    "circumstances": "UPDATE runs SET circumstances = '[]'",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_scan_goes_on_with_a_new_history(nights, damage):
    (nights.data / "cat" / "broken.png").write_bytes(BROKEN)
    nights.night()
    spoil(nights, damage)

    after = nights.night()

    assert counts(after) == (1, 0, 0)
    assert "was damaged" in after.notes[0]
    assert len(nights_of(nights.out, after.name)) == 1


@pytest.mark.parametrize("damage", ["UPDATE runs SET counts = '[1]'", "UPDATE runs SET images = 'many'"])
def test_a_history_that_cannot_be_read_is_an_error(nights, damage):
    name = nights.night().name
    spoil(nights, damage)

    with pytest.raises(InputError, match="its history is damaged"):
        nights_of(nights.out, name)


def spoil(nights, statement):
    with sqlite3.connect(nights.out / "store" / "auditor.sqlite") as connection:
        connection.execute(statement)
    connection.close()
