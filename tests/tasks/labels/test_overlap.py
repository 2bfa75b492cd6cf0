import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from plait.tasks.labels import soft_dice
from plait.tasks.labels.overlap import mean_dice


def by_loops(logits: Tensor, target: Tensor, weights: Tensor) -> list[float]:
    found = []
    for z, y, w in zip(logits.double(), target, weights.double(), strict=True):
        p = z.softmax(dim=0).flatten(1)
        each = []
        for c in range(len(p)):
            g = (y == c).double().flatten()
            mass = w.flatten()
            if (mass * g).sum() > 0:
                overlap = 2 * (mass * p[c] * g).sum() / (mass * (p[c] + g)).sum()
                each.append(1 - overlap.item())
        found.append(sum(each) / len(each) if each else 0.0)
    return found


@given(seed=st.integers(0, 10**6), classes=st.integers(2, 5), dims=st.integers(1, 2))
def test_it_is_the_formula_by_loops(seed: int, classes: int, dims: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    shape = (3, *(4, 5)[:dims])
    logits = torch.randn(3, classes, *shape[1:], generator=generator, dtype=torch.float64)
    target = torch.randint(classes, shape, generator=generator)
    weights = torch.rand(shape, generator=generator) * (
        torch.rand(shape, generator=generator) > 0.4
    )
    weights[0] = 0
    expected = by_loops(logits, target, weights)
    assert soft_dice(logits, target, weights).tolist() == pytest.approx(expected)
    assert soft_dice(logits, target, 7 * weights).tolist() == pytest.approx(expected)
    there = target.where(weights > 0, -100)  # what is not counted may be any number
    assert soft_dice(logits, there, weights).tolist() == pytest.approx(expected)


def test_it_is_0_for_certain_and_right_and_1_for_certain_and_wrong() -> None:
    target = torch.tensor([[0, 0, 1, 0]])
    right = 200 * torch.nn.functional.one_hot(target, 2).mT.double()
    ones = torch.ones(1, 4, dtype=torch.bool)
    assert soft_dice(right, target, ones).item() == pytest.approx(0)
    assert soft_dice(right.flip(1), target, ones).item() == pytest.approx(1)


def test_a_class_counts_the_same_however_few_places_it_has() -> None:
    """All background: its Dice is 2 (n - k) / (2 n - k), and that of the k others is 0."""
    n, k = 1000, 2
    target = torch.zeros(1, n, dtype=torch.long)
    target[0, :k] = 1
    logits = torch.zeros(1, 2, n, dtype=torch.float64)
    logits[:, 0] = 100.0
    expected = (1 + 1 - 2 * (n - k) / (2 * n - k)) / 2
    assert soft_dice(logits, target, torch.ones(1, n)).item() == pytest.approx(expected)


def test_gradients_are_right_and_finite_without_labels() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64).requires_grad_()
    target = torch.tensor([[0, 2, 2, 0], [1, 1, 1, 1]])
    weights = torch.tensor([[1.0, 0.5, 0.0, 1.0], [0.0] * 4], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: soft_dice(z, target, weights), logits)
    soft_dice(logits, target, weights).sum().backward()
    assert logits.grad is not None
    assert logits.grad[1].abs().max() == 0
    assert logits.grad[0, :, 2].abs().max() == 0


def test_half_precision_is_summed_up_in_full() -> None:
    logits = torch.randn(1, 2, 5000).bfloat16()
    target = torch.randint(2, (1, 5000))
    found = soft_dice(logits, target, torch.ones(1, 5000))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, soft_dice(logits.float(), target, torch.ones(1, 5000)))


def test_the_mean_over_examples_counts_each_by_the_mass_of_its_labels() -> None:
    logits, target = torch.randn(3, 2, 4).double(), torch.randint(2, (3, 4))
    mass = torch.tensor([[1.0, 0, 0, 0], [2.0, 2, 2, 1], [0.0] * 4]).double()
    first, second, _ = soft_dice(logits, target, mass > 0).tolist()
    found = mean_dice(logits, target, mass > 0, mass).item()
    assert found == pytest.approx((1 * first + 7 * second) / 8)
