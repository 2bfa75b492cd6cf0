import pickle

import pytest
import torch

from plait.tasks import MeanDistance


def test_it_is_the_mean_length_of_the_differences_over_all_batches() -> None:
    metric = MeanDistance()
    pairs = [(torch.randn(n, 3), torch.randn(n, 3)) for n in (1, 5, 0, 2)]
    lengths = []
    for prediction, target in pairs:
        metric.update(prediction, target)
        for p, t in zip(prediction.tolist(), target.tolist(), strict=True):
            lengths.append(sum((a - b) ** 2 for a, b in zip(p, t, strict=True)) ** 0.5)
    assert metric.compute().item() == pytest.approx(sum(lengths) / 8, rel=1e-6)


def test_reset_forgets_and_a_copy_is_its_own() -> None:
    metric = MeanDistance()
    metric.update(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
    copy = pickle.loads(pickle.dumps(metric.clone()))
    metric.reset()
    metric.update(torch.tensor([[0.0, 1.0]]), torch.zeros(1, 2))
    assert (metric.compute().item(), copy.compute().item()) == (1.0, 5.0)


def test_states_of_processes_add_up() -> None:
    """torchmetrics sums states that are marked so over the processes."""
    whole, parts = MeanDistance(), [MeanDistance(), MeanDistance()]
    for metric, rows in zip(parts, (3, 1), strict=True):
        prediction = torch.randn(rows, 2)
        for each in (metric, whole):
            each.update(prediction, torch.zeros(rows, 2))
    assert all(reduce is not None for reduce in whole._reductions.values())
    total = {
        name: whole._reductions[name](torch.stack([getattr(part, name) for part in parts]))
        for name in whole._reductions
    }
    torch.testing.assert_close(total["total"] / total["number"], whole.compute())


def test_low_precision_predictions_are_measured_in_the_labels_precision() -> None:
    metric = MeanDistance()
    metric.update(torch.tensor([[1000.0, 0.0]], dtype=torch.bfloat16), torch.tensor([[1000.5, 0]]))
    assert metric.compute().item() == 0.5


def test_smaller_is_better_and_zero_is_best() -> None:
    metric = MeanDistance()
    assert metric.higher_is_better is False
    points = torch.randn(4, 2)
    metric.update(points, points)
    assert metric.compute().item() == metric.plot_lower_bound == 0.0
