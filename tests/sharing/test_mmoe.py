"""Experts of all tasks, and a gate for each task."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.keys import safe_key
from plait.core.structure import Masked, PerTask
from plait.networks import encode
from plait.sharing import Hard, MMoE
from tests.sharing.encoders import Tokens, conv, mlp

ROWS, IMAGES = torch.randn(4, 5), torch.randn(4, 2, 6, 8)


def new(encoder: nn.Module, example: Any, tasks: str = "ab", seed: int = 0, **options: Any) -> MMoE:
    sharing = MMoE(encoder, **options)
    sharing.setup(list(tasks), example, seed)
    return sharing


def gate_of(sharing: MMoE, task: str) -> Any:
    return sharing.gates[safe_key(task)]


def experts_of(sharing: MMoE) -> list[nn.Module]:
    return list(sharing.encoders["shared"].children())


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def vector(module: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


def passes(sharing: MMoE) -> list[int]:
    """A list that grows by the number of each expert that runs."""
    found: list[int] = []
    for number, expert in enumerate(experts_of(sharing)):
        first = next(iter(expert.children()))
        first.register_forward_hook(lambda *_, number=number: found.append(number))
    return found


def test_every_level_is_mixed_with_the_weights_of_the_gate() -> None:
    """An image's gate reads the mean over the experts of their pooled last level."""
    sharing = new(conv(), IMAGES, experts=3).eval()
    found = sharing(IMAGES)
    made = [encode(expert, IMAGES) for expert in experts_of(sharing)]
    read = torch.stack([each.levels[-1].mean(dim=(2, 3)) for each in made]).mean(dim=0)
    read = read / read.shape[1] ** 0.5
    for task in "ab":
        (linear,) = gate_of(sharing, task).layers
        weights = (read @ linear.weight.T + linear.bias).softmax(dim=1)
        for level, values in enumerate(found[task].levels):
            expected = torch.zeros_like(values)
            for example in range(4):
                for expert, each in enumerate(made):
                    share = weights[example, expert]
                    expected[example] += share * each.levels[level][example]
            torch.testing.assert_close(values, expected)
        assert found[task].grid == (6, 8)


def test_the_number_of_parameters() -> None:
    for experts in (1, 3):
        sharing = new(mlp(), ROWS, "abc", experts=experts)
        assert size(sharing) == experts * size(mlp()) + 3 * (5 * experts + experts)


def test_with_one_expert_it_is_hard_sharing() -> None:
    encoder = mlp()
    hard, sharing = Hard(encoder), new(encoder, ROWS, experts=1, copies="clone")
    hard.setup(["a", "b"], ROWS)
    upstream = torch.randn(4, 4)
    for task in "ab":
        one, two = hard(ROWS)[task], sharing(ROWS)[task]
        assert all(map(torch.equal, one.levels, two.levels))
        one.levels[-1].backward(upstream)
        two.levels[-1].backward(upstream)
    for one, two in zip(hard.parameters(), experts_of(sharing)[0].parameters(), strict=True):
        assert torch.equal(one.grad, two.grad)  # type: ignore[arg-type]
    for parameter in sharing.gates.parameters():
        assert parameter.grad is not None
        assert not parameter.grad.any()


@pytest.mark.parametrize("gate_input", ["auto", "features", "task"])
def test_the_order_of_the_experts_does_not_matter(gate_input: str) -> None:
    sharing = new(mlp(), ROWS, experts=3, gate_input=gate_input).double()
    rows = ROWS.double()
    before = sharing(rows)
    order = [2, 0, 1]
    sharing.encoders["shared"] = nn.ModuleList([experts_of(sharing)[e] for e in order])
    with torch.no_grad():
        for parameter in sharing.gates.parameters():
            parameter.copy_(parameter[order])
    after = sharing(rows)
    for task in "ab":
        torch.testing.assert_close(after[task].levels, before[task].levels)


def test_the_gates_weights_are_shares() -> None:
    sharing = new(mlp(), ROWS, experts=3)
    watched = sharing(ROWS).watched["MMoE: gates"]
    for row in watched.rows.values():
        assert (row >= 0).all()
        assert float(row.sum()) == pytest.approx(1.0)


def test_an_expert_depends_on_its_number_and_a_gate_on_its_task() -> None:
    encoder = mlp()
    two, four = new(encoder, ROWS, "ab", experts=2), new(encoder, ROWS, "bc", experts=4)
    experts = [vector(each) for each in experts_of(four)]
    assert all(map(torch.equal, map(vector, experts_of(two)), experts[:2]))
    assert not any(torch.equal(experts[i], experts[j]) for i in range(4) for j in range(i))
    again = new(encoder, ROWS, "cb", experts=4)
    assert torch.equal(vector(gate_of(four, "b")), vector(gate_of(again, "b")))
    assert not torch.equal(vector(gate_of(four, "b")), vector(gate_of(four, "c")))
    other = new(encoder, ROWS, "bc", experts=4, seed=1)
    assert not torch.equal(vector(gate_of(four, "b")), vector(gate_of(other, "b")))
    assert not torch.equal(vector(experts_of(four)[0]), vector(experts_of(other)[0]))


def test_clones_are_mixed_to_the_encoder_itself() -> None:
    encoder = mlp()
    sharing = new(encoder, ROWS, experts=3, copies="clone")
    torch.testing.assert_close(sharing(ROWS)["a"].levels, encode(encoder, ROWS).levels)


def test_gates_read_an_input_of_vectors_as_it_is() -> None:
    gates = new(mlp(), ROWS, experts=2, gate_input="auto").gates
    same = new(mlp(), ROWS, experts=2, gate_input="input").gates
    assert torch.equal(vector(gates), vector(same))


