"""Experts of each task and experts of all, mixed anew at each level."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError, ShapeError
from plait.core.keys import safe_key
from plait.core.structure import Masked, PerTask
from plait.encoders import as_staged
from plait.sharing import CGC, PLE
from tests.sharing.encoders import Tokens, conv, mlp

ROWS = torch.randn(4, 5)
ENDS = {"a": 1, "b": 2}


def deep(*widths: int) -> nn.Sequential:
    """Blocks of a linear layer and its activation, each a stage."""
    sizes = (5, *widths)
    return nn.Sequential(*(nn.Sequential(nn.Linear(m, n), nn.Tanh()) for m, n in pairwise(sizes)))


def new(encoder: nn.Module, tasks: str = "ab", example: Any = ROWS, **options: Any) -> PLE:
    sharing = PLE(encoder, **options)
    sharing.setup(list(tasks), example)
    return sharing


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def gate(sharing: PLE, owner: str, level: int, read: Tensor) -> Tensor:
    found: Any = sharing.gates[f"{owner}/{level}"]
    (linear,) = found.layers
    return (read @ linear.weight.T + linear.bias).softmax(dim=1)


def mixed(weights: Tensor, made: list[Tensor]) -> Tensor:
    total = torch.zeros_like(made[0])
    for e, each in enumerate(made):
        total += weights[:, e].view(-1, *(1,) * (each.dim() - 1)) * each
    return total


def slow(sharing: PLE, x: Tensor, read: Any) -> dict[str, list[Tensor]]:
    """The formula of the paper, branch by branch; `read(level, entering, made)`."""
    keys = [safe_key(task) for task in sharing.tasks]
    branches = dict.fromkeys([*keys, "shared"], x)
    levels: dict[str, list[Tensor]] = {task: [] for task in sharing.tasks}
    for level in range(sharing.depth):
        made = {
            owner: [expert[level](branches[owner]) for expert in experts.children()]  # type: ignore[index,operator]
            for owner, experts in sharing.encoders.items()
        }
        after: dict[str, Tensor] = {}
        for key in keys:
            own = [*made[key], *made["shared"]]
            after[key] = mixed(gate(sharing, key, level, read(level, branches[key], own)), own)
        if level < sharing.depth - 1:
            every = [each for key in keys for each in made[key]] + made["shared"]
            weights = gate(sharing, "shared", level, read(level, branches["shared"], every))
            after["shared"] = mixed(weights, every)
        branches = after
        for task, own_levels in levels.items():
            own_levels.append(after[safe_key(task)])
    return levels


def runs(sharing: PLE) -> list[str]:
    """A list that grows by owner and level of each block that runs."""
    found: list[str] = []
    for owner, experts in sharing.encoders.items():
        for expert in experts.children():
            for level, block in enumerate(expert.children()):
                name = f"{owner}/{level}"
                block.register_forward_hook(lambda *_, name=name: found.append(name))
    return found


def reached(sharing: PLE, task: str) -> set[str]:
    """`owner/level` of the blocks, and `gate owner/level`, that a task's last level reaches."""
    names = [name for name, _ in sharing.named_parameters()]
    last = sharing(ROWS)[task].levels[-1].sum()
    grads = torch.autograd.grad(last, list(sharing.parameters()), allow_unused=True)
    found: set[str] = set()
    for name, grad in zip(names, grads, strict=True):
        kind, owner, *rest = name.split(".")
        if grad is not None:
            found.add(f"{owner}/{rest[1]}" if kind == "encoders" else f"gate {owner}")
    return found


def test_vectors_take_the_way_of_the_paper() -> None:
    sharing = new(deep(6, 4, 3), task_experts=ENDS, shared_experts=2)
    assert sharing.depth == 3
    expected = slow(sharing, ROWS, lambda level, entering, made: entering)
    for task, features in sharing(ROWS).items():
        torch.testing.assert_close([*features.levels], expected[task])


def test_gates_of_maps_read_features_first_and_then_the_pooled_branch() -> None:
    blocks = [nn.Sequential(nn.Conv2d(m, n, 3), nn.ReLU()) for m, n in ((2, 3), (3, 4))]
    images = torch.randn(4, 2, 6, 8)
    sharing = new(nn.Sequential(*blocks), example=images, task_experts=ENDS)

    def read(level: int, entering: Tensor, made: list[Tensor]) -> Tensor:
        if level:
            return entering.mean(dim=(2, 3)) / 3**0.5
        return torch.stack([each.mean(dim=(2, 3)) for each in made]).mean(dim=0) / 3**0.5

    expected = slow(sharing, images, read)
    for task, features in sharing(images).items():
        torch.testing.assert_close([*features.levels], expected[task])
        assert features.grid == (6, 8)


