"""Units of each task that mix the experts of all, level by level, and keep their own."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.keys import safe_key
from plait.core.structure import PerTask
from plait.sharing import AdaTT
from tests.sharing.encoders import mlp
from tests.sharing.test_ple import deep, size

ROWS = torch.randn(4, 5)


def new(encoder: nn.Module, tasks: str = "ab", **options: Any) -> AdaTT:
    sharing = AdaTT(encoder, **options)
    sharing.setup(list(tasks), ROWS)
    return sharing


def slow(sharing: AdaTT, x: Tensor) -> dict[str, list[Tensor]]:
    """The formula of the paper, unit by unit; gates read the branch."""
    units = [*map(safe_key, sharing.tasks), *(["shared"] if "shared" in sharing.encoders else [])]
    branches = dict.fromkeys(units, x)
    levels: dict[str, list[Tensor]] = {task: [] for task in sharing.tasks}
    for level in range(sharing.depth):
        made: dict[str, list[Tensor]] = {
            unit: [expert[level](branches[unit]) for expert in sharing.encoders[unit].children()]  # type: ignore[index,operator]
            for unit in units
        }
        every = [each for unit in units for each in made[unit]]
        after: dict[str, Tensor] = {}
        for unit in units:
            if unit == "shared" and level == sharing.depth - 1:
                continue
            gate: Any = sharing.gates[f"{unit}/{level}"]
            (linear,) = gate.layers
            weights = (branches[unit] @ linear.weight.T + linear.bias).softmax(dim=1)
            total = sum(weights[:, e : e + 1] * each for e, each in enumerate(every))
            own = torch.ones(1)
            if sharing.residuals:
                own = sharing.residuals[f"{unit}/{level}"]
            after[unit] = total + sum(v * each for v, each in zip(own, made[unit], strict=True))
        branches = after
        for task, own_levels in levels.items():
            own_levels.append(after[safe_key(task)])
    return levels


def reached(sharing: AdaTT, task: str) -> set[str]:
    names = [name for name, _ in sharing.named_parameters()]
    last = sharing(ROWS)[task].levels[-1].sum()
    grads = torch.autograd.grad(last, list(sharing.parameters()), allow_unused=True)
    return {name for name, grad in zip(names, grads, strict=True) if grad is not None}


CASES: list[dict[str, Any]] = [
    {},
    {"shared_experts": 1},
    {"task_experts": 2},
    {"task_experts": {"a": 1, "b": 2}, "shared_experts": 1},
    {"shared_experts": 2},
]


@pytest.mark.parametrize("options", CASES)
def test_it_is_the_formula_of_the_paper(options: dict[str, Any]) -> None:
    sharing = new(deep(6, 4, 3), **options)
    expected = slow(sharing, ROWS)
    for task, features in sharing(ROWS).items():
        torch.testing.assert_close([*features.levels], expected[task])


@pytest.mark.parametrize("options", CASES)
def test_a_unit_of_one_expert_keeps_it_with_weight_one(options: dict[str, Any]) -> None:
    sharing = new(deep(6, 3), **options)
    single = options in ({}, {"shared_experts": 1})
    assert bool(sharing.residuals) != single
    if not single:
        owners = [f"task:{t}/{level}" for t in "ab" for level in range(2)]
        owners += ["shared/0"] if options.get("shared_experts") else []
        assert set(sharing.residuals) == set(owners)
    for values in sharing.residuals.values():
        assert values.abs().max() <= len(values) ** -0.5


def test_weights_of_own_experts_fill_their_range() -> None:
    sharing = new(deep(6, 3), task_experts=100)
    drawn = torch.cat([values.detach() for values in sharing.residuals.values()])
    assert len(drawn) == 400
    assert drawn.std() == pytest.approx(0.1 / 3**0.5, rel=0.15)
    assert abs(float(drawn.mean())) < 0.01


def test_the_number_of_parameters() -> None:
    encoder = deep(6, 4, 3)
    sharing = new(encoder, "abc", task_experts={"a": 1, "b": 2, "c": 3}, shared_experts=2)
    reads, experts = (5, 6, 4), 6 + 2
    gates = sum((d + 1) * experts * units for d, units in zip(reads, (4, 4, 3), strict=True))
    own = 3 * 6 + 2 * 2
    assert size(sharing) == experts * size(encoder) + gates + own


def test_the_shared_unit_has_no_gate_at_the_last_level() -> None:
    sharing = new(deep(6, 3), shared_experts=1)
    assert "shared/0" in sharing.gates
    assert "shared/1" not in sharing.gates
    one = new(nn.Sequential(deep(3)), shared_experts=2)
    assert one.depth == 1
    assert set(one.gates) == {"task:a/0", "task:b/0"}


def test_all_is_shared_but_the_last_gates() -> None:
    sharing = new(deep(6, 3), task_experts=2, shared_experts=1)
    one, two = reached(sharing, "a"), reached(sharing, "b")
    assert one | two == {name for name, _ in sharing.named_parameters()}
    assert one - two == {name for name in one | two if "task:a/1" in name}
    assert two - one == {name for name in one | two if "task:b/1" in name}


def test_inputs_of_each_task_run_all_units() -> None:
    sharing = new(deep(6, 3), shared_experts=1)
    inputs = PerTask({"a": ROWS, "b": torch.randn(2, 5)})
    found = sharing(inputs)
    for task in "ab":
        expected = slow(sharing, inputs[task])[task]
        torch.testing.assert_close([*found[task].levels], expected)


def test_units_depend_on_their_names() -> None:
    encoder = deep(6, 3)
    one, two = (new(encoder, tasks, task_experts=2) for tasks in ("ab", "b"))
    for key in ("task:b/0", "task:b/1"):
        assert torch.equal(one.residuals[key], two.residuals[key])
    pairs = zip(
        one.encoders["task:b"].parameters(), two.encoders["task:b"].parameters(), strict=True
    )
    assert all(torch.equal(p, q) for p, q in pairs)


def test_the_log_has_the_gates_of_each_level() -> None:
    watched = new(deep(6, 3), shared_experts=1)(ROWS).watched
    assert set(watched) == {
        f"AdaTT: {noun}, level {level}" for noun in ("gates", "gate entropy") for level in (1, 2)
    }
    table = watched["AdaTT: gates, level 1"]
    assert table.columns == ("a 1", "b 1", "shared 1")
    assert list(table.rows) == ["a", "b"]
    for row in table.rows.values():
        assert float(row.sum()) == pytest.approx(1.0)  # without the way of the own expert


def test_options_outside_their_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="`task_experts` must be a whole number, at least 1"):
        AdaTT(mlp(), task_experts=0, shared_experts=1)
    with pytest.raises(ConfigError, match="`shared_experts` must be a whole number, at least 0"):
        AdaTT(mlp(), shared_experts=-1)
    with pytest.raises(ConfigError, match="`task_experts` has no number for task 'b'"):
        new(mlp(), task_experts={"a": 1})
