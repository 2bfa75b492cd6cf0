"""Gradient sign dropout, against the formula entry by entry."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import GradDrop, Info
from plait.core.errors import ConfigError
from tests.balancing.gramians import jacobians


def entry_by_entry(jacobian: np.ndarray, draw: np.ndarray, leaks: np.ndarray) -> np.ndarray:
    direction = np.zeros(jacobian.shape[1])
    for p, column in enumerate(jacobian.T):
        size = np.abs(column).sum()
        chance = 0.5 * (1 + column.sum() / size) if size else 0.5
        for leak, value in zip(leaks, column, strict=True):
            kept = value if (value > 0) == (draw[p] < chance) else 0.0
            direction[p] += leak * value + (1 - leak) * kept
    return direction


@given(jacobians(), st.integers(0, 2**32 - 1), st.booleans())
def test_is_the_formula_entry_by_entry(jacobian: np.ndarray, seed: int, leaks: bool) -> None:
    rng = np.random.default_rng(seed)
    # Between the sums that rounding could confuse with the draw
    draw = (rng.integers(1 << 20, size=jacobian.shape[1]) + 0.123) / (1 << 20)
    leak = rng.uniform(size=len(jacobian)) if leaks else np.zeros(len(jacobian))
    balancer = GradDrop(leak={str(i): value for i, value in enumerate(leak)})
    found = balancer.combine(torch.from_numpy(jacobian), U=torch.from_numpy(draw)).numpy()
    expected = entry_by_entry(jacobian, draw, leak)
    np.testing.assert_allclose(found, expected, atol=1e-12 * np.abs(jacobian).sum())


def test_a_sign_is_kept_as_often_as_it_weighs() -> None:
    column = torch.tensor([[3.0], [-1.0]]).expand(2, 20_000)
    balancer = GradDrop()
    found = balancer.combine(column)
    assert set(found.tolist()) == {3.0, -1.0}
    assert abs(float((found > 0).float().mean()) - 0.75) < 4 * (0.75 * 0.25 / 20_000) ** 0.5
    assert not torch.equal(balancer.combine(column), found)  # a fresh draw


def test_where_all_agree_nothing_is_dropped() -> None:
    rows = torch.rand(4, 100) * torch.randn(100).sign()
    torch.testing.assert_close(GradDrop().combine(rows), rows.sum(dim=0))


def test_a_whole_leak_drops_nothing() -> None:
    rows = torch.randn(4, 100)
    torch.testing.assert_close(GradDrop(leak=1.0).combine(rows), rows.sum(dim=0))


def test_the_draws_do_not_depend_on_the_dtype() -> None:
    rows = torch.randn(3, 200)
    narrow, wide = GradDrop(seed=3).combine(rows), GradDrop(seed=3).combine(rows.double())
    torch.testing.assert_close(narrow.double(), wide)


def test_draws_come_from_its_own_generator_which_is_in_the_state() -> None:
    rows = torch.randn(3, 50)
    first, second, other = GradDrop(seed=1), GradDrop(seed=2), GradDrop(seed=2)
    before = torch.get_rng_state()
    first.combine(rows)
    assert torch.equal(torch.get_rng_state(), before)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    expected = first.combine(rows)
    assert torch.equal(second.combine(rows), expected)
    assert not torch.equal(other.combine(rows), expected)


def test_the_leak_of_a_task_follows_its_name() -> None:
    balancer = GradDrop(leak={"b": 1.0})
    balancer.setup(["a", "b"])
    rows = torch.tensor([[-1.0], [2.0]])
    keep_negative = torch.tensor([0.9])
    assert balancer.combine(rows, Info(("a", "b")), U=keep_negative).tolist() == [1.0]
    assert balancer.combine(rows, Info(("b", "a")), U=keep_negative).tolist() == [1.0 - 2.0 + 0.0]


@pytest.mark.parametrize("leak", [-0.1, 1.1, float("nan"), {"a": 2.0}])
def test_a_leak_is_a_share(leak: object) -> None:
    with pytest.raises(ConfigError, match=r"`leak` must be in \[0, 1\]; found"):
        GradDrop(leak=leak)  # type: ignore[arg-type]


def test_a_leak_of_an_unknown_task_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown task 'mak'.*Did you mean 'mask'"):
        GradDrop(leak={"mak": 0.5}).setup(["mask", "digit"])
