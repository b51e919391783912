"""An audit as a blob: every field comes back as it was."""

from dataclasses import fields, replace

import pandas as pd
import pytest

from auditor.audit import Audit, Chart, CopyPicture, Gate, GateResult, Series
from auditor.scanning.scan import ADDITIONS
from auditor.store.audits import NotAnAudit, decode, encode


@pytest.fixture
def full(audit):
    """An audit with something in every field."""
    chart = Chart("bars", "images", ("cat", "dog"), (Series("", (1.0, float("inf"))),), ("cat",))
    result = GateResult("new > 0", False, True, 3.0, 0.0, False, 3, 0, ("a", "b"), ("x.png",), {"cat": 3})
    return replace(
        audit,
        gate=Gate(False, ("new > 0",), (result,)),
        charts={"id": chart},
        copies={"id": (CopyPicture("a.png", None, "test", "", 1.0, b"\xff\x00", None),)},
        examples={"caf\udce9.png": b"jpeg"},
    )


def test_every_field_comes_back(full):
    back = decode(encode(full), ADDITIONS)

    pd.testing.assert_frame_equal(back.predictions, full.predictions)
    for each in fields(Audit):
        if each.name != "predictions":
            assert getattr(back, each.name) == getattr(full, each.name), each.name


def test_a_whole_number_in_the_place_of_a_fraction_stays_one(audit):
    rule = replace(audit.rules[0], settings={"minimum": 3, "share": 0.5})

    back = decode(encode(replace(audit, rules=(rule,))), ADDITIONS)

    assert repr(back.rules[0].settings) == repr(rule.settings)


@pytest.mark.parametrize("damage", [lambda blob: b"", lambda blob: blob[:50], lambda blob: blob[:-3000],
                                    lambda blob: blob.replace(b'"high"', b'"deep"'),
                                    lambda blob: blob.replace(b'"score":', b'"scors":'),
                                    lambda blob: b"\xff" * 8 + blob[8:]])  # fmt: skip
def test_what_is_not_an_audit_is_refused(audit, damage):
    with pytest.raises(NotAnAudit):
        decode(damage(encode(audit)), ADDITIONS)


def test_an_addition_of_an_unknown_type_is_refused(audit):
    with pytest.raises(NotAnAudit):
        decode(encode(replace(audit, additions=(Gate(),))))


def test_a_field_without_a_form_is_an_error(audit):
    with pytest.raises(TypeError):
        encode(replace(audit, run=replace(audit.run, settings={"x": object()})))
