import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.regularization.algebra.capped_simplex import capped

numbers = st.lists(st.floats(-3, 3), min_size=1, max_size=7)


@given(numbers, st.integers(1, 7))
def test_it_projects_onto_the_capped_simplex(offsets: list[float], total: int) -> None:
    """The nearest point: no feasible move towards the target is left."""
    total = min(total, len(offsets))
    target = torch.tensor(offsets, dtype=torch.float64)
    found = capped(target, torch.ones_like(target), total)
    assert ((found >= 0) & (found <= 1)).all()
    assert found.sum().item() == pytest.approx(total)
    pull = target - found
    up, down = pull[found < 1 - 1e-9], pull[found > 1e-9]
    if len(up) and len(down):
        assert up.max() <= down.min() + 1e-9


@given(numbers, st.floats(0.05, 3.0), st.integers(1, 7))
def test_it_fills_up_to_one_level(slopes: list[float], beta: float, total: int) -> None:
    """min sum s^2 / (beta + m): all between 0 and 1 have one s / (beta + m)."""
    total = min(total, len(slopes))
    steep = torch.tensor(slopes, dtype=torch.float64).abs()
    found = capped(torch.full_like(steep, -beta), steep, total)
    assert ((found >= 0) & (found <= 1)).all()
    assert found.sum().item() == pytest.approx(total)
    level = steep / (beta + found)
    up, down = level[found < 1 - 1e-9], level[found > 1e-9]
    if len(up) and len(down):
        assert up.max() <= down.min() + 1e-6 * level.max()


def test_those_that_do_not_move_share_what_is_left() -> None:
    found = capped(torch.tensor([-0.5, -0.5, -0.5]), torch.tensor([2.0, 0.0, 0.0]), 2.0)
    assert found.tolist() == pytest.approx([1.0, 0.5, 0.5])


def test_a_slope_beyond_all_others_stands() -> None:
    steep = torch.tensor([1.0, 1.0, 5e-324], dtype=torch.float64)
    found = capped(torch.full_like(steep, -1.0), steep, 2)
    assert found.tolist() == pytest.approx([1.0, 1.0, 0.0])
