"""A step leaves nothing in circles: its gradients and its graph are free as soon as it ends.

Python would find them later, and by then several steps may have left a gradient of the size of the
model each.
"""

import pytest
import torch

from plait.engine import Backward
from tests.engine.garbage import left_behind
from tests.engine.loops import Net
from tests.engine.test_reads import CASES
from tests.gradients.nets import losses_of


@pytest.mark.parametrize("case", CASES)
def test_a_step_leaves_no_circles(case: str) -> None:
    make, options, _ = CASES[case]
    net, balancer = Net(), make()
    run = Backward(balancer, net, **options)

    def step() -> None:
        inputs = [torch.randn(6, 5, dtype=torch.float64) for _ in range(balancer.batches)]
        found = [net.trunk(each).tanh() for each in inputs]
        losses = [losses_of(each, net.heads) for each in found]
        run(losses, features=found[0] if options.get("at") == "features" else None)
        balancer.after_step(lambda: {task: loss.detach() for task, loss in losses[0].items()})

    for _ in range(2):
        step()
    with left_behind() as found:
        step()
    assert not found


def test_circles_are_found() -> None:
    with left_behind() as found:
        circle: list[object] = [torch.zeros(1)]
        circle.append(circle)
        del circle
    assert {type(each) for each in found} == {list, torch.Tensor}
