"""The card: what is written is read, what older auditors wrote is read, and an error names what is wrong in a card."""

import json

import pytest

from auditor.backends.card import ModelCard, read_card
from auditor.errors import ModelError

CARD = ModelCard("two", ("cat", "dog"), (8, 8), "raw", heads={"breeds": ("Shih-Tzu", "beagle", "pug")})


def written(folder, **fields):
    """The card's file with these fields replaced; without those that are None."""
    CARD.write(folder)
    record = {**json.loads((folder / "model.json").read_text()), **fields}
    (folder / "model.json").write_text(json.dumps({key: value for key, value in record.items() if value is not None}))
    return folder / "model.json"


def test_further_heads_are_read_as_they_were_written(tmp_path):
    CARD.write(tmp_path)

    assert read_card(tmp_path / "model.json") == CARD
    assert json.loads((tmp_path / "model.json").read_text())["format_version"] == 1


def test_a_card_from_before_there_were_further_heads_has_none(tmp_path):
    assert read_card(written(tmp_path, heads=None)).heads == {}


@pytest.mark.parametrize(
    ("heads", "says"),
    [
        (["breeds"], "heads is a list"),
        ("breeds", "heads is a str"),
        ({"breeds": "pug"}, "'breeds' lists pug"),              # would become the classes p, u, g
        ({"breeds": []}, r"'breeds' lists \[\]"),
        ({"breeds": ["pug", 1]}, "expected a list of class names"),
        ({"breeds": {"pug": 0}}, "expected a list of class names"),
        ({"": ["pug"]}, "the head ''"),
    ],
)
def test_heads_that_are_not_lists_of_names_are_refused(tmp_path, heads, says):
    with pytest.raises(ModelError, match=says):
        read_card(written(tmp_path, heads=heads))
