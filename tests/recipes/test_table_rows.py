"""Other rows, encoded as those of a table."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from plait.core.errors import DataError
from plait.core.structure import tensors
from plait.data import Examples, InMemory
from plait.recipes import Table
from tests.data.streams.tables import INPUTS, TASKS, frame
from tests.recipes.media_tables import media_table

MEDIA: dict[str, Any] = {
    "inputs": {"photo": {"kind": "image", "size": 12}, "words": "tokens", "size": "number"},
    "tasks": {"outline": "mask", "parts": "token tags", "colour": "category"},
    "split": "split",
}


def same(one: Tensor, other: Tensor) -> bool:
    if one.is_floating_point():
        one, other = one.nan_to_num(-7), other.nan_to_num(-7)
    return one.dtype == other.dtype and torch.equal(one, other)


def test_rows_of_numbers_and_words_are_those_of_the_table() -> None:
    table = Table(data=frame(), inputs=INPUTS, tasks=TASKS, split="part")
    found, wanted = table.encoded(table.frame.iloc[table.rows["val"]]), table.splits()["val"]
    assert isinstance(found, InMemory) and isinstance(wanted, InMemory)
    assert same(found.inputs, wanted.inputs)
    assert all(same(found.targets[task], each) for task, each in wanted.targets.items())


def test_rows_of_pictures_and_sentences_are_those_of_the_table(tmp_path: Path) -> None:
    media_table(tmp_path).to_csv(tmp_path / "t.csv", index=False)
    table = Table(data=tmp_path / "t.csv", **MEDIA)
    found, wanted = table.encoded(table.frame.iloc[table.rows["train"]]), table.splits()["train"]
    assert isinstance(found, Examples) and isinstance(wanted, Examples)
    assert len(found) == len(wanted)
    for row in range(len(found)):
        pairs = zip(tensors(list(found[row])), tensors(list(wanted[row])), strict=True)
        assert all(same(one, other) for one, other in pairs)


def test_a_class_of_other_rows_is_refused_by_name() -> None:
    table = Table(data=frame(), inputs=INPUTS, tasks=TASKS, split="part")
    other = frame()
    other.loc[7, "kind"] = "odd"
    with pytest.raises(DataError, match=r"'kind' of new\.csv has the class 'odd' in row 8"):
        table.encoded(other, "new.csv")
