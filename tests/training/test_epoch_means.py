"""Mean losses of an epoch: over labels, and over tasks that come and go."""

import pytest
import torch

from plait.training.device_sums import DeviceSums
from plait.training.epoch_means import WAITING, EpochMeans
from plait.training.step import StepRecord


def record(**tasks: tuple[float, float]) -> StepRecord:
    sums = DeviceSums()
    for task, (loss, _) in tasks.items():
        sums.add(("loss", task), torch.tensor(loss))
    return StepRecord({task: n for task, (_, n) in tasks.items()}, None, sums=sums)


def test_the_mean_is_over_labels_and_starts_anew_after_each_epoch() -> None:
    means = EpochMeans()
    means.add(record(a=(1.0, 1), b=(5.0, 2)))
    means.add(record(a=(4.0, 3)))
    assert means.take() == {"a": pytest.approx(13 / 4), "b": 5.0}
    assert means.take() == {}
    means.add(record(a=(7.0, 2)))
    assert means.take() == {"a": 7.0}


def test_many_steps_give_the_mean_of_all() -> None:
    means = EpochMeans()
    for step in range(3 * WAITING + 7):
        means.add(record(a=(float(step), 2)))
    assert means.take()["a"] == pytest.approx((3 * WAITING + 6) / 2)
