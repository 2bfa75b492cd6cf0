"""How often a step of `Backward` waits for the device, for each base of balancers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from plait.balancing import (
    DBMTL,
    FAMO,
    AutoLambda,
    Balancer,
    Equal,
    ExcessMTL,
    GradDrop,
    GradNorm,
    GradVac,
    MoCo,
    MoDo,
    PCGrad,
    SDMGrad,
    StaleRows,
    TrimmedMean,
    UncertaintyWeights,
    UPGrad,
)
from plait.engine import Backward
from tests.balancing.promises import Toy, ToyProblem
from tests.engine.loops import Net
from tests.engine.reads import Reads
from tests.gradients.nets import losses_of

Case = tuple[Callable[[], Balancer], dict[str, Any], int]
LEARNED = {"tasks": tuple("abc")}
CASES: dict[str, Case] = {
    "constant": (Equal, {}, 1),
    "learned": (lambda: UncertaintyWeights(**LEARNED), {}, 1),
    "gramian of rows": (UPGrad, {"route": "rows"}, 1),
    "gramian of layers": (PCGrad, {"route": "layers"}, 1),
    "gramian by group": (lambda: GradVac(groups="layer"), {}, 1),
    "re-used": (UPGrad, {"every": 1 << 30}, 1),
    "cross gramian": (MoDo, {}, 1),
    "rows": (GradDrop, {}, 1),
    "rows, trimmed": (TrimmedMean, {}, 1),
    # These find weights from numbers of their own at the rows, on the host
    "rows with weights": (ExcessMTL, {}, 2),
    "rows with momentum": (MoCo, {}, 2),
    "rows and losses": (DBMTL, {}, 3),
    # Finite rows are kept; then inner products, the weights, and the gradient that is written
    "rows in turn": (StaleRows, {}, 3),
    # Checks that its losses have a lower bound before it uses them
    "losses, read again": (FAMO, {}, 2),
    # What they solve for is not the gradient that they write: it is looked at once more
    "last layer": (GradNorm, {}, 2),
    "features": (UPGrad, {"at": "features"}, 2),
    "three batches": (lambda: SDMGrad(solver="sgd", lr=0.1), {}, 2),
}


@pytest.mark.parametrize("case", CASES)
def test_a_step_waits_for_the_device_as_often_as_is_said(case: str) -> None:
    make, options, expected = CASES[case]
    net, balancer = Net(), make()
    run = Backward(balancer, net, **options)
    reads = Reads()  # it has to see what is kept on the host from step to step
    for number in range(4):
        inputs = [torch.randn(6, 5, dtype=torch.float64) for _ in range(balancer.batches)]
        found = [net.trunk(each).tanh() for each in inputs]
        losses = [losses_of(each, net.heads) for each in found]
        penalty = {"decay": net.trunk[0].weight.square().sum()}
        features = found[0] if options.get("at") == "features" else None
        before = reads.count
        with reads:
            run(losses, penalty, features=features)
        if (
            number > 1
        ):  # the first step re-uses no weights; the second sees whether learned ones move
            assert reads.count - before == expected, reads.names[before:]
        again = {task: loss.detach() for task, loss in losses[0].items()}
        balancer.after_step(partial(dict, again))


@pytest.mark.parametrize("measure", [True, False])
def test_measuring_a_loss_method_waits_no_more_often(measure: bool) -> None:
    net = Net()
    run = Backward(Equal(), net)
    for _ in range(2):
        losses = net.losses()
        with Reads() as reads:
            run.start(measure=measure)
            for _ in range(2):
                run.add(losses, dict.fromkeys(losses, 0.5))
                losses = net.losses()
            run.finish()
        assert reads.count == 1, reads.names


def test_a_look_ahead_reads_what_it_needs() -> None:
    """Beside the read of the step: inner products of the look-ahead, and the weights."""
    model = Toy(tuple("a"))
    balancer = AutoLambda()
    balancer.setup(tuple("a"))
    losses, problem = model.losses(0, tuple("a")), ToyProblem(model, 0, tuple("a"), 0.1)
    with Reads() as reads:
        Backward(balancer, model)(losses, problem=problem)
    assert 1 <= reads.count <= 4, reads.names


@pytest.mark.parametrize("case", ["constant", "learned", "gramian of rows", "rows", "re-used"])
def test_no_scalar_is_fetched_by_itself(case: str) -> None:
    """What the autograd engine and the operations do is seen by the profiler alone."""
    make, options, _ = CASES[case]
    net = Net()
    run = Backward(make(), net, **options)
    for _ in range(2):
        run(net.losses())
    losses = net.losses()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        run(losses)
    assert not [each for each in found.key_averages() if each.key == "aten::_local_scalar_dense"]


def test_the_counter_sees_every_way_to_read() -> None:
    p = nn.Parameter(torch.ones(2))
    reading: list[Callable[[Tensor], Any]] = [
        lambda x: float(x.detach().sum()),
        lambda x: bool(x.sum()),
        lambda x: x.sum().item(),
        lambda x: x.tolist(),
        lambda x: x.detach().cpu(),
        lambda x: x.detach().to("cpu").numpy(),
        lambda x: torch.equal(x, x),
    ]
    for read in reading:
        with Reads() as reads:
            read(p * 2)
        assert reads.count == 1
    with Reads() as reads:
        torch.zeros(3).tolist()
        float((p * 2).detach().cpu().sum() + torch.ones(()))
    assert reads.names == ["cpu"]
