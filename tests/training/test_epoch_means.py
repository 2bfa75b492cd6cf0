"""Mean losses of an epoch: over labels, and over tasks that come and go."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

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


@given(st.data())
def test_tasks_that_come_and_go_in_any_order_have_the_sums_of_a_loop(data: st.DataObject) -> None:
    """To the last bit, and in the order in which they came first."""
    means = EpochMeans()
    for _ in range(2):
        totals: dict[str, float] = {}
        labels: dict[str, float] = {}
        for _ in range(data.draw(st.integers(0, 5))):
            tasks = data.draw(st.lists(st.sampled_from("abcd"), unique=True))
            step = {t: data.draw(st.tuples(st.floats(-2, 2), st.integers(1, 3))) for t in tasks}
            means.add(record(**step))
            for task, (loss, n) in step.items():
                loss = float(torch.tensor(loss))
                totals[task] = totals.get(task, 0.0) + n * loss
                labels[task] = labels.get(task, 0.0) + n
        found = means.take()
        assert list(found.items()) == [(task, totals[task] / labels[task]) for task in totals]
