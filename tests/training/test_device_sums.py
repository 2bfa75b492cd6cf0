"""Sums on the device: what they add up to, and how often they are copied."""

import pytest
import torch

from plait.core.names import Names
from plait.core.outputs import Losses
from plait.training.device_sums import DeviceSums, read_together
from tests.engine.reads import Reads


def made() -> DeviceSums:
    sums = DeviceSums()
    sums.add(("loss", "a"), torch.tensor(2.0, requires_grad=True) * 1, 0.25)
    sums.add(("loss", "b"), torch.tensor(3.0, dtype=torch.float64))
    sums.add(("loss", "a"), torch.tensor(4.0, dtype=torch.bfloat16), 0.75)
    return sums


def test_scalars_of_one_key_are_added_up_by_their_factors() -> None:
    sums = made()
    assert sums.read() == {"loss": {"a": 3.5, "b": 3.0}}
    assert sums.read() == {"loss": {"a": 3.5, "b": 3.0}}
    assert DeviceSums().read() == {}


def test_a_number_of_single_precision_is_kept_to_the_last_bit() -> None:
    sums, value = DeviceSums(), torch.tensor(0.1)
    sums.add(("norm", ""), value)
    sums.add(("loss", "a"), torch.tensor(1e-300, dtype=torch.float64))
    assert sums.read()["norm"][""] == value.item()


@pytest.mark.parametrize("count", [1, 5])
def test_many_are_read_with_one_copy(count: int) -> None:
    many = [made() for _ in range(count)]
    with Reads() as reads:
        read_together([*many, DeviceSums()])
        found = [sums.read() for sums in many]
    assert reads.count == 1
    assert found == [made().read()] * count


def test_losses_of_one_vector_are_added_up_as_others() -> None:
    raw, factors = torch.tensor([2.0, 3.0]), {"a": 0.25, "b": 1.0}
    sums, alone = DeviceSums(), DeviceSums()
    for _ in range(2):
        sums.add_losses(Losses.joined(Names("ab"), 2 * raw, raw, {"a": 1.0, "b": 1.0}), factors)
        named = dict(zip("ab", raw, strict=True))
        alone.add_losses(Losses(named, raw=named, counts={"a": 1.0, "b": 1.0}), factors)
    assert sums.read() == alone.read() == {"loss": {"a": 1.0, "b": 6.0}}
