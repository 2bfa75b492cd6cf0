"""The rules against torch's optimizers, parameter by parameter; which optimizers have one."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from plait.training.joined.rules import RULES, why_no_rule

ROWS = 3
CASES: list[tuple[Any, dict[str, Any]]] = [
    (torch.optim.SGD, {"momentum": 0.9, "dampening": 0.2, "weight_decay": 0.1}),
    (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "maximize": True}),
    (torch.optim.SGD, {"weight_decay": 0.1}),
    (torch.optim.Adam, {"weight_decay": 0.1, "maximize": True}),
    (torch.optim.Adam, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    (torch.optim.AdamW, {"weight_decay": 0.1, "eps": 1e-3}),
]


@settings(deadline=None, max_examples=20)
@given(
    st.sampled_from(CASES),
    st.lists(st.sets(st.integers(0, ROWS - 1), min_size=1), min_size=1, max_size=8),
    st.sampled_from([torch.float64, torch.float32]),
)
def test_rows_move_as_parameters_of_their_own(
    case: tuple[Any, dict[str, Any]], steps: list[set[int]], dtype: torch.dtype
) -> None:
    kind, options = case
    generator = torch.Generator().manual_seed(0)
    value = torch.randn(ROWS, 2, 5, generator=generator, dtype=dtype)
    apart = [nn.Parameter(row.clone()) for row in value]
    optimizer = kind(apart, lr=0.01, **options)
    (group,) = optimizer.param_groups
    rule = RULES[kind]
    memory = {name: torch.zeros_like(value) for name in rule.memory(group)}
    counts = torch.zeros(ROWS)
    for rows in map(sorted, steps):
        gradient = torch.randn(len(rows), 2, 5, generator=generator, dtype=dtype)
        optimizer.zero_grad()
        for row, own in zip(rows, gradient, strict=True):
            apart[row].grad = own.clone()
        optimizer.step()
        counts[rows] += 1
        moved, kept = value[rows], {name: each[rows] for name, each in memory.items()}
        rule(moved, gradient, kept, counts[rows], group)
        value[rows] = moved
        for name, each in kept.items():
            memory[name][rows] = each
        limit = 1e-14 if dtype == torch.float64 else 1e-6
        found = torch.stack([parameter.detach() for parameter in apart])
        torch.testing.assert_close(value, found, rtol=limit, atol=limit)
        for row, parameter in enumerate(apart):
            for name in memory:
                if name in optimizer.state[parameter]:
                    theirs = optimizer.state[parameter][name]
                    torch.testing.assert_close(memory[name][row], theirs, rtol=limit, atol=limit)


def test_half_precision_is_not_lost_in_the_corrections() -> None:
    """Counts of their own for rows in bfloat16 cost no more than one rounding of the value."""
    value = torch.ones(2, 4, dtype=torch.bfloat16)
    memory = {name: torch.zeros_like(value) for name in ("exp_avg", "exp_avg_sq")}
    optimizer = torch.optim.Adam([nn.Parameter(value.clone())], lr=0.125)
    rule = RULES[torch.optim.Adam]
    rule(value, torch.ones_like(value), memory, torch.tensor([1.0, 2.0]), optimizer.param_groups[0])
    assert value.dtype == torch.bfloat16
    corrected = 0.1 / (1 - 0.9**2) / (0.001 / (1 - 0.999**2)) ** 0.5
    expected = torch.tensor([[1 - 0.125], [1 - 0.125 * corrected]]).expand(2, 4)
    torch.testing.assert_close(value.float(), expected, rtol=2**-7, atol=0)


class OwnSGD(torch.optim.SGD):
    """It may step in any way."""


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (torch.optim.SGD, ""),
        (torch.optim.AdamW, ""),
        (torch.optim.RMSprop, "RMSprop is not known to act element by element"),
        (torch.optim.Adafactor, "Adafactor is not known to act element by element"),
        (OwnSGD, "OwnSGD is not known"),
        (lambda p: torch.optim.Adam(p, amsgrad=True), "Adam is used with `amsgrad`"),
        (lambda p: torch.optim.Adam(p, capturable=True), "Adam is used with `capturable`"),
        (lambda p: torch.optim.SGD(p, fused=True), "SGD is used with `fused`"),
        (lambda p: torch.optim.SGD(p, lr=torch.tensor(0.1)), "a learning rate or a beta of SGD"),
    ],
)
def test_which_optimizers_have_a_rule(make: Any, why: str) -> None:
    found = why_no_rule(make([nn.Parameter(torch.zeros(2, 2))]))
    assert (found == why) if not why else found.startswith(why)
