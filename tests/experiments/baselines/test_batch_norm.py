"""BatchNorm statistics estimated anew: plain means over batches, and nothing else moves."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from plait.experiments.baselines.batch_norm import estimate_batch_norm
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Regression

Batches = list[tuple[Tensor, dict[str, Tensor]]]


def model(*layers: nn.Module) -> MultiTaskModel:
    tasks = [Regression("y", mean=0.0, scale=1.0)]
    return MultiTaskModel(Hard(nn.Sequential(*layers)), tasks, example=torch.zeros(4, 3))


def batches(*sizes: int) -> Batches:
    return [(torch.randn(size, 3) * 2 + 1, {"y": torch.zeros(size, 1)}) for size in sizes]


def test_statistics_are_means_over_the_batches() -> None:
    norm = nn.BatchNorm1d(3)
    norm.running_mean += 5  # type: ignore[operator]
    given = batches(8, 8, 4)
    estimate_batch_norm(model(norm), given, device="cpu")
    means = torch.stack([x.mean(dim=0) for x, _ in given]).mean(dim=0)
    variances = torch.stack([x.var(dim=0) for x, _ in given]).mean(dim=0)
    torch.testing.assert_close(norm.running_mean, means)
    torch.testing.assert_close(norm.running_var, variances)
    assert norm.momentum == 0.1 and norm.num_batches_tracked == 3


def test_a_deeper_layer_reads_what_the_first_normalises() -> None:
    """As in training: by the statistics of the batch, not by running ones. Dropout is off."""
    norm = nn.BatchNorm1d(3, affine=False)
    given = batches(16, 16)
    estimate_batch_norm(
        model(nn.BatchNorm1d(3, affine=False), nn.Dropout(0.9), norm), given, device="cpu"
    )
    torch.testing.assert_close(norm.running_mean, torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(norm.running_var, torch.full((3,), 16 / 15), atol=1e-3, rtol=0)


def test_the_number_of_batches_is_bounded() -> None:
    norm = nn.BatchNorm1d(3)
    given = batches(8, 8, 8)
    estimate_batch_norm(model(norm), given, device="cpu", most=1)
    torch.testing.assert_close(norm.running_mean, given[0][0].mean(dim=0))


def test_a_layer_that_is_not_reached_keeps_its_statistics() -> None:
    norm = nn.BatchNorm1d(3)
    norm.running_mean += 5  # type: ignore[operator]
    estimate_batch_norm(model(norm), batches(1), device="cpu")  # a single example has no variance
    assert norm.running_mean is not None and (norm.running_mean == 5).all()
    assert norm.momentum == 0.1


def test_without_batch_norm_no_batch_is_read() -> None:
    for layer in (nn.Linear(3, 3), nn.BatchNorm1d(3, track_running_stats=False)):
        estimate_batch_norm(model(layer), _broken(), device="cpu")


def test_a_failure_puts_the_momentum_back() -> None:
    norm = nn.BatchNorm1d(3)
    made = model(norm)
    with pytest.raises(ValueError, match="broken"):
        estimate_batch_norm(made, _broken(), device="cpu")
    assert norm.momentum == 0.1 and norm.running_mean is not None


def _broken() -> Iterator[object]:
    yield batches(4)[0]
    raise ValueError("broken")


@pytest.mark.parametrize("training", [True, False])
def test_modes_and_generator_are_left_as_found(training: bool) -> None:
    norm = nn.BatchNorm1d(3)
    made = model(norm).train(training)
    given, before = batches(4, 4), torch.get_rng_state()
    estimate_batch_norm(made, DataLoader(given, batch_size=None, shuffle=True), device="cpu")  # type: ignore[arg-type]
    assert made.training == norm.training == training
    assert torch.equal(torch.get_rng_state(), before)
