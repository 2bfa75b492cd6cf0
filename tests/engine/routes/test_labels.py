"""The route by labels gives what the route by rows gives, in as many passes as labels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import plait.balancing
from plait.balancing import (
    Balancer,
    Equal,
    GradVac,
    Info,
    JacobianBalancer,
    MoDo,
    SDMGrad,
    UPGrad,
)
from plait.balancing.bases.in_turn import InTurnBalancer
from plait.core.errors import ConfigError, NonFiniteError
from plait.core.lookup import names
from plait.engine import Backward, backward, label_plan
from plait.gradients import LabelPlan
from tests.engine.loops import count_passes, default_dtype
from tests.engine.routes.test_layers import WHOLE
from tests.gradients.labels.nets import SPLIT
from tests.gradients.labels.slow import DRAWS, one_label, some
from tests.gradients.nets import NETS, Draw, Problem, heads, labelled, losses_of

Found = tuple[Any, list[Tensor | None]]


def on_route(
    build: Callable[[], Problem], route: Any, draw: Draw, method: str = "UPGrad", **options: Any
) -> Found:
    torch.manual_seed(0)
    parameters, make_losses = build()
    balancer = getattr(plait.balancing, method)()
    with labelled(draw) as masks:
        losses = make_losses()
    step = Backward(balancer, route=route, **options)
    record = step(losses, info=Info(epoch=0), labels=masks if route == "labels" else None)
    return record, [None if p.grad is None else p.grad.to_dense() for p in parameters]


def assert_same(found: Found, expected: Found, tolerance: float = 1e-10) -> None:
    one, two = found[0], expected[0]
    assert one.tasks == two.tasks
    np.testing.assert_allclose(one.norms, two.norms, rtol=tolerance, atol=1e-12)
    np.testing.assert_allclose(one.cosines, two.cosines, atol=tolerance)
    np.testing.assert_allclose(one.weights, two.weights, rtol=100 * tolerance, atol=tolerance)
    for first, second in zip(found[1], expected[1], strict=True):
        assert (first is None) == (second is None)
        if first is not None:
            torch.testing.assert_close(first, second, rtol=100 * tolerance, atol=tolerance)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("build", SPLIT.values(), ids=SPLIT)
def test_nets_that_act_by_example_have_the_gradient_of_rows(
    build: Callable[[], Problem], draw: Draw
) -> None:
    with default_dtype(torch.float64):
        for heads_count in ("unit", "task"):
            expected = on_route(build, "rows", draw, head_weights=heads_count)
            found = on_route(build, "labels", draw, head_weights=heads_count)
            assert_same(found, expected)


@pytest.mark.parametrize("method", WHOLE)
@pytest.mark.parametrize("draw", [one_label, some(0.5)], ids=["one label", "a half"])
def test_each_method_gets_what_rows_give_it(method: str, draw: Draw) -> None:
    with default_dtype(torch.float64):
        build = SPLIT["layers_and_norms"]
        expected = on_route(build, "rows", draw, method)
        assert_same(on_route(build, "labels", draw, method), expected)


ALONE = ["one_trunk", "dropout", "attention", "channels_last", "embedding"]
REFUSED = {
    "batch_norm": "BatchNorm",
    "lstm": "UnsafeSplitBackward0|Lstm|Rnn",
    "checkpointing": "hooks, as in checkpointing",
    "compiled": "CompiledFunctionBackward",
    "mixed_precision": "float32 in a graph of float64|float64 in a graph of float32",
    "sparse_embedding": "sparse gradients",
}


@pytest.mark.parametrize("build", ALONE)
def test_nets_of_the_engine_that_act_by_example(build: str) -> None:
    with default_dtype(torch.float64):
        expected = on_route(NETS[build], "rows", some(1.0))
        assert_same(on_route(NETS[build], "labels", some(1.0)), expected)


@pytest.mark.parametrize("build", REFUSED)
def test_nets_that_do_not_are_refused_by_the_name_of_the_node(build: str) -> None:
    with pytest.raises(ConfigError, match=REFUSED[build]) as found:
        on_route(NETS[build], "labels", some(1.0))
    assert "`route='labels'`" in str(found.value) and "route='auto'" in str(found.value)


def test_the_error_names_the_module_and_nothing_is_written() -> None:
    model = nn.ModuleDict({"trunk": nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4))})
    model["heads"] = heads(4)
    losses = losses_of(model["trunk"](torch.randn(6, 5)), model["heads"])
    step = Backward(UPGrad(), model, route="labels")
    with pytest.raises(ConfigError, match=r"BatchNorm1d 'trunk.1' \(NativeBatchNormBackward0\)"):
        step(losses, labels={"a": torch.ones(6, dtype=torch.bool)})
    assert all(p.grad is None for p in model.parameters())


class Small(nn.Module):
    """An MLP whose backward passes are counted."""

    def __init__(self, tasks: int = 5, width: int = 8) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(6, width), nn.Tanh(), nn.Linear(width, 4))
        self.heads = heads(4, "abcdefghij"[:tasks])
        self.passes: list[int] = []
        self.x = torch.randn(12, 6)

    def losses(self) -> dict[str, Tensor]:
        hidden = count_passes(self.trunk[:2](self.x), self.passes)
        return losses_of(self.trunk[2:](hidden), self.heads)


@pytest.mark.parametrize(("draw", "most"), [(one_label, 1), (some(0.3), 12), (some(1.0), 5)])
def test_there_are_as_many_passes_as_an_example_has_labels(draw: Draw, most: int) -> None:
    net = Small()
    with labelled(draw) as masks:
        losses = net.losses()
    labels = max(torch.stack(list(masks.values())).sum(0).tolist())
    record = backward(losses, UPGrad(), route="labels", labels=masks)
    assert len(net.passes) == labels <= most
    assert record.passes == (
        f"1 through the heads, then {labels} half one{'s' * (labels > 1)}, as many as an example "
        "has labels"
    )


def test_losses_that_compare_examples_are_exact_above_the_cut() -> None:
    """Pairs of examples, ranks, means over the batch: all that a loss does with its predictions."""
    found = []
    with default_dtype(torch.float64):
        torch.manual_seed(0)
        net, masks = Small(2), {"a": torch.arange(12) < 6, "b": torch.arange(12) >= 4}
        for route in ("rows", "labels"):
            net.zero_grad()
            features = net.trunk(net.x)
            one, two = (net.heads[name](features)[masks[name], 0] for name in "ab")
            pairs = (one[:, None] - one[None]).sigmoid().mean()
            losses = {"a": pairs, "b": (two / two.square().mean().sqrt() - 1).square().mean()}
            record = backward(losses, UPGrad(), route=route, labels=masks)
            found.append((record, [p.grad for p in net.parameters()]))
    assert_same(found[1], found[0])


def test_a_wrong_mask_is_found_and_the_task_named() -> None:
    net = Small()
    with labelled(some(0.5)) as masks:
        losses = net.losses()
    masks["c"] = masks["c"].clone()
    masks["c"][masks["c"].nonzero()[0]] = False
    with pytest.raises(ConfigError, match="task 'c' has a gradient at an example that `labels`"):
        backward(losses, UPGrad(), route="labels", labels=masks)
    assert all(p.grad is None for p in net.parameters())


def test_a_mask_that_says_too_much_is_right() -> None:
    """Only more passes are run; a task without a mask counts as one with every label."""
    found = []
    for whole in (False, True):
        torch.manual_seed(0)
        net = Small()
        with labelled(one_label) as masks:
            losses = net.losses()
        given = {"a": torch.ones(12)} if whole else masks
        record = backward(losses, UPGrad(), route="labels", labels=given)
        found.append((record, [p.grad for p in net.parameters()]))
        assert len(net.passes) == (len(losses) if whole else 1)
    assert_same(found[1], found[0], 1e-4)


def test_the_graph_is_freed_unless_it_is_to_be_kept() -> None:
    for keep in (False, True):
        net = Small()
        with labelled(one_label) as masks:
            losses = net.losses()
        Backward(UPGrad(), route="labels", retain_graph=keep)(losses, labels=masks)
        if keep:
            sum(losses.values()).backward()
        else:
            with pytest.raises(RuntimeError, match="second time"):
                sum(losses.values()).backward()


def test_named_shared_parameters_and_inputs_that_need_a_gradient() -> None:
    """Others get the gradient of the plain sum of the losses, as by rows."""
    found = []
    with default_dtype(torch.float64):
        for route in ("rows", "labels"):
            torch.manual_seed(0)
            net = Small()
            net.x.requires_grad_(True)
            with labelled(some(0.5)) as masks:
                losses = net.losses()
            shared = list(net.trunk[2].parameters())
            record = backward(losses, UPGrad(), route=route, labels=masks, shared=shared)
            found.append((record, [net.x.grad, *(p.grad for p in net.parameters())]))
    assert_same(found[1], found[0])
    with pytest.raises(ConfigError, match="reach a parameter that `shared` does not name"):
        backward(
            net.losses(),
            UPGrad(),
            route="labels",
            labels={"a": torch.ones(12)},
            shared=shared,
            head_weights="task",
        )


def test_a_parameter_that_one_task_alone_reaches_in_this_step() -> None:
    """It was shared before, and counts in the comparison."""
    found = []
    with default_dtype(torch.float64):
        for route in ("rows", "labels"):
            torch.manual_seed(0)
            net, step = Small(3), Backward(UPGrad(), route=route)
            masks = {name: torch.arange(12) % 3 == number for number, name in enumerate("abc")}
            for tasks in ("abc", "a"):
                net.zero_grad()
                outputs = {task: net.heads[task](net.trunk(net.x)) for task in tasks}
                losses = {task: each[masks[task]].exp().mean() for task, each in outputs.items()}
                record = step(losses, labels={task: masks[task] for task in tasks})
            found.append((record, [p.grad for p in net.parameters()]))
    assert_same(found[1], found[0])
    assert found[1][0].norms[0] > 0


@pytest.mark.parametrize("size", [1e-25, 1e25])
def test_gradients_outside_of_single_precision_are_balanced_exactly(size: float) -> None:
    found = []
    for dtype in (torch.float32, torch.float64):
        torch.manual_seed(0)
        net = Small(3).to(dtype)
        net.x = net.x.to(dtype)
        with labelled(one_label) as masks:
            losses = {task: loss * size for task, loss in net.losses().items()}
        record = backward(losses, UPGrad(), route="labels", labels=masks)
        found.append((record, [p.grad.double() / size for p in net.parameters()]))
    np.testing.assert_allclose(found[0][0].norms, found[1][0].norms, rtol=1e-4)
    np.testing.assert_allclose(found[0][0].weights, found[1][0].weights, rtol=1e-3)
    for one, two in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)


def test_what_is_not_finite_names_the_task() -> None:
    net = Small()
    with labelled(one_label) as masks:
        losses = net.losses()
    broken = next(task for task in losses if masks[task].any())
    losses[broken] = losses[broken] * torch.inf
    with pytest.raises(NonFiniteError, match=f"the loss of task '{broken}' is inf"):
        backward(losses, UPGrad(), route="labels", labels=masks)


def test_a_gradient_that_is_not_finite_where_there_is_no_label_is_not_lost() -> None:
    """The square root of an error of 0, times 0."""
    net = Small(2)
    output = net.heads["a"](net.trunk(net.x))[:, 0]
    there = torch.arange(12) < 6
    error = torch.where(there, output - 1, output * 0).square().sqrt()
    losses = {"a": error.sum(), "b": net.heads["b"](net.trunk(net.x))[:6].mean()}
    with pytest.raises(NonFiniteError, match="'a'"):
        backward(losses, UPGrad(), route="labels", labels={"a": there, "b": there})


def test_a_step_that_is_not_finite_is_skipped_and_weights_serve_again() -> None:
    net = Small()
    masks = {task: torch.arange(12) % 5 == number for number, task in enumerate("abcde")}
    step = Backward(UPGrad(), route="labels", nonfinite="skip", every=2)
    found = []
    for factor in (torch.inf, 1.0, 1.0, 1.0):
        net.zero_grad()
        with labelled(lambda *_: list(masks.values())):
            losses = {task: loss * factor for task, loss in net.losses().items()}
        record = step(losses, labels=masks)
        found.append((record.skipped is not None, record.reused))
        assert (net.trunk[0].weight.grad is None) == (record.skipped is not None)
    assert found == [(True, False), (False, False), (False, True), (False, False)]


def test_labels_that_are_missing_and_one_example() -> None:
    net = Small(2)
    with pytest.raises(ConfigError, match="needs to know which examples have labels"):
        backward(net.losses(), UPGrad(), route="labels")
    net.x = net.x[:1]
    record = backward(net.losses(), UPGrad(), route="labels", labels={"a": torch.ones(1)})
    assert record.passes == "T, a row of gradients for each task"


def test_no_matrix_of_tasks_times_parameters_is_made() -> None:
    """Neither at once nor by layer, where the kernel is the cheaper way."""
    net = Small(10, width=300)
    with labelled(one_label) as masks:
        losses = net.losses()
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, f: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal largest
            found = f(*args, **(kwargs or {}))
            for each in found if isinstance(found, tuple | list) else [found]:
                largest = max(largest, each.numel() if isinstance(each, Tensor) else 0)
            return found

    with Watch():
        backward(losses, UPGrad(), route="labels", labels=masks)
    assert largest <= 12 * 300


ROWS = [
    name
    for name in names(plait.balancing, Balancer)
    if isinstance(made := getattr(plait.balancing, name)(), JacobianBalancer)
    and not isinstance(made, InTurnBalancer)
]


@pytest.mark.parametrize("method", ROWS)
@pytest.mark.parametrize("build", ["layers_and_norms", "a_layer_that_is_used_twice"])
def test_methods_that_read_rows_get_them_in_fewer_passes(build: str, method: str) -> None:
    found = []
    with default_dtype(torch.float64):
        for route in ("rows", "labels"):
            torch.manual_seed(0)
            parameters, make_losses = SPLIT[build]()
            step = Backward(getattr(plait.balancing, method)(), route=route)
            for _ in range(2):
                with labelled(one_label) as masks:
                    record = step(make_losses(), info=Info(epoch=0), labels=masks)
            found.append([p.grad for p in parameters])
            assert ("then 1 half" in record.passes) == (route == "labels")
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-8, atol=1e-10)


def test_there_are_methods_that_read_rows() -> None:
    assert {"GradDrop", "MoCo"} <= set(ROWS)


@pytest.mark.parametrize(
    ("balancer", "batches"),
    [(lambda: GradVac(groups="matrix"), 1), (MoDo, 2), (lambda: SDMGrad(solver="sgd"), 3)],
    ids=["groups", "two batches", "three batches"],
)
def test_groups_and_several_batches(balancer: Callable[[], Balancer], batches: int) -> None:
    found = []
    with default_dtype(torch.float64):
        for route in ("rows", "labels"):
            torch.manual_seed(0)
            net, losses, labels = Small(3), [], []
            for _ in range(batches):
                net.x = torch.randn(12, 6)
                with labelled(one_label) as masks:
                    losses.append(net.losses())
                labels.append(dict(masks))
            net.passes.clear()
            step = Backward(balancer(), route=route)
            step(losses if batches > 1 else losses[0], labels=labels if batches > 1 else labels[0])
            found.append([p.grad for p in net.parameters()])
            assert (
                len(net.passes) == (1 if route == "labels" else 3) * min(batches, 2) + batches // 3
            )
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-8, atol=1e-10)


def test_micro_batches_are_split_one_by_one() -> None:
    """Methods that are not linear in the joined losses keep a row for each task over them."""
    found = []
    with default_dtype(torch.float64):
        for route in ("rows", "labels"):
            torch.manual_seed(0)
            net, step = Small(2), Backward(UPGrad(), route=route)
            for half in (slice(0, 5), slice(5, 12)):
                count = half.stop - half.start
                with labelled(one_label) as masks:
                    losses = losses_of(net.trunk(net.x[half]), net.heads)
                step.add(losses, dict.fromkeys(losses, count / 12), labels=masks)
            record = step.finish()
            found.append((record, [p.grad for p in net.parameters()]))
    assert_same(found[1], found[0])
    assert "then 1 half" in found[1][0].passes


def test_measured_loss_methods_and_inputs_that_need_a_gradient() -> None:
    """Norms and cosines of a loss method; the input gets that of the plain sum."""
    found = []
    with default_dtype(torch.float64):
        for route in ("rows", "auto"):
            torch.manual_seed(0)
            net = Small(3)
            net.x.requires_grad_(True)
            with labelled(one_label) as masks, pytest.MonkeyPatch.context() as patch:
                patch.setattr(label_plan, "SMALL", 0)
                patch.setattr(LabelPlan, "row_operations", property(lambda self: 0.0))
                step = Backward(Equal(), net, route=route)
                record = step(net.losses(), labels=masks, measure=True)
            assert ("then 1 half" in record.passes) == (route == "auto")
            found.append((record, [net.x.grad, *(p.grad for p in net.parameters())]))
    assert_same(found[1], found[0])


def test_a_plan_tells_its_passes() -> None:
    net = Small(2)
    losses = net.losses()
    masks = {"a": torch.arange(12) < 5, "b": torch.arange(12) > 3}
    plan = LabelPlan.of(losses, masks, list(net.trunk.parameters()))
    assert isinstance(plan, LabelPlan) and plan.passes == 2
