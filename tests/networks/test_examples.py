"""Two examples like those of a batch."""

import pytest
import torch
from torch import nn

from plait.networks.examples import device_of, first_twice, on_meta


@pytest.mark.parametrize("count", [0, 1, 5])
def test_they_are_two_whatever_the_batch(count: int) -> None:
    batch = torch.arange(count * 3.0).view(count, 3)
    assert on_meta(batch).shape == first_twice(batch).shape == (2, 3)
    assert on_meta(batch.half()).dtype == first_twice(batch.half()).dtype == torch.float16
    expected = batch[0] if count else torch.zeros(3)
    assert torch.equal(first_twice(batch), torch.stack([expected, expected]))


def test_a_module_is_where_its_first_tensor_is() -> None:
    assert device_of(nn.Linear(2, 2).to("meta")).type == "meta"
    assert device_of(nn.BatchNorm1d(2, affine=False).to("meta")).type == "meta"
    assert device_of(nn.ReLU()).type == "cpu"
