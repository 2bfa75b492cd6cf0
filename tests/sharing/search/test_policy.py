"""The terms of a policy, against loops over blocks and pairs of tasks."""

import itertools
import math

import pytest
import torch

from plait.core.errors import ConfigError
from plait.sharing.search.policy import Policy, check_policy

TASKS = ("b", "a.1", "c")
OPEN = [False, True, True, True]


def policy() -> Policy:
    made = Policy(TASKS, 4)
    for logits in made.logits.values():
        torch.nn.init.normal_(logits)
    return made


def test_logits_come_in_the_order_of_the_tasks() -> None:
    made = policy()
    assert made().shape == (3, 4, 2)
    for row, logits in zip(made(), made.each(), strict=True):
        assert torch.equal(row, logits)
    assert list(made.logits) == made.keys


def test_the_terms_of_the_paper() -> None:
    """Sparsity sums log p(select); sharing weighs early blocks more: 1 - depth / blocks."""
    made = policy()
    sparsity, sharing = made.terms("paper", OPEN)
    chances = made().softmax(dim=-1)[..., 0].tolist()
    slow = sum(math.log(chances[t][k]) for t in range(3) for k in range(4) if OPEN[k])
    assert sparsity.item() == pytest.approx(slow, rel=1e-5)
    slow = sum(
        (1 - (k + 1) / 4) * abs(chances[s][k] - chances[t][k])
        for s, t in itertools.combinations(range(3), 2)
        for k in range(4)
        if OPEN[k]
    )
    assert sharing.item() == pytest.approx(slow, rel=1e-5)


def test_the_terms_of_the_official_code() -> None:
    made = policy()
    sparsity, sharing = made.terms("official", OPEN)
    logits = made().tolist()
    skip = made().log_softmax(dim=-1)[..., 1].tolist()
    slow = sum(-skip[t][k] for t in range(3) for k in range(4) if OPEN[k]) / 4
    assert sparsity.item() == pytest.approx(slow, rel=1e-5)
    slow = sum(
        (k + 1) / 4 * abs(logits[s][k][0] - logits[t][k][0])
        for s, t in itertools.combinations(range(3), 2)
        for k in range(4)
        if OPEN[k]
    )
    assert sharing.item() == pytest.approx(slow, rel=1e-5)


def test_equal_policies_cost_no_sharing_and_closed_blocks_get_no_gradient() -> None:
    made = Policy(TASKS, 4)
    sparsity, sharing = made.terms("paper", OPEN)
    assert sharing.item() == 0.0
    sparsity.backward()
    for logits in made.logits.values():
        assert logits.grad is not None
        assert not logits.grad[0].any() and logits.grad[1:].any(dim=1).all()


@pytest.mark.parametrize("given", [3, [[1, 0]], [[1, 0], [1], [0, 1]], [[1, 0, 1]] * 3])
def test_another_shape_is_refused(given: object) -> None:
    with pytest.raises(ConfigError, match=r"2 numbers, .* each of the 3 tasks \(b, a\.1, c\)"):
        check_policy(given, 2, TASKS)


@pytest.mark.parametrize("number", [2, -1, "1", None])
def test_what_is_no_choice_is_refused(number: object) -> None:
    with pytest.raises(ConfigError, match="1 for a block to run and 0 to skip; found"):
        check_policy([[1, 0], [number, 1], [0, 0]], 2, TASKS)


def test_a_policy_that_fits_passes() -> None:
    check_policy([[1, 0], [0.5, 1], [0, 0]], 2, TASKS)
