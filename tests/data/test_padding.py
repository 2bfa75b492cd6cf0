"""Sequences of different lengths become one batch; what is padded is known as such."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import DataError
from plait.core.structure import Masked
from plait.data.padding import padded, padded_labels


def sequence(length: int, width: int = 2) -> Masked:
    values = torch.arange(1.0, length * width + 1).reshape(length, width)
    return Masked(values, torch.ones(length, dtype=torch.bool))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any))
def test_what_was_given_is_found_under_the_mask_and_zeros_elsewhere(lengths: list[int]) -> None:
    given_ = [sequence(length) for length in lengths]
    batch = padded(given_)
    assert batch.values.shape == (len(lengths), max(lengths), 2)
    assert batch.mask.sum(dim=1).tolist() == lengths
    for row, each in enumerate(given_):
        assert torch.equal(batch.values[row][batch.mask[row]], each.values)
    assert not batch.values[~batch.mask].any()


def test_entries_of_other_shapes_are_refused() -> None:
    with pytest.raises(DataError, match="entries of one shape"):
        padded([sequence(2, 2), sequence(2, 3)])


def test_labels_are_padded_with_what_their_task_leaves_out() -> None:
    tags = [torch.tensor([1]), torch.tensor([2, 3])]
    assert [each.tolist() for each in padded_labels(tags, -1)] == [[1, -1], [2, 3]]
    assert [each.tolist() for each in padded_labels(tags)] == [[1, -100], [2, 3]]
    numbers = [torch.tensor([[1.0]]), torch.tensor([[2.0], [3.0]])]
    assert torch.stack(padded_labels(numbers))[0, 1].isnan().all()


def test_labels_without_positions_stay() -> None:
    classes = [torch.tensor(1), torch.tensor(2)]
    assert padded_labels(classes) is classes
