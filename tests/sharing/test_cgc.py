"""Experts of each task and experts of all, and a gate for each task."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.keys import safe_key
from plait.core.structure import PerTask
from plait.networks import encode
from plait.sharing import CGC, MMoE
from tests.sharing.encoders import conv, mlp

ROWS, IMAGES = torch.randn(4, 5), torch.randn(4, 2, 6, 8)


def new(encoder: nn.Module, example: Any = ROWS, tasks: str = "abc", **options: Any) -> CGC:
    sharing = CGC(encoder, **options)
    sharing.setup(list(tasks), example)
    return sharing


def experts_of(sharing: CGC, owner: str) -> list[nn.Module]:
    return list(sharing.encoders[owner].children())


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def runs(sharing: CGC) -> list[str]:
    """A list that grows by the owner of each expert that runs."""
    found: list[str] = []
    for owner, experts in sharing.encoders.items():
        for expert in experts.children():
            first = next(iter(expert.children()))
            first.register_forward_hook(lambda *_, owner=owner: found.append(owner))
    return found


def reached(sharing: CGC, task: str) -> set[str]:
    """The first two parts of the names of the parameters that a task's features reach."""
    names = [name for name, _ in sharing.named_parameters()]
    last = sharing(ROWS)[task].levels[-1].sum()
    grads = torch.autograd.grad(last, list(sharing.parameters()), allow_unused=True)
    pairs = zip(names, grads, strict=True)
    return {".".join(name.split(".")[:2]) for name, grad in pairs if grad is not None}


def same(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    return all(all(map(torch.equal, one[task].levels, two[task].levels)) for task in one)


def test_every_level_is_mixed_own_experts_first() -> None:
    sharing = new(conv(), IMAGES, "ab", task_experts={"a": 1, "b": 2}, shared_experts=2).eval()
    found = sharing(IMAGES)
    for task, own in (("a", 1), ("b", 2)):
        experts = [*experts_of(sharing, safe_key(task)), *experts_of(sharing, "shared")]
        assert len(experts) == own + 2
        made = [encode(expert, IMAGES).levels for expert in experts]
        read = torch.stack([each[-1].mean(dim=(2, 3)) for each in made]).mean(dim=0)
        read = read / read.shape[1] ** 0.5
        gate: Any = sharing.gates[safe_key(task)]
        weights: Tensor = gate(read).softmax(dim=1)
        for level, values in enumerate(found[task].levels):
            expected = torch.zeros_like(values)
            for e, each in enumerate(made):
                expected += weights[:, e, None, None, None] * each[level]
            torch.testing.assert_close(values, expected)


def test_without_experts_of_the_tasks_it_is_the_multi_gate_mixture() -> None:
    encoder = mlp()
    mixture = MMoE(encoder, experts=3)
    mixture.setup(list("abc"), ROWS)
    assert same(new(encoder, task_experts=0, shared_experts=3)(ROWS), mixture(ROWS))


def test_without_experts_of_all_each_task_has_a_mixture_of_its_own() -> None:
    sharing = new(mlp(), task_experts=2, shared_experts=0)
    found = sharing(ROWS)
    for task in "abc":
        mixture = MMoE(mlp(), experts=2)
        mixture.setup([task], ROWS)
        key = safe_key(task)
        mixture.encoders["shared"].load_state_dict(sharing.encoders[key].state_dict())
        mixture.gates[key].load_state_dict(sharing.gates[key].state_dict())
        assert same({task: found[task]}, mixture(ROWS))
        assert reached(sharing, task) == {f"encoders.{key}", f"gates.{key}"}


def test_a_task_reaches_its_own_experts_and_gate_and_those_of_all() -> None:
    sharing = new(mlp(), task_experts=1, shared_experts=1)
    for task in "abc":
        key = safe_key(task)
        assert reached(sharing, task) == {"encoders.shared", f"encoders.{key}", f"gates.{key}"}


def test_the_number_of_parameters() -> None:
    own = {"a": 0, "b": 1, "c": 3}
    sharing = new(mlp(), task_experts=own, shared_experts=2)
    gates = sum((5 + 1) * (m + 2) for m in own.values())
    assert size(sharing) == (2 + 4) * size(mlp()) + gates


def test_the_experts_of_wanted_tasks_are_run_and_no_others() -> None:
    sharing = new(mlp(), task_experts=2, shared_experts=1)
    found = runs(sharing)
    sharing(ROWS, tasks=["c", "a"])
    assert sorted(found) == ["shared", *["task:a"] * 2, *["task:c"] * 2]
    found.clear()
    sharing(PerTask(dict.fromkeys("abc", ROWS)), tasks=["a", "b"])
    assert sorted(found) == ["shared"] * 2 + ["task:a"] * 2 + ["task:b"] * 2


def test_the_experts_of_a_task_depend_on_its_name() -> None:
    encoder = mlp()
    one = new(encoder, tasks="ab").encoders[safe_key("b")]
    two = new(encoder, tasks="b").encoders[safe_key("b")]
    assert all(map(torch.equal, one.parameters(), two.parameters()))
    others = new(encoder, tasks="ab").encoders
    starts = [next(others[key].parameters()) for key in ("shared", "task:a", "task:b")]
    assert not any(torch.equal(starts[i], starts[j]) for i in range(3) for j in range(i))


def test_a_task_named_like_the_shared_experts_is_another_owner() -> None:
    sharing = CGC(mlp(), task_experts=2, shared_experts=1)
    sharing.setup(["shared", "b"], ROWS)
    assert {key: len(list(own.children())) for key, own in sharing.encoders.items()} == {
        "shared": 1,
        "task:shared": 2,
        "task:b": 2,
    }
    assert list(sharing(ROWS)) == ["shared", "b"]


def test_the_log_shows_own_and_shared_experts() -> None:
    sharing = new(mlp(), task_experts={"a": 1, "b": 2, "c": 0}, shared_experts=1)
    watched = sharing(ROWS).watched
    gates = watched["CGC: gates"]
    assert gates.columns == ("own 1", "own 2", "shared 1")
    assert list(gates.rows) == ["a", "b"]  # the third has nothing to choose
    for row in gates.rows.values():
        assert float(row.sum()) == pytest.approx(1.0)
    assert gates.rows["a"][1] == 0
    assert gates.rows["a"].count_nonzero() == 2
    assert gates.rows["b"].count_nonzero() == 3
    assert list(watched["CGC: gate entropy"].rows) == ["a", "b"]


def test_the_options_are_kept_and_not_changed() -> None:
    counts = {"a": 1, "b": 2, "c": 0}
    sharing = new(mlp(), task_experts=counts)
    assert sharing.task_experts == counts
    assert sharing.task_experts is not counts


def test_options_outside_their_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="are both 0, so that there is no expert"):
        CGC(mlp(), task_experts=0, shared_experts=0)
    with pytest.raises(ConfigError, match="no expert for task 'b'"):
        CGC(mlp(), task_experts={"a": 1, "b": 0}, shared_experts=0)
    with pytest.raises(ConfigError, match="`shared_experts` must be a whole number, at least 0"):
        CGC(mlp(), shared_experts=-1)
    with pytest.raises(ConfigError, match="`task_experts` has no number for task 'c'"):
        new(mlp(), task_experts={"a": 1, "b": 1})
    with pytest.raises(ConfigError, match="unknown task of `task_experts` 'd'"):
        new(mlp(), task_experts={"a": 1, "b": 1, "c": 1, "d": 1})