@pytest.mark.parametrize("gate_input", ["input", "features", "task"])
def test_gates_read_what_they_are_told(gate_input: Any) -> None:
    sharing = new(deep(6, 3), task_experts=ENDS, gate_input=gate_input)
    kind = {"input": "flat", "features": "experts", "task": "nothing"}[gate_input]
    assert {each.reads.source for each in sharing.gates.values()} == {kind}  # type: ignore[union-attr]
    widths = {key: each.reads.width for key, each in sharing.gates.items()}  # type: ignore[union-attr]
    at = {"input": [5, 6], "features": [6, 3], "task": [0, 0]}[gate_input]
    assert widths == {
        **{f"task:{task}/{level}": at[level] for task in "ab" for level in range(2)},
        "shared/0": at[0],
    }
    sharing(ROWS)


def test_of_one_level_it_is_customized_gate_control() -> None:
    encoder = as_staged(mlp(), ["0", "1", "2"])
    ple, cgc = PLE(nn.Sequential(encoder)), CGC(nn.Sequential(encoder))
    for sharing in (ple, cgc):
        sharing.setup(["a", "b"], ROWS)
    assert ple.depth == 1
    assert set(ple.gates) == {"task:a/0", "task:b/0"}  # no shared gate
    cgc.encoders.load_state_dict(ple.encoders.state_dict())
    for task in "ab":
        cgc.gates[safe_key(task)].load_state_dict(ple.gates[f"{safe_key(task)}/0"].state_dict())
    one, two = ple(ROWS), cgc(ROWS)
    for task in "ab":
        assert all(map(torch.equal, one[task].levels, two[task].levels))


def test_the_number_of_parameters() -> None:
    own = {"a": 0, "b": 1, "c": 2}
    encoder = deep(6, 4, 3)
    sharing = new(encoder, "abc", task_experts=own, shared_experts=2)
    reads = (5, 6, 4)
    gates = sum((d + 1) * (own[task] + 2) for d in reads for task in "bc")
    gates += (reads[-1] + 1) * 2  # task a: at the last level
    gates += sum((d + 1) * (3 + 2) for d in reads[:-1])  # of the shared branch
    assert size(sharing) == (2 + 3) * size(encoder) + gates


def test_a_level_is_a_block() -> None:
    """A flattening belongs to the first one, and an activation to the layer before it."""
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3), nn.ReLU())
    sharing = new(encoder, example=torch.zeros(2, 2, 3))
    assert sharing.ends == (2, 4)
    assert sharing.shapes["a"].levels == ((5,), (3,))
    assert [each.shape for each in sharing(torch.zeros(4, 2, 3))["a"].levels] == [(4, 5), (4, 3)]


def test_who_learns_from_whom() -> None:
    """Other tasks' experts are reached by way of the shared branch, below the last level."""
    two = new(deep(6, 3))
    own = {"task:a/0", "task:a/1", "shared/0", "shared/1"}
    gates = {"gate task:a/0", "gate task:a/1", "gate shared/0"}
    assert reached(two, "a") == own | gates | {"task:b/0"}
    three = new(deep(6, 4, 3))
    expected = {f"{owner}/{level}" for owner in ("task:a", "shared") for level in range(3)}
    expected |= {"task:b/0", "task:b/1"}
    expected |= {f"gate task:a/{level}" for level in range(3)} | {"gate shared/0", "gate shared/1"}
    expected |= {"gate task:b/0"}  # leads b's experts of level 1, which the shared branch reads
    assert reached(three, "a") == expected


def test_without_experts_of_all_nothing_is_shared() -> None:
    sharing = new(deep(6, 4, 3), task_experts=2, shared_experts=0)
    assert not any(key.startswith("shared") for key in [*sharing.gates, *sharing.encoders])
    for task in "ab":
        assert all(f"task:{task}" in name for name in reached(sharing, task))
    found = runs(sharing)
    sharing(ROWS, tasks=["b"])
    assert sorted(found) == sorted(["task:b/0", "task:b/1", "task:b/2"] * 2)


def test_tasks_without_experts_follow_the_shared_branch() -> None:
    sharing = new(deep(6, 4, 3), task_experts={"a": 0, "b": 1}, shared_experts=2)
    assert not {"task:a/0", "task:a/1"} & set(sharing.gates)
    found = sharing(ROWS)["a"]
    branch = ROWS
    for level in range(2):
        made = [expert[level](branch) for expert in sharing.encoders["shared"]]  # type: ignore[union-attr]
        b = sharing.encoders["task:b"][0]  # type: ignore[index]
        other = b[level](ROWS if level == 0 else sharing(ROWS)["b"].levels[0])
        every = [other, *made]
        branch = mixed(gate(sharing, "shared", level, branch), every)
        torch.testing.assert_close(found.levels[level], branch)
    made = [expert[2](branch) for expert in sharing.encoders["shared"]]  # type: ignore[union-attr]
    torch.testing.assert_close(found.levels[2], mixed(gate(sharing, "task:a", 2, branch), made))


