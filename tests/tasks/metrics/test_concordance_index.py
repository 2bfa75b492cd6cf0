import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from plait.evaluation.meter import Meter
from plait.tasks import ConcordanceIndex, perfect_value


def slow(prediction: Tensor, time: Tensor, event: Tensor) -> float:
    """Pair by pair."""
    comparable = concordant = 0.0
    rows = list(zip(prediction.tolist(), time.tolist(), event.tolist(), strict=True))
    for i, (p, t, happened) in enumerate(rows):
        for j, (q, u, later) in enumerate(rows):
            if i != j and happened and (t < u or (t == u and not later)):
                comparable += 1
                concordant += 1.0 if p < q else 0.5 if p == q else 0.0
    return concordant / comparable if comparable else math.nan


def index(prediction: Tensor, target: Tensor, size: int = 100) -> float:
    meter = Meter("y/c", ConcordanceIndex(), "cpu")
    for rows in torch.arange(len(target)).split(size):
        meter.update(prediction[rows], target[rows])
    return meter.compute()


@given(seed=st.integers(0, 10**6), number=st.integers(1, 25), size=st.integers(1, 25))
def test_it_is_the_share_of_pairs_with_ties_of_all_sorts(seed: int, number: int, size: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    prediction, time = torch.randint(0, 6, (2, number), generator=generator).double()
    event = torch.randint(0, 2, (number,), generator=generator).double()
    target = torch.stack([time, event], dim=1)
    expected = pytest.approx(slow(prediction, time, event), nan_ok=True)
    assert index(prediction, target, size) == expected
    order = torch.randperm(number, generator=generator)
    assert index(prediction[order], target[order], size) == expected


def test_many_examples_are_counted_without_their_pairs() -> None:
    """Against the share of pairs of a sample, which has to be near."""
    time, event = torch.rand(20_000).double(), (torch.rand(20_000) < 0.5).double()
    noisy = time + 0.3 * torch.randn(20_000)
    whole = index(noisy, torch.stack([time, event], dim=1), 20_000)
    assert whole == pytest.approx(slow(noisy[:400], time[:400], event[:400]), abs=0.05)


def test_perfect_constant_and_reversed() -> None:
    target = torch.tensor([[1.0, 1.0], [2.0, 0.0], [3.0, 1.0], [4.0, 0.0]])
    assert index(target[:, 0], target) == perfect_value("c", ConcordanceIndex()) == 1
    assert index(torch.zeros(4), target) == 0.5
    assert index(-target[:, 0], target) == 0


@pytest.mark.parametrize(
    "target", [[[1.0, 0.0], [2.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]], [[1.0, 1.0]]]
)
def test_without_a_pair_that_can_be_compared_it_is_undefined(target: list[list[float]]) -> None:
    meter = Meter("y/c", ConcordanceIndex(), "cpu")
    meter.update(torch.arange(float(len(target))), torch.tensor(target))
    assert math.isnan(meter.compute())
    assert meter.why() == "of no two examples it is known whose event came first"
