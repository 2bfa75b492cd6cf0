"""Weighted sums of experts' outputs."""

import pytest
import torch
from torch import Tensor
from torch.func import vmap

from plait.sharing.experts import blend
from plait.sharing.experts.blend import Blend, Made

SHAPES = [(4, 5), (1, 5), (4, 3, 2, 2), (4, 6, 3)]


def loop(weights: Tensor, outputs: list[Tensor]) -> Tensor:
    """Example by example."""
    rows = [
        torch.stack([w * out[b] for w, out in zip(weights[b], outputs, strict=True)]).sum(dim=0)
        for b in range(len(weights))
    ]
    return torch.stack(rows)


def drawn(shape: tuple[int, ...], experts: int = 3) -> list[Tensor]:
    return [torch.randn(*shape, dtype=torch.float64, requires_grad=True) for _ in range(experts)]


def gate(shape: tuple[int, ...], experts: int = 3) -> Tensor:
    return torch.rand(shape[0], experts, dtype=torch.float64, requires_grad=True)


def of(outputs: list[Tensor]) -> Blend:
    return Blend([Made(each) for each in outputs])


@pytest.mark.parametrize("experts", [1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_the_sum_of_a_slow_loop_with_its_gradients(
    shape: tuple[int, ...], experts: int
) -> None:
    outputs, weights = drawn(shape, experts), gate(shape, experts)
    found, expected = of(outputs).by(weights), loop(weights, outputs)
    torch.testing.assert_close(found, expected)
    upstream = torch.randn(shape, dtype=torch.float64)
    leaves = [weights, *outputs]
    for one, two in zip(
        torch.autograd.grad(found, leaves, upstream),
        torch.autograd.grad(expected, leaves, upstream),
        strict=True,
    ):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize("shape", SHAPES)
def test_several_gates_at_once_are_each_alone(shape: tuple[int, ...]) -> None:
    outputs, weights = drawn(shape), [gate(shape), gate(shape)]
    together = of(outputs).all_by(weights)
    alone = [of(outputs).by(each) for each in weights]
    leaves = [*weights, *outputs]
    for one, two in zip(together, alone, strict=True):
        torch.testing.assert_close(one, two)
    for a, b in zip(
        torch.autograd.grad([each.square().sum() for each in together], leaves),
        torch.autograd.grad([each.square().sum() for each in alone], leaves),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_without_examples_are_those_of_every_example(shape: tuple[int, ...]) -> None:
    outputs = drawn(shape)
    weights = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
    torch.testing.assert_close(
        of(outputs).by(weights), sum(w * o for w, o in zip(weights, outputs, strict=True))
    )


def test_one_expert_of_weight_one_is_left_as_it_is() -> None:
    for shape in SHAPES:
        outputs = drawn(shape, experts=1)
        weights = torch.ones(shape[0], 1, dtype=torch.float64)
        assert torch.equal(of(outputs).by(weights), outputs[0])


def test_derivatives_of_both_orders() -> None:
    def total(weights: Tensor, *outputs: Tensor) -> Tensor:
        return of(list(outputs)).by(weights)

    arguments = (gate((2, 3, 2), 2), *drawn((2, 3, 2), 2))
    assert torch.autograd.gradcheck(total, arguments)
    assert torch.autograd.gradgradcheck(total, arguments)


def test_backward_passes_can_be_batched() -> None:
    """As `chunk_size` of `plait.backward` does."""
    shape = (2, 3, 2)
    weights, outputs = gate(shape), drawn(shape)
    found = of(outputs).by(weights)
    upstream = torch.randn(5, *shape, dtype=torch.float64)
    leaves = [weights, *outputs]
    batched = torch.autograd.grad(found, leaves, upstream, is_grads_batched=True, retain_graph=True)
    for row, each in enumerate(upstream):
        single = torch.autograd.grad(found, leaves, each, retain_graph=True)
        for one, two in zip(batched, single, strict=True):
            torch.testing.assert_close(one[row], two)


def test_it_can_be_mapped_over() -> None:
    shape = (2, 3, 2)
    weights = torch.rand(4, 2, 2)
    outputs = [torch.randn(4, *shape) for _ in range(2)]
    found = vmap(lambda w, *o: of(list(o)).by(w))(weights, *outputs)
    for row in range(4):
        torch.testing.assert_close(found[row], loop(weights[row], [o[row] for o in outputs]))


def test_what_needs_no_gradient_gets_none() -> None:
    outputs = [each.detach() for each in drawn((2, 3, 2))]
    weights = gate((2, 3, 2))
    of(outputs).by(weights).sum().backward()
    assert weights.grad is not None
    assert not any(each.requires_grad for each in outputs)


def test_maps_keep_their_layout_in_memory() -> None:
    outputs = [
        torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last).requires_grad_()
        for _ in range(2)
    ]
    found = of(outputs).by(torch.rand(2, 2))
    assert found.is_contiguous(memory_format=torch.channels_last)
    found.sum().backward()
    for each in outputs:
        assert each.grad is not None
        assert each.grad.is_contiguous(memory_format=torch.channels_last)


def test_weights_take_the_dtype_of_the_outputs() -> None:
    for shape in SHAPES:
        outputs = [torch.randn(shape, dtype=torch.bfloat16) for _ in range(2)]
        assert of(outputs).by(torch.rand(shape[0], 2)).dtype == torch.bfloat16


def test_the_mean_is_over_experts_and_real_positions() -> None:
    tokens = [torch.randn(2, 3, 4) for _ in range(2)]
    mask = torch.tensor([[True, True, False], [True, False, False]])
    found = Blend([Made(each, -1, mask) for each in tokens]).mean()
    rows = [torch.stack([each[0, :2].mean(0), each[1, 0]]) for each in tokens]
    torch.testing.assert_close(found, (rows[0] + rows[1]) / 2)
    maps = [torch.randn(2, 3, 4, 5) for _ in range(2)]
    torch.testing.assert_close(of(maps).mean(), (maps[0] + maps[1]).mean(dim=(2, 3)) / 2)


def test_means_and_stacks_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    pool = blend.pool
    monkeypatch.setattr(blend, "pool", lambda *given: (calls.append(1), pool(*given))[1])
    made = [Made(torch.randn(2, 3, 4, 4)) for _ in range(2)]
    one, two = Blend(made), Blend(made[:1])
    assert one.mean() is one.mean()
    two.mean()
    assert len(calls) == 2
