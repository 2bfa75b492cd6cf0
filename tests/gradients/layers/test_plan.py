"""The Gramian without rows, against the slow loop."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.gradients import LayerPlan, Scratch, gradients
from tests.gradients.nets import NETS, Losses, heads, losses_of
from tests.gradients.products import assert_exact, slow_products, split

EXACT = {torch.float32: 1e-5, torch.float64: 1e-10}


class Decoder(nn.Module):
    """Cross-attention, whose projections are parts of one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(6, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        keys = self.embed(x)
        found: Tensor = self.attention(keys[:, :2], keys, keys, need_weights=False)[0]
        return found.mean(dim=1)


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(6, 2, 12, dropout=0.1, batch_first=True)
    return nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten())


def mlp(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(6, width), nn.ReLU(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 5)
    )


def conv_net() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, groups=4, bias=False),
        nn.GroupNorm(2, 8),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 20, 2),
        nn.Conv2d(20, 30, 2, dilation=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


# name: (trunk, shape of the inputs, features, share of the parameters with a layer)
TRUNKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int, float]] = {
    "mlp": (lambda: mlp(8), (20, 6), 5, 1.0),
    "mlp of few examples": (lambda: mlp(64), (4, 6), 5, 1.0),
    "conv net": (conv_net, (3, 3, 10, 10), 30, 1.0),
    "encoder": (encoder, (3, 4, 6), 24, 1.0),
    "decoder": (Decoder, (3, 4, 6), 8, 0.25),
}


def problem(name: str, dtype: torch.dtype, tasks: str) -> tuple[nn.Module, Callable[[], Losses]]:
    build, shape, features, _ = TRUNKS[name]
    trunk, own, x = build().to(dtype), heads(features, tasks).to(dtype), torch.randn(shape)
    return trunk, lambda: losses_of(trunk(x.to(dtype)), own)


@pytest.mark.parametrize("build", NETS.values(), ids=list(NETS))
def test_agrees_with_the_slow_loop(build: Callable[..., Any]) -> None:
    _, make_losses = build()
    assert_exact(make_losses())


@pytest.mark.parametrize("tasks", ["a", "ab", "abcdefghijklmnopqrst"])
@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("name", TRUNKS)
def test_agrees_with_the_slow_loop_on_larger_nets(
    name: str, dtype: torch.dtype, tasks: str
) -> None:
    _, make_losses = problem(name, dtype, tasks)
    plan = assert_exact(make_losses(), tolerance=EXACT[dtype])
    if len(tasks) > 1:
        assert plan.coverage >= TRUNKS[name][3]


@pytest.mark.parametrize("name", ["mlp of few examples", "conv net"])
def test_few_examples_make_short_rows(name: str) -> None:
    _, make_losses = problem(name, torch.float32, "abcdefghijklmnopqrst")
    plan = assert_exact(make_losses())
    assert plan.bytes["layers"] < 0.6 * plan.bytes["rows"]
    assert plan.bytes["rows"] == 20 * 4 * sum(p.numel() for p in plan.shared)


def test_no_gradient_at_a_layer_is_formed() -> None:
    """What autograd returns has the shapes of outputs, not of weights."""
    _, make_losses = problem("mlp", torch.float32, "abc")
    losses = make_losses()
    seen: list[tuple[int, ...]] = []
    grad = torch.autograd.grad

    def spy(*args: Any, **options: Any) -> tuple[Tensor | None, ...]:
        found = grad(*args, **options)
        seen.extend(tuple(each.shape) for each in found if each is not None)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.autograd, "grad", spy)
        LayerPlan.of(losses, split(losses)[0]).run(losses)
    assert set(seen) == {(20, 8), (20, 5)}


def test_a_layer_that_some_tasks_do_not_reach() -> None:
    early, late = nn.Linear(4, 4), nn.Linear(4, 4)
    hidden = early(torch.randn(3, 4))
    output = late(hidden.tanh())
    losses = {"a": hidden.sum(), "b": output.square().sum(), "c": output.sum() + hidden.sum()}
    plan = assert_exact(losses)
    assert plan.coverage == 1.0


