"""Methods that read several independent batches in a step, against slow loops."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plait.balancing import (
    CrossGramianBalancer,
    Info,
    MoDo,
    SDMGrad,
    UPGrad,
)
from plait.core.errors import ConfigError
from plait.engine import Backward
from tests.engine.loops import Net, given, rows_of, together, weighted
from tests.gradients.nets import Losses, losses_of
from tests.gradients.slow import assert_close, gradients_of


@pytest.mark.parametrize("head_weights", ["unit", "task"])
@pytest.mark.parametrize("scale", ["sum", "paper"])
def test_modo_is_its_slow_loop(scale: Any, head_weights: Any) -> None:
    """w from J_1 J_2^T of two independent batches; then the mean of both gradients."""
    net, slow = Net(), MoDo(gamma=0.5)
    run = Backward(MoDo(gamma=0.5), net, scale=scale, head_weights=head_weights)
    for _ in range(4):
        one, two = net.losses(), net.losses(rows=3)
        cross = rows_of(one, net.lower()) @ rows_of(two, net.lower()).T
        weights = slow.weights(cross, Info(("a", "b", "c"))) * (3 if scale == "sum" else 1)
        at_heads = weights if head_weights == "task" else None
        expected = together(
            *((0.5, weighted(each, net.lower(), weights)) for each in (one, two)),
            *((0.5, weighted(each, net.upper(), at_heads)) for each in (one, two)),
        )
        net.zero_grad()
        record = run([one, two])
        assert record.tasks == ("a", "b", "c")
        assert record.weights is not None
        np.testing.assert_allclose(record.weights, weights.numpy(), rtol=1e-9)
        assert record.losses == pytest.approx([float(loss.detach()) for loss in one.values()])
        assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)
    assert abs(weights - weights.mean()).max() > 0.05


@pytest.mark.parametrize("head_weights", ["unit", "task"])
@pytest.mark.parametrize(
    "method", [lambda: SDMGrad(solver="sgd", lr=0.1), lambda: MoDo(batches=3, gamma=0.5)]
)
def test_the_third_batch_alone_is_applied(method: Any, head_weights: Any) -> None:
    net, slow = Net(), method()
    run = Backward(method(), net, head_weights=head_weights)
    for _ in range(3):
        one, two, three = net.losses(), net.losses(rows=3), net.losses(rows=4)
        cross = rows_of(one, net.lower()) @ rows_of(two, net.lower()).T
        weights = 3 * slow.weights(cross, Info(("a", "b", "c")))
        at_heads = weights if head_weights == "task" else None
        expected = weighted(three, net.lower(), weights) | weighted(three, net.upper(), at_heads)
        net.zero_grad()
        record = run([one, two, three])
        assert record.weights == pytest.approx(weights.tolist(), rel=1e-9)
        assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)


@pytest.mark.parametrize("head_weights", ["unit", "task"])
def test_each_batch_counts_as_much_as_the_method_says(head_weights: Any) -> None:
    """Also at the heads, for factors of any size in each of the three batches."""
    net, factors = Net(), (0.25, 2.0, -3.0)
    method = given(lambda matrix: [1.0, 2.0, 5.0], CrossGramianBalancer, batches=3, applied=factors)
    batches = [net.losses(rows=rows) for rows in (6, 3, 4)]
    at_heads = [1.0, 2.0, 5.0] if head_weights == "task" else None
    expected = together(
        *(
            (f, weighted(b, net.lower(), [1.0, 2.0, 5.0]))
            for f, b in zip(factors, batches, strict=True)
        ),
        *((f, weighted(b, net.upper(), at_heads)) for f, b in zip(factors, batches, strict=True)),
    )
    Backward(method, net, head_weights=head_weights)(batches)
    assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)


@pytest.mark.parametrize("setup", [True, False])
@pytest.mark.parametrize("third", ["abc", "ab", "b", "c"])
def test_a_task_absent_from_one_of_the_first_batches_is_left_out(third: str, setup: bool) -> None:
    """a is absent from the second batch, so that it has no entry in J_1 J_2^T."""
    net = Net()
    method = given(
        lambda matrix: range(2, 2 + len(matrix)),
        CrossGramianBalancer,
        batches=3,
        applied=(0.0, 0.0, 1.0),
    )
    if setup:
        method.setup(tuple("abc"))
    one, two, three = net.losses("cab"), net.losses("bc"), net.losses(third)
    cross = {
        (i, j): float(rows_of({i: one[i]}, net.lower()) @ rows_of({j: two[j]}, net.lower()).T)
        for i in "bc"
        for j in "bc"
    }
    order = "bc" if setup else "cb"
    weights = dict(zip(order, (2.0, 3.0), strict=True))
    known = {task: loss for task, loss in three.items() if task in weights}
    expected = weighted(known, net.lower(), [weights[task] for task in known])
    expected |= weighted(known, net.upper())
    record = Backward(method, net)([one, two, three])
    ((tasks, matrix),) = method.seen
    assert tasks == record.tasks == tuple(order)
    np.testing.assert_allclose(matrix, [[cross[i, j] for j in order] for i in order], rtol=1e-9)
    assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)


def test_columns_may_be_found_in_the_second_batch() -> None:
    """The branches that the tasks take are others in each batch."""
    layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(3)).double()
    x = torch.randn(4, 3, dtype=torch.float64)

    def losses(paths: dict[str, list[int]]) -> Losses:
        found = {}
        for task, path in paths.items():
            hidden = x
            for layer in path:
                hidden = layers[layer](hidden).tanh()
            found[task] = (hidden - ord(task) % 7).square().mean()
        return found

    one = losses({"a": [0, 1], "b": [0]})  # 0 is shared
    two = losses({"a": [0, 2], "b": [1, 2, 0]})  # 2 now, and 1 with the batch before
    parameters = list(layers.parameters())
    cross = rows_of(one, parameters) @ rows_of(two, parameters).T
    method = given(lambda matrix: [2.0, 3.0], CrossGramianBalancer)
    expected = together(*((0.5, weighted(each, parameters, [2.0, 3.0])) for each in (one, two)))
    Backward(method, layers)([one, two])
    np.testing.assert_allclose(method.seen[0][1], cross.numpy(), rtol=1e-9)
    assert_close(gradients_of(parameters), expected, tolerance=1e-9)


@pytest.mark.parametrize("method", [MoDo, lambda: SDMGrad(solver="sgd", lr=0.1)])
def test_micro_batches_of_several_batches_are_joined(method: Any) -> None:
    net = Net()
    torch.manual_seed(3)
    wanted = method().batches
    inputs = [torch.randn(5, 5, dtype=torch.float64) for _ in range(wanted)]

    def at(x: Tensor) -> Losses:
        return losses_of(net.trunk(x).tanh(), net.heads)

    whole = Backward(method(), net)([at(x) for x in inputs])
    expected = gradients_of(net.parameters())
    net.zero_grad()
    run = Backward(method(), net)
    run.start()
    for batch, x in enumerate(inputs):
        for rows in (slice(0, 2), slice(2, 5)):
            run.add(at(x[rows]), dict.fromkeys("abc", len(x[rows]) / 5), batch=batch)
    record = run.finish()
    assert record.weights == pytest.approx(whole.weights, rel=1e-9)
    assert record.losses == pytest.approx(whole.losses, rel=1e-9)
    assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)


@pytest.mark.parametrize(
    ("method", "count", "message"),
    [
        (MoDo, 1, "MoDo reads 2 independent batches in a step; found 1. Give `losses` as a list"),
        (MoDo, 3, "MoDo reads 2 independent batches in a step; found 3 or more"),
        (lambda: SDMGrad(solver="sgd"), 2, "SDMGrad reads 3 independent batches .*; found 2"),
        (UPGrad, 2, "UPGrad reads 1 independent batches in a step; found 2 or more"),
        (UPGrad, 0, "no task has a loss in this step"),
    ],
)
def test_another_number_of_batches_is_refused(method: Any, count: int, message: str) -> None:
    net = Net()
    with pytest.raises(ConfigError, match=message):
        Backward(method(), net)([net.losses() for _ in range(count)])
    assert not gradients_of(net.parameters())


@pytest.mark.parametrize("present", [("", "", "abc"), ("a", "b", "ab"), ("", "a", "a")])
def test_batches_without_a_task_in_common_are_refused(present: tuple[str, ...]) -> None:
    net = Net()
    with pytest.raises(ConfigError, match=r"no task has (labels in all|a loss in this step)"):
        Backward(SDMGrad(solver="sgd"), net)([net.losses(tasks) for tasks in present])
    assert not gradients_of(net.parameters())
