"""Experts of all tasks, of which each task ends with k at most."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.keys import safe_key
from plait.core.structure import PerTask
from plait.networks import encode
from plait.sharing import DSelectK, Hard
from plait.sharing.experts.selectors import entropy_of, reach_of
from plait.training import parameter_groups
from tests.sharing.encoders import conv, mlp

ROWS, IMAGES = torch.randn(4, 5), torch.randn(4, 2, 6, 8)


def new(encoder: nn.Module, example: Any = ROWS, tasks: str = "ab", **options: Any) -> DSelectK:
    sharing = DSelectK(encoder, **options)
    sharing.setup(list(tasks), example)
    return sharing


def gate_of(sharing: DSelectK, task: str) -> Any:
    return sharing.gates[safe_key(task)]


def experts_of(sharing: DSelectK) -> list[nn.Module]:
    return list(sharing.encoders["shared"].children())


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def settle(sharing: DSelectK, **chosen: list[int]) -> None:
    """Saturates the selectors of each task on the given experts."""
    for task, experts in chosen.items():
        gate = gate_of(sharing, task)
        signs = [
            0.6 if expert >> bit & 1 else -0.6
            for expert in experts
            for bit in reversed(range(gate.bits))
        ]
        with torch.no_grad():
            gate.z.free.copy_(torch.tensor(signs))


def passes(sharing: DSelectK) -> list[int]:
    """A list that grows by the number of each expert that runs."""
    found: list[int] = []
    for number, expert in enumerate(experts_of(sharing)):
        first = next(iter(expert.children()))
        first.register_forward_hook(lambda *_, number=number: found.append(number))
    return found


@pytest.mark.parametrize("conditioning", ["task", "example"])
def test_every_level_is_mixed_with_the_weights(conditioning: str) -> None:
    sharing = new(conv(), IMAGES, experts=3, conditioning=conditioning).eval()
    made = [encode(expert, IMAGES).levels for expert in experts_of(sharing)]
    read = torch.stack([each[-1].mean(dim=(2, 3)) for each in made]).mean(dim=0)
    read = read / read.shape[1] ** 0.5
    found = sharing(IMAGES)
    for task in "ab":
        weights: Tensor = gate_of(sharing, task)(read)[1].expand(4, 3)
        for level, values in enumerate(found[task].levels):
            parts = [weights[:, e, None, None, None] * own[level] for e, own in enumerate(made)]
            torch.testing.assert_close(values, torch.stack(parts).sum(dim=0))


def test_examples_of_vectors_choose_by_the_vector() -> None:
    sharing = new(mlp(), experts=4, conditioning="example")
    weights = gate_of(sharing, "a")(ROWS)[1]
    assert weights.shape == (4, 4)
    torch.testing.assert_close(
        sharing(ROWS).watched["DSelectK: gates"].rows["a"], weights.detach().mean(dim=0)
    )


def test_the_number_of_parameters() -> None:
    for experts, k, bits in ((4, 2, 2), (5, 3, 3), (2, 1, 1)):
        free = new(mlp(), experts=experts, k=k)
        assert size(free) == experts * size(mlp()) + 2 * (k * bits + k)
        read = new(mlp(), experts=experts, k=k, conditioning="example")
        assert size(read) == experts * size(mlp()) + 2 * (5 + 1) * (k * bits + k)


def test_one_expert_is_hard_sharing() -> None:
    encoder = mlp()
    hard, sharing = Hard(encoder), new(encoder, experts=1, k=1, copies="clone")
    hard.setup(["a", "b"], ROWS)
    assert not list(sharing.gates.parameters())
    one, two = hard(ROWS), sharing(ROWS)
    for task in "ab":
        assert all(map(torch.equal, one[task].levels, two[task].levels))
    assert two.terms == {}
    assert two.watched == {}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("experts", [4, 5])
def test_the_terms_are_sums_over_the_wanted_tasks(experts: int, reduction: str) -> None:
    options = {"entropy": 0.5, "reach": 0.25, "reduction": reduction, "conditioning": "example"}
    sharing = new(mlp(), tasks="abc", experts=experts, **options)
    for wanted in ("abc", "ca"):
        terms = sharing(ROWS, tasks=wanted).terms
        of = [gate_of(sharing, task)(ROWS)[0] for task in wanted]
        expected = {"DSelectK: entropy": (0.5, [entropy_of(each) for each in of])}
        if experts == 5:  # no power of two
            expected["DSelectK: reach"] = (0.25, [reach_of(each) for each in of])
        assert terms.keys() == expected.keys()
        for name, (weight, values) in expected.items():
            total = torch.stack(values).sum(dim=0)
            raw = total.sum() if reduction == "sum" else total.mean()
            torch.testing.assert_close(terms[name].raw, raw)
            torch.testing.assert_close(terms[name].scaled, weight * raw)


def test_the_terms_reach_the_selectors_of_all_tasks() -> None:
    sharing = new(mlp(), experts=3)
    terms = sharing(ROWS).terms
    torch.stack([term.scaled for term in terms.values()]).sum().backward()
    for task in "ab":
        grad = gate_of(sharing, task).z.free.grad
        assert grad is not None
        assert grad.all()
        assert gate_of(sharing, task).w.free.grad is None
    assert all(parameter.grad is None for parameter in sharing.encoders.parameters())


def test_the_terms_of_inputs_by_task_add_up() -> None:
    sharing = new(mlp(), conditioning="example")
    inputs = PerTask({"a": ROWS, "b": 2 * ROWS[:2]})
    found = sharing(inputs).terms["DSelectK: entropy"].raw
    alone = [sharing(inputs[task], tasks=[task]).terms["DSelectK: entropy"].raw for task in "ab"]
    torch.testing.assert_close(found, alone[0] + alone[1])


def test_terms_of_weight_zero_are_left_out() -> None:
    assert new(mlp(), experts=3, entropy=0.0, reach=0.0)(ROWS).terms == {}


def test_evaluation_runs_the_chosen_experts_alone() -> None:
    sharing = new(mlp(), tasks="abc", experts=4).eval()
    settle(sharing, a=[3, 3], b=[0, 3], c=[2, 0])
    expected = sharing(ROWS)  # with gradients, all of them
    found = passes(sharing)
    with torch.no_grad():
        fast = sharing(ROWS, tasks=["a", "b"])
        assert found == [0, 3]
        for task in "ab":
            torch.testing.assert_close(fast[task].levels, expected[task].levels)
        assert fast.watched.keys() == expected.watched.keys()
        found.clear()
        sharing(ROWS)
        assert found == [0, 2, 3]
        found.clear()
        sharing(PerTask(dict.fromkeys("abc", ROWS)), tasks=["a", "c"])
        assert found == [3, 0, 2]
        found.clear()
        sharing.train()(ROWS)
        assert found == [0, 1, 2, 3]


def test_evaluation_does_not_spread_what_an_unused_expert_makes() -> None:
    sharing = new(mlp(), experts=2, k=1).eval()
    settle(sharing, a=[0], b=[0])
    with torch.no_grad():
        next(experts_of(sharing)[1].parameters()).fill_(torch.inf)
        assert sharing(ROWS)["a"].levels[-1].isfinite().all()


def test_evaluation_of_examples_runs_what_any_of_them_chooses() -> None:
    sharing = new(mlp(), experts=4, k=1, conditioning="example").eval()
    with torch.no_grad():
        for task in "ab":
            linear = gate_of(sharing, task).z.layers[0]
            linear.weight.zero_()
            linear.weight[0, 0] = 1.0  # the first bit is the sign of the first number
            linear.bias.copy_(torch.tensor([0.0, -1.0]))  # the second is 0
        rows = torch.tensor([[5.0, 0, 0, 0, 0], [-5.0, 0, 0, 0, 0]])
        found = passes(sharing)
        for batch, experts in ((rows, [0, 2]), (rows[:1], [2]), (rows[1:], [0])):
            sharing(batch)
            assert found == experts
            found.clear()


def test_gates_that_read_features_need_all_experts() -> None:
    sharing = new(mlp(), experts=4, conditioning="example", gate_input="features").eval()
    found = passes(sharing)
    with torch.no_grad():
        sharing(ROWS)
    assert found == [0, 1, 2, 3]


def test_a_code_without_an_expert_gives_nothing() -> None:
    sharing = new(mlp(), experts=3, k=1).eval()
    settle(sharing, a=[3], b=[3])
    with torch.no_grad():
        found = sharing(ROWS)
    assert not found["a"].levels[-1].any()
    assert all(term.raw.isfinite() for term in found.terms.values())


def test_a_settled_gate_learns_no_more() -> None:
    sharing = new(mlp())
    settle(sharing, a=[1, 2], b=[0, 0])
    found = sharing(ROWS)
    loss = found["a"].levels[-1].square().sum() + found["b"].levels[-1].square().sum()
    (loss + found.terms["DSelectK: entropy"].scaled).backward()
    for task in "ab":
        assert not gate_of(sharing, task).z.free.grad.any()
    grads = [
        [p.grad.any() for p in e.parameters() if p.grad is not None] for e in experts_of(sharing)
    ]
    assert [any(each) for each in grads] == [True, True, True, False]


def test_the_log_warns_of_one_expert_only_where_more_are_meant() -> None:
    for k in (1, 2):
        watched = new(mlp(), k=k)(ROWS).watched["DSelectK: gates"]
        assert watched.shares == (k > 1)
        assert watched.columns == tuple(f"expert {number}" for number in range(1, 5))
        assert float(watched.rows["a"].sum()) == pytest.approx(1.0)


def test_selectors_do_not_decay() -> None:
    sharing = new(mlp())
    groups = parameter_groups(sharing, lr=0.1, weight_decay=0.5)
    still = {id(p) for group in groups if group["weight_decay"] == 0 for p in group["params"]}
    assert still == {id(p) for p in sharing.gates.parameters()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"experts": 0}, r"`experts` must be a whole number, at least 1; found 0"),
        ({"k": 0}, r"`k` must be a whole number, at least 1; found 0"),
        ({"experts": 3, "k": 4}, r"`k` must be at most `experts`, 3; found 4\. Lower it"),
        ({"conditioning": "examples"}, r"unknown conditioning 'examples'; .*'example'\?"),
        ({"reduction": "max"}, r"unknown reduction 'max'; known: mean, sum"),
        ({"gamma": 0.0}, r"`gamma` must be above 0, and finite; found 0\.0"),
        ({"entropy": -1.0}, r"`entropy` must be 0 or more, and finite; found -1\.0"),
        ({"reach": float("inf")}, r"`reach` must be 0 or more, and finite; found inf"),
        ({"gate_input": "task"}, r"found 'task'\. For a choice .*, set conditioning='task'"),
        ({"gate_input": "image"}, r"unknown gate_input 'image'"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DSelectK(mlp(), **options)


def test_a_gate_input_without_an_effect_is_refused() -> None:
    with pytest.raises(ConfigError, match="`gate_input` has no effect with conditioning='task'"):
        DSelectK(nn.Linear(2, 2), gate_input="input")
