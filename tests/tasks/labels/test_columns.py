"""Counts by column; tests/core/test_label_counts.py has them against each kind of task."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.tasks.labels.columns import add_up_exactly, counts_of


@pytest.mark.parametrize("tail", [(), (2,), (2, 2)])
@pytest.mark.parametrize("weighted", [False, True])
def test_each_column_has_the_mass_of_its_known_labels(
    tail: tuple[int, ...], weighted: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    state = torch.randint(2, (7, 5, *tail), generator=generator)  # 0 missing, 1 known
    state[3, 2] = 2  # neither
    weights = torch.rand(7, 5, *tail, generator=generator) if weighted else None
    found = counts_of(state == 1, state == 0, weights)
    for task in range(5):
        each = torch.ones_like(state[:, task]) if weights is None else weights[:, task]
        mass = each[state[:, task] == 1].sum(dtype=torch.float64)
        assert found[task] == (None if task == 2 else pytest.approx(float(mass), rel=1e-15))


def test_without_rows_nothing_is_known() -> None:
    none = torch.zeros(0, 3, dtype=torch.bool)
    assert counts_of(none, none) == [0.0, 0.0, 0.0]


@given(
    st.lists(st.floats(2**-13, 2**13, width=32), min_size=1, max_size=6),
    st.integers(1, 3000),
)
def test_sums_that_are_said_to_be_exact_are_the_same_in_any_order(
    classes: list[float], labels: int
) -> None:
    weights = torch.tensor(classes)
    drawn = weights[torch.randint(len(weights), (labels,))].double()
    if add_up_exactly(weights, labels):
        one = drawn[torch.randperm(labels)].cumsum(0)[-1]
        assert one == drawn.sum() == sum(drawn.tolist())


def test_weights_that_differ_too_much_are_not_said_to_be_exact() -> None:
    assert add_up_exactly(torch.tensor([0.0, 0.5, 1.5]), 10_000)
    assert not add_up_exactly(torch.tensor([0.5, 1.5]).double(), 10)
    assert not add_up_exactly(torch.tensor([1e-7, 1e7]), 10)
    assert not add_up_exactly(torch.tensor([0.0]), 10)
