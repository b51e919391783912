"""Two data sets that would share a name: the second one's report says so."""

import shutil

from tests.history.nights import RED


def told(audit):
    return [note for note in audit.notes if "two data sets" in note]


def test_another_data_set_under_the_same_name_is_told(nights):
    nights.night(name="train")
    shutil.rmtree(nights.data)
    for number in range(10):
        nights.place(f"bird/{number}.png", RED, 900 + number)

    (note,) = told(nights.scan(name="train"))

    last = f"The last run that is named train, of {nights.data}, had 40 images"
    assert note.startswith(f"{last}, and none of them are in ")
    assert note.endswith("give one of them a --name of its own: what is new and what is resolved is told by the name.")
    assert told(nights.scan(name="birds")) == []


def test_a_data_set_that_moved_or_grew_is_the_same(nights):
    nights.night(name="train")
    nights.data = shutil.move(nights.data, nights.data.with_name("elsewhere"))
    for number in range(60):
        nights.place(f"cat/more{number}.png", seed=700 + number)

    assert told(nights.scan(name="train")) == []
