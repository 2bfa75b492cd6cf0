"""The gradients of each task: one by one, at once, and what is freed."""

import weakref
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.gradients import per_task_gradients
from plait.gradients.per_task import Batches
from tests.gradients.nets import Losses


@pytest.mark.parametrize("chunk_size", [2, 3, 5])
def test_tasks_at_once_have_the_pairs_that_each_has(chunk_size: int) -> None:
    """Parameters of a part of the tasks, in the chunk of the others too."""
    parameters = [nn.Parameter(torch.randn(3)) for _ in range(5)]
    p, q, r, s, unused = parameters

    def losses() -> Losses:
        return {
            "a": (p * q).sum(),
            "b": q.square().sum(),
            "c": (r * 2).sum().double(),
            "d": (p * r * s).sum(),
            "e": s[0] * 1,
        }

    expected = {
        task: {id(each): g.clone() for each, g in pairs}
        for task, pairs in per_task_gradients(losses(), parameters)
    }
    found = {
        task: {id(each): g.clone() for each, g in pairs}
        for task, pairs in per_task_gradients(losses(), parameters, chunk_size)
    }
    assert list(found) == list(expected) == list("abcde")
    assert all(id(unused) not in pairs for pairs in found.values())
    for task, pairs in expected.items():
        assert found[task].keys() == pairs.keys()
        for key, gradient in pairs.items():
            torch.testing.assert_close(found[task][key], gradient)


def test_what_cannot_be_done_at_once_is_done_one_by_one_with_a_warning() -> None:
    class Once(torch.autograd.Function):
        """Its backward pass reads a value, which a batched one does not have."""

        @staticmethod
        def forward(ctx: object, x: Tensor) -> Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: object, *gradients: Tensor) -> Tensor:
            return gradients[0] * (2.0 if float(gradients[0].sum()) < 1e9 else 0.0)

    p = nn.Parameter(torch.randn(3))
    losses = {
        task: (Once.apply(p) * factor).sum() for task, factor in zip("abc", (1, 2, 3), strict=True)
    }
    with pytest.warns(UserWarning, match="`chunk_size` 2 is not possible here, so .* one by one"):
        found = list(per_task_gradients(losses, [p], 2))
    assert [task for task, _ in found] == ["a", "b", "c"]
    assert [pairs[0][1].tolist() for _, pairs in found] == [[2.0] * 3, [4.0] * 3, [6.0] * 3]


def kept_by(factors: tuple[int, ...]) -> tuple[nn.Parameter, Losses, list[Any]]:
    """Returns a parameter, losses that read its square, and references to what autograd saves."""
    held: list[Any] = []

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            kept = x.detach().clone()
            held.append(weakref.ref(kept))
            ctx.save_for_backward(kept)
            return x * x

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Tensor:
            return 2 * ctx.saved_tensors[0] * gradients[0]

    p = nn.Parameter(torch.randn(3))
    z = Square.apply(p)
    return p, {str(factor): (z * factor).sum() for factor in factors}, held


@pytest.mark.parametrize("retain", [False, True])
@pytest.mark.parametrize("chunk_size", [1, 2, 3, 4])
def test_the_graph_is_freed_at_the_first_step_and_at_later_ones(
    chunk_size: int, retain: bool
) -> None:
    batches = Batches()
    for _ in range(3):
        p, losses, held = kept_by((1, 2, 3, 4))
        for task, pairs in per_task_gradients(
            losses, [p], chunk_size, batches=batches, retain=retain
        ):
            torch.testing.assert_close(pairs[0][1], 2 * p.detach() * float(task))
        assert [each() is None for each in held] == [not retain]
        assert losses  # still held here
