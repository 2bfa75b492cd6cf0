"""Mean losses of the epochs that are over."""

import numpy as np
import pytest
import torch

from plait.balancing.memory.epoch_means import EpochMeans


def values(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def test_are_those_of_the_last_two_epochs() -> None:
    rng, means = np.random.default_rng(0), EpochMeans()
    epochs = [rng.uniform(0, 9, (steps, 2)) for steps in (3, 1, 4, 2)]
    expected = [np.zeros(2), np.zeros(2), *(losses.mean(axis=0) for losses in epochs)]
    for epoch, losses in enumerate(epochs):
        for step in losses:
            last, before = means.take(["a", "b"], torch.from_numpy(step), epoch)
            assert last.tolist() == pytest.approx(expected[epoch + 1].tolist())
            assert before.tolist() == pytest.approx(expected[epoch].tolist())


def test_a_task_counts_the_epochs_in_which_it_was_present() -> None:
    means = EpochMeans()
    means.take(["a", "b"], values(1.0, 10.0), 0)
    means.take(["a"], values(2.0), 1)
    last, before = means.take(["b", "a"], values(5.0, 5.0), 2)
    assert (last.tolist(), before.tolist()) == ([10.0, 2.0], [0.0, 1.0])


def test_a_resumed_epoch_goes_on() -> None:
    whole, first, second = EpochMeans(), EpochMeans(), EpochMeans()
    for means in (whole, first):
        means.take(["a"], values(1.0), 0)
    second.load_state_dict(first.state_dict())
    for means in (whole, second):
        means.take(["a"], values(4.0), 0)
    assert second.take(["a"], values(9.0), 1)[0].tolist() == [2.5]
    assert whole.take(["a"], values(9.0), 1)[0].tolist() == [2.5]