def test_frozen_parameters_and_a_bias_alone() -> None:
    trunk = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Conv1d(1, 2, 3))
    for frozen in (trunk[0].bias, trunk[2].weight, trunk[3].weight):
        assert isinstance(frozen, Tensor)
        frozen.requires_grad_(False)
    losses = losses_of(trunk(torch.randn(1, 4)), heads(2, "ab"))
    assert assert_exact(losses).coverage == 1.0


def test_a_parameter_that_one_task_reaches_in_this_step() -> None:
    """It may have been shared in an earlier one."""
    trunk, own = nn.Linear(4, 4), nn.Linear(4, 1)
    losses = {"a": own(trunk(torch.randn(3, 4))).sum()}
    found = LayerPlan.of(losses, [*trunk.parameters(), *own.parameters()]).run(losses)
    parameters = [*trunk.parameters(), *own.parameters()]
    torch.testing.assert_close(
        found.multiply(), slow_products(losses, parameters), rtol=1e-5, atol=0
    )


def test_the_graph_is_kept_for_the_weighted_pass() -> None:
    trunk, make_losses = problem("conv net", torch.float32, "abc")
    losses = make_losses()
    shared, own = split(losses)
    found = LayerPlan.of(losses, shared, own).run(losses)
    weights = found.multiply().diagonal().rsqrt().float()
    combined = gradients(list(losses.values()), shared, list(weights))
    assert len(combined) == len(list(trunk.parameters()))


def test_the_memory_of_an_earlier_step_serves_again() -> None:
    _, make_losses = problem("mlp", torch.float32, "abc")
    scratch = Scratch()
    for tasks in ("ab", "abc", "a", "cab"):
        losses = {task: loss for task, loss in make_losses().items() if task in tasks}
        shared, own = split(losses)
        plan = LayerPlan.of(losses, shared, own)
        torch.testing.assert_close(
            plan.run(losses, scratch).multiply(), plan.run(losses).multiply()
        )
    first = scratch.take(3, 4, torch.float32, torch.device("cpu"))
    assert scratch.take(2, 2, torch.float32, torch.device("cpu")).data_ptr() == first.data_ptr()
    assert scratch.take(2, 2, torch.float64, torch.device("cpu")).dtype == torch.float64
    assert copy.deepcopy(scratch).take(3, 4, torch.float32, None).data_ptr() != first.data_ptr()


def test_rows_are_cheaper_where_examples_are_many() -> None:
    trunk = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 20))
    losses = losses_of(trunk(torch.randn(2000, 6)), heads(20, "abc"))
    assert not LayerPlan.of(losses, *split(losses)).is_cheaper


def test_layers_are_cheaper_where_they_are_wide_and_tasks_are_many() -> None:
    trunk = nn.Sequential(nn.Linear(6, 200), nn.ReLU(), nn.Linear(200, 200))
    losses = losses_of(trunk(torch.randn(8, 6)), heads(200, "abcdefghij"))
    assert LayerPlan.of(losses, *split(losses)).is_cheaper


def test_a_loss_that_is_not_finite_is_seen_in_the_products() -> None:
    trunk, x = nn.Linear(64, 64), torch.randn(3, 64)
    x[0, 0] = torch.inf
    losses = losses_of(trunk(x), heads(64, "abcdefghijklmnopqrst"))
    found = LayerPlan.of(losses, *split(losses)).run(losses)
    assert found.multiply().diagonal().isnan().all()


def test_nothing_is_shared_and_nothing_else_is_wanted() -> None:
    p = nn.Parameter(torch.ones(2))
    found = LayerPlan.of({"a": p.sum(), "b": p.sum()}, []).run({"a": p.sum(), "b": p.sum()})
    assert torch.equal(found.multiply(), torch.zeros(2, 2).double())