def test_without_experts_of_any_task_there_is_one_branch_and_a_last_gate_for_each() -> None:
    sharing = new(deep(6, 3), task_experts=0, shared_experts=2)
    assert set(sharing.gates) == {"shared/0", "task:a/1", "task:b/1"}
    found = sharing(ROWS)
    assert torch.equal(found["a"].levels[0], found["b"].levels[0])
    assert not torch.equal(found["a"].levels[1], found["b"].levels[1])


def test_the_last_level_runs_the_experts_of_wanted_tasks_alone() -> None:
    sharing = new(deep(6, 4, 3), "abc")
    found = runs(sharing)
    sharing(ROWS, tasks=["b"])
    every = [f"{owner}/{level}" for owner in ("shared", "task:b") for level in range(3)]
    every += [f"{owner}/{level}" for owner in ("task:a", "task:c") for level in range(2)]
    assert sorted(found) == sorted(every)


def test_inputs_of_each_task_run_all_branches() -> None:
    sharing = new(deep(6, 3))
    found = runs(sharing)
    sharing(PerTask({"a": ROWS, "b": ROWS[:2]}))
    assert found.count("shared/0") == found.count("task:a/0") == found.count("task:b/0") == 2
    assert found.count("task:a/1") == found.count("task:b/1") == 1


def test_inputs_of_each_task_must_have_one_width_at_the_gates() -> None:
    example = PerTask({"a": torch.zeros(2, 2, 6, 8), "b": torch.zeros(2, 2, 8, 8)})
    with pytest.raises(ShapeError, match=r"a gate of PLE .* 96 numbers of task 'a', but 128 of"):
        PLE(conv(), gate_input="input").setup(["a", "b"], example)
    PLE(conv()).setup(["a", "b"], example)


def test_a_mask_goes_with_the_branches() -> None:
    words = torch.randint(0, 11, (2, 7))
    mask = torch.arange(7) < torch.tensor([[4], [6]])
    encoder = Tokens()
    encoder.stages = nn.ModuleList([encoder.stages[0], nn.Linear(8, 3)])
    sharing = new(encoder, example=Masked(words, mask))
    one = sharing(Masked(words, mask))["a"]
    two = sharing(Masked(torch.where(mask, words, 10 - words), mask))["a"]
    assert one.mask is mask
    assert one.channel_dim == -1
    for level, other in zip(one.levels, two.levels, strict=True):
        torch.testing.assert_close(level[mask], other[mask])


def test_an_expert_depends_on_the_name_of_its_task() -> None:
    encoder = deep(6, 3)
    one, two = new(encoder, "ab"), new(encoder, "b")
    for key in ("task:b", "shared"):
        pairs = zip(one.encoders[key].parameters(), two.encoders[key].parameters(), strict=True)
        assert all(torch.equal(p, q) for p, q in pairs)
    for level in range(2):
        key = f"task:b/{level}"
        pairs = zip(one.gates[key].parameters(), two.gates[key].parameters(), strict=True)
        assert all(torch.equal(p, q) for p, q in pairs)


def test_the_log_has_the_gates_of_each_level() -> None:
    watched = new(deep(6, 3))(ROWS).watched
    assert set(watched) == {
        *("PLE: gates, level 1", "PLE: gate entropy, level 1"),
        *("PLE: shared gates, level 1", "PLE: shared gate entropy, level 1"),
        *("PLE: gates, level 2", "PLE: gate entropy, level 2"),
    }
    assert watched["PLE: gates, level 2"].columns == ("own 1", "shared 1")
    assert list(watched["PLE: gates, level 2"].rows) == ["a", "b"]
    shared = watched["PLE: shared gates, level 1"]
    assert shared.columns == ("a 1", "b 1", "shared 1")
    for row in [*shared.rows.values(), *watched["PLE: gates, level 1"].rows.values()]:
        assert float(row.sum()) == pytest.approx(1.0)


def test_options_outside_their_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="are both 0, so that there is no expert"):
        PLE(mlp(), task_experts=0, shared_experts=0)
    with pytest.raises(ConfigError, match="unknown task of `task_experts` 'c'"):
        new(mlp(), task_experts={"a": 1, "b": 1, "c": 1})
    with pytest.raises(ConfigError, match="`gate_input`='input' flattens one tensor of floats"):
        new(Tokens(), example=torch.zeros(2, 7, dtype=torch.int64), gate_input="input")
