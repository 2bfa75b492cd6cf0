import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.regularization.algebra.l1inf import l1inf_norm, l1inf_prox


def test_one_column_by_hand() -> None:
    """[5, -4, 1]: cutting 3 off makes 5 and 4 both 3."""
    rows = torch.tensor([[5.0], [-4.0], [1.0]])
    assert l1inf_norm(rows).item() == 5.0
    assert l1inf_prox(rows, 3.0).flatten().tolist() == pytest.approx([3.0, -3.0, 1.0])
    assert not l1inf_prox(rows, 10.0).any()
    assert torch.equal(l1inf_prox(rows, 0.0), rows)


@given(st.integers(0, 10_000), st.floats(0.01, 5.0), st.integers(1, 6))
def test_the_proximal_point_solves_its_optimality_condition(
    seed: int, step: float, tasks: int
) -> None:
    """v - x is step times a subgradient: of l1-length step on the largest entries, or less at 0."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(tasks, 4, generator=generator, dtype=torch.float64)
    found = l1inf_prox(rows, step)
    for before, after in zip(rows.T, found.T, strict=True):
        cut = before - after
        length = cut.abs().sum().item()
        if not after.any():
            assert length <= step + 1e-12
            continue
        assert length == pytest.approx(step)
        assert (cut * after >= 0).all()
        below = after.abs() < after.abs().max() - 1e-12
        assert not cut[below].abs().gt(1e-12).any()
