"""Routes with a row for each task: parameter groups, and rows with weights."""

from typing import Any

import pytest
import torch
from torch import Tensor

from plait.balancing import (
    ExcessMTL,
    GradVac,
    Info,
    JacobianBalancer,
)
from plait.core.errors import ConfigError
from plait.engine import Backward, backward
from tests.engine.loops import Net, rows_of, weighted
from tests.gradients.nets import NETS, Losses
from tests.gradients.slow import Gradients, assert_close, gradients_of

# --- parameter groups -------------------------------------------------------------------------


def by_groups(net: Net, losses: Losses, groups: list[list[Tensor]], slow: GradVac) -> Gradients:
    """GradVac on each group by itself, with targets of its own."""
    matrices = torch.stack([(rows := rows_of(losses, group)) @ rows.T for group in groups])
    weights = slow.weights(matrices, Info(tuple(losses)))
    expected = weighted(losses, net.upper())
    for group, each in zip(groups, weights, strict=True):
        expected |= weighted(losses, group, each)
    return expected


@pytest.mark.parametrize("with_model", [True, False])
@pytest.mark.parametrize("kind", ["layer", "matrix"])
def test_groups_are_a_loop_over_groups(kind: Any, with_model: bool) -> None:
    net = Net()
    slow, fast = (GradVac(groups=kind, beta=0.3, seed=1) for _ in range(2))
    if kind == "layer" and not with_model:
        with pytest.raises(ConfigError, match="groups by layer need the model: give `model=`"):
            backward(net.losses(), fast)
        assert not gradients_of(net.parameters())
        return
    run = Backward(fast, net if with_model else None)
    for _ in range(3):
        losses = net.losses()
        run.memory.rows.add({}, [])
        if not run.memory.rows.layout.shared:  # the first step finds the groups in its own order
            run(net.losses())
            slow.load_state_dict(fast.state_dict())
        order = run.memory.rows.layout.shared
        groups = [[p] for p in order]
        if kind == "layer":
            ids = list(map(id, order))
            layers = [list(layer.parameters()) for layer in (net.trunk[0], net.trunk[2])]
            groups = sorted(layers, key=lambda layer: min(ids.index(id(p)) for p in layer))
        expected = by_groups(net, losses, groups, slow)
        net.zero_grad()
        record = run(losses)
        assert record.weights is not None
        assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)


@pytest.mark.parametrize("kind", ["layer", "matrix"])
def test_groups_are_not_the_whole(kind: Any) -> None:
    net = Net()
    found = []
    for groups in ("whole", kind):
        torch.manual_seed(0)
        net.zero_grad()
        Backward(GradVac(groups=groups, beta=0.0), net)(net.losses())
        found.append(gradients_of(net.lower()))
    assert any((found[0][key] - found[1][key]).abs().max() > 1e-3 for key in found[0])


@pytest.mark.parametrize("head_weights", ["unit", "task"])
@pytest.mark.parametrize("build", ["nothing_shared", "one_task", "scalars"])
def test_groups_where_hardly_anything_is_shared(build: str, head_weights: Any) -> None:
    parameters, make_losses = NETS[build]()
    losses = make_losses()
    expected = weighted(losses, [p for p in parameters if p.numel() and p.requires_grad])
    record = backward(losses, GradVac(groups="matrix"), head_weights=head_weights)
    assert record.weights is not None
    if build != "scalars":
        assert_close(gradients_of(parameters), expected)
        assert record.weights.tolist() == [1.0] * len(losses)


# --- rows with weights ------------------------------------------------------------------------


@pytest.mark.parametrize("head_weights", ["auto", "unit", "task"])
def test_the_weights_of_excess_mtl_reach_the_heads_if_asked(head_weights: Any) -> None:
    net = Net()
    slow, run = (
        ExcessMTL(robust_step_size=0.5),
        Backward(ExcessMTL(robust_step_size=0.5), net, head_weights=head_weights),
    )
    for _ in range(4):
        losses = net.losses()
        order = run.memory.rows.layout.shared or net.lower()
        slow.combine(rows_of(losses, order), Info(tuple(losses)))
        assert slow.last_weights is not None
        weights = slow.last_weights
        at_heads = weights if head_weights == "task" else None
        expected = weighted(losses, net.lower(), weights) | weighted(losses, net.upper(), at_heads)
        net.zero_grad()
        record = run(losses)
        assert record.weights == pytest.approx(weights.tolist(), rel=1e-6)
        assert_close(gradients_of(net.parameters()), expected, tolerance=1e-6)
    assert abs(weights - 1).max() > 0.05


class Second(JacobianBalancer):
    """Follows one task, by name."""

    def combine(self, jacobian: Tensor, info: Info | None = None, **draws: Any) -> Tensor:
        assert info is not None
        return jacobian[info.tasks.index("b")]


def test_the_record_names_the_tasks_in_the_order_of_its_norms() -> None:
    """Micro-batches bring the tasks in another order than that of the rows."""
    net, method = Net(), Second()
    method.setup(tuple("abc"))
    run = Backward(method, net)
    torch.manual_seed(0)
    losses = net.losses()
    lengths = {
        task: float(rows_of({task: loss}, net.lower()).norm()) for task, loss in losses.items()
    }
    values = {task: float(loss.detach()) for task, loss in losses.items()}
    run.start()
    for task in "cba":
        torch.manual_seed(0)
        run.add({task: net.losses()[task]}, {task: 1.0})
    record = run.finish()
    assert record.norms is not None
    assert dict(zip(record.tasks, record.norms, strict=True)) == pytest.approx(lengths)
    assert dict(zip(record.tasks, record.losses, strict=True)) == pytest.approx(values)
