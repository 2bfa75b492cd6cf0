"""Running statistics are averaged over processes, and other buffers must be alike."""

import pytest
import torch
from torch import nn

from plait.core.errors import UnsupportedError
from plait.distributed import ALONE, ranks
from plait.training.batch_statistics import average_statistics, check_alike
from tests.distributed.group import Group


def net(value: float) -> nn.Module:
    found = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.BatchNorm1d(2, affine=False))
    for each in found[1:]:
        each.running_mean.fill_(value)  # type: ignore[union-attr,operator]
        each.running_var.fill_(2 * value)  # type: ignore[union-attr,operator]
    return found


def averaged() -> dict[str, torch.Tensor]:
    made = net(1.0 + ranks().rank)
    average_statistics(made, ranks())
    check_alike(made, ranks())
    return dict(made.named_buffers())


def test_means_and_variances(two: Group) -> None:
    for each in two(averaged):
        for name in ("1", "2"):
            assert each[f"{name}.running_mean"].tolist() == [1.5, 1.5]
            assert each[f"{name}.running_var"].tolist() == [3.0, 3.0]
            assert each[f"{name}.num_batches_tracked"] == 0


def test_one_process_keeps_its_own() -> None:
    made = net(1.25)
    average_statistics(made, ALONE)
    check_alike(made, ALONE)
    assert made[1].running_mean.tolist() == [1.25, 1.25]  # type: ignore[index]


def other() -> str:
    made = nn.Sequential(nn.BatchNorm1d(2))
    made.register_buffer("seen", torch.tensor([0.0, float(ranks().rank)]))
    with pytest.raises(UnsupportedError) as told:
        check_alike(made, ranks())
    return str(told.value)


def test_another_buffer_is_named(two: Group) -> None:
    first, second = two(other)
    assert first == second
    assert "the buffer seen of the model" in first
