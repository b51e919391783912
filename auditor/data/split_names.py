"""Which names mean a split."""

import re

_SPLITS = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test", "test1": "test",  # test1: Dogs vs. Cats on Kaggle
}  # fmt: skip

#: Names that mean a split only where something else says that the folder is one.
_MORE = {
    "dev": "val", "devel": "val", "development": "val", "eval": "val",
    "holdout": "test", "heldout": "test", "evaluation": "test",
}  # fmt: skip


def split_of(name: str) -> str | None:
    """Returns the split that a folder name or a cell means ("Training_set" is "train"); None if it is not a split."""
    return _SPLITS.get(re.sub(r"[ _-]?set$", "", name.strip().casefold()))


def split_in(name: str) -> str | None:
    """Returns the split in a longer name: `seg_train`, `images-val2017`, `hold_out`; None if none or several."""
    words = re.findall(r"[a-z]+", name.casefold())
    whole = split_of(name) or _MORE.get("".join(words).removesuffix("set"))
    told = {split for word in words if (split := split_of(word) or _MORE.get(word))}
    return whole or (told.pop() if len(told) == 1 else None)
