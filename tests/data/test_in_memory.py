"""Rows of tables, one by one and all at once."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from plait.core.errors import DataError
from plait.data import InMemory, collate
from plait.data.in_memory import Rows


def data(size: int = 11) -> InMemory:
    numbers = torch.arange(size)
    return InMemory(
        torch.stack([numbers, -numbers], dim=1).float(), {"y": numbers, "z": numbers / 2}
    )


def test_an_example_is_its_row() -> None:
    inputs, targets = data()[4]
    assert inputs.tolist() == [4.0, -4.0]
    assert {task: label.item() for task, label in targets.items()} == {"y": 4, "z": 2.0}
    assert data()[4][1]["y"].item() == 4
    assert len(data()) == 11


def test_labels_and_inputs_have_one_length() -> None:
    with pytest.raises(DataError, match="task 'z' has 3 labels for 4 examples"):
        InMemory(torch.zeros(4, 2), {"y": torch.zeros(4), "z": torch.zeros(3)})


def test_groups_are_one_number_for_each_example() -> None:
    groups = InMemory(torch.zeros(3, 2), {}, np.array([4, 4, 1])).groups
    assert groups is not None
    assert groups.tolist() == [4, 4, 1]
    assert data().groups is None
    with pytest.raises(DataError, match="one number for each of 3 examples; found \\[2\\]"):
        InMemory(torch.zeros(3, 2), {}, torch.zeros(2))


LAYOUTS = {
    "rows": torch.randn(9, 5),
    "columns first": torch.randn(5, 9).t(),
    "channels last": torch.randn(9, 3, 4, 4).to(memory_format=torch.channels_last),
    "a slice": torch.randn(18, 5)[::2],
    "scalars": torch.arange(9),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_by_index_are_the_rows_one_by_one(layout: str) -> None:
    """To the last bit, and in the same layout of memory, on which sums may depend."""
    table = LAYOUTS[layout]
    memory = InMemory(table, {"y": table})
    indices = [7, 0, 0, 3]
    one_by_one = default_collate([memory[index] for index in indices])
    inputs, targets = collate(memory.__getitems__(indices))
    for found, expected in [(inputs, one_by_one[0]), (targets["y"], one_by_one[1]["y"])]:
        assert torch.equal(found, expected)
        assert found.stride() == expected.stride()
        assert found.dtype == expected.dtype


def test_rows_are_examples_for_any_other_collation() -> None:
    def pairs(examples: Any) -> Any:
        return [(float(inputs[0]), int(targets["y"])) for inputs, targets in examples]

    loading = DataLoader(data(5), batch_size=2, collate_fn=pairs)
    assert [pair for batch in loading for pair in batch] == [(float(i), i) for i in range(5)]
    stacked = list(DataLoader(data(5), batch_size=3))
    assert [inputs.shape for inputs, _ in stacked] == [(3, 2), (2, 2)]
    assert stacked[1][1]["y"].tolist() == [3, 4]


def test_a_subclass_with_examples_of_its_own_is_asked_for_each() -> None:
    class Doubled(InMemory):
        def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
            inputs, targets = super().__getitem__(index)
            return 2 * inputs, targets

    inputs, _ = collate(Doubled(torch.ones(3, 2), {"y": torch.zeros(3)}).__getitems__([0, 2]))
    assert torch.equal(inputs, torch.full((2, 2), 2.0))


def test_arrays_become_tensors_without_a_copy() -> None:
    inputs, labels = np.ones((4, 2)), np.arange(4)
    memory: Any = InMemory(inputs, {"y": labels})  # type: ignore[arg-type, dict-item]
    labels[3] = 7
    found, targets = collate(memory.__getitems__([3, 0]))
    assert (found.dtype, targets["y"].tolist()) == (torch.float64, [7, 0])


def test_a_slice_of_rows_is_rows() -> None:
    rows = Rows(torch.arange(8.0).view(4, 2), {"y": torch.arange(4)})
    found = rows[1::2]
    assert isinstance(found, Rows)
    assert (len(found), found.targets["y"].tolist()) == (2, [1, 3])
    assert torch.equal(found.inputs, rows.inputs[1::2])