def test_gates_may_read_a_flattened_image() -> None:
    sharing = new(conv(), IMAGES, experts=2, gate_input="input")
    (linear,) = gate_of(sharing, "a").layers
    assert linear.in_features == 2 * 6 * 8
    weights = (IMAGES.flatten(1) @ linear.weight.T + linear.bias).softmax(dim=1).mean(dim=0)
    torch.testing.assert_close(sharing(IMAGES).watched["MMoE: gates"].rows["a"], weights)


def test_gates_of_the_task_alone_are_the_same_for_all_examples() -> None:
    sharing = new(conv(), IMAGES, experts=3, gate_input="task").eval()
    weights = gate_of(sharing, "a").free.softmax(dim=0)
    made = [encode(expert, IMAGES).levels[-1] for expert in experts_of(sharing)]
    expected = sum(w * each for w, each in zip(weights, made, strict=True))
    torch.testing.assert_close(sharing(IMAGES)["a"].levels[-1], expected)


def test_gates_may_have_hidden_layers() -> None:
    sharing = new(mlp(), ROWS, experts=2, gate_hidden=[3])
    assert sharing.gate_hidden == (3,)
    shapes = [tuple(p.shape) for p in gate_of(sharing, "a").parameters()]
    assert shapes == [(3, 5), (3,), (2, 3)]


class Masking(Tokens):
    """Tokens that look at real positions alone."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([self.stages[0]])


def test_gates_read_real_positions_alone() -> None:
    words = torch.randint(0, 11, (2, 7))
    mask = torch.arange(7) < torch.tensor([[4], [6]])
    sharing = new(Masking(), Masked(words, mask), experts=2).eval()
    padded = torch.where(mask, words, 10 - words)
    assert not torch.equal(padded, words)
    one, two = sharing(Masked(words, mask)), sharing(Masked(padded, mask))
    torch.testing.assert_close(one["a"].levels[-1][mask], two["a"].levels[-1][mask])
    assert one["a"].mask is mask
    for row in "ab":
        rows = (each.watched["MMoE: gates"].rows[row] for each in (one, two))
        torch.testing.assert_close(*rows)


def test_a_factory_makes_experts_that_differ() -> None:
    sharing = MMoE(mlp, experts=2)
    sharing.setup(["a", "b"], ROWS)
    one, two = map(vector, experts_of(sharing))
    assert not torch.equal(one, two)


def test_experts_run_once_whatever_the_number_of_tasks() -> None:
    sharing = new(mlp(), ROWS, "abc", experts=3)
    found = passes(sharing)
    sharing(ROWS)
    assert found == [0, 1, 2]
    found.clear()
    sharing(PerTask(dict.fromkeys("abc", ROWS)), tasks=["a", "c"])
    assert found == [0, 1, 2, 0, 1, 2]
    found.clear()
    assert sharing(ROWS, tasks=[]) == {}
    assert found == []


def test_the_log_has_mean_weights_and_entropies() -> None:
    sharing = new(mlp(), ROWS, experts=2)
    watched = sharing(ROWS).watched
    assert set(watched) == {"MMoE: gates", "MMoE: gate entropy"}
    assert watched["MMoE: gates"].shares
    assert watched["MMoE: gates"].columns == ("expert 1", "expert 2")
    for task in "ab":
        (linear,) = gate_of(sharing, task).layers
        weights = (ROWS @ linear.weight.T + linear.bias).softmax(dim=1)
        torch.testing.assert_close(watched["MMoE: gates"].rows[task], weights.mean(dim=0))
        entropy = -(weights * weights.log()).sum(dim=1).mean() / math.log(2)
        torch.testing.assert_close(watched["MMoE: gate entropy"].rows[task], entropy)
    assert sharing.eval()(ROWS).watched.keys() == watched.keys()
    assert new(mlp(), ROWS, experts=1)(ROWS).watched == {}


def test_options_outside_their_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="`experts` must be a whole number, at least 1; found 0"):
        MMoE(mlp(), experts=0)
    with pytest.raises(ConfigError, match="unknown gate_input 'inputs'"):
        MMoE(mlp(), gate_input="inputs")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="`gate_hidden` must be widths"):
        MMoE(mlp(), gate_hidden=[0])
    with pytest.raises(ConfigError, match=r"flattens one tensor of floats; .* torch\.int64"):
        new(Tokens(), torch.zeros(2, 7, dtype=torch.int64), gate_input="input")


def test_is_set_up_for_one_model() -> None:
    sharing = new(mlp(), ROWS)
    with pytest.raises(ConfigError, match="Make a new MMoE"):
        sharing.setup(["a"], ROWS)


def test_tasks_that_differ_part_at_the_gates() -> None:
    """Two tasks that no common expert serves: each gate turns to the expert of its own task."""
    sharing = new(nn.Sequential(nn.Linear(2, 1, bias=False)), torch.zeros(2, 2), experts=2)
    sharing = sharing.double()
    experts = experts_of(sharing)
    with torch.no_grad():
        for expert, weight in zip(experts, ([[1.0, 0.0]], [[0.0, 1.0]]), strict=True):
            expert.get_parameter("0.weight").copy_(torch.tensor(weight))
    for expert in experts:
        expert.requires_grad_(False)
    optimizer = torch.optim.Adam(sharing.gates.parameters(), lr=0.1)
    rows = torch.randn(64, 2).double()
    for _ in range(200):
        found = sharing(rows)
        loss = (found["a"].levels[-1] - rows[:, :1]).square().mean()
        loss = loss + (found["b"].levels[-1] - rows[:, 1:]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    gates = sharing(rows).watched["MMoE: gates"].rows
    assert gates["a"][0] > 0.9
    assert gates["b"][1] > 0.9
