"""Terms beside the losses: of the outputs in every micro-batch, of the parameters once."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from plait.balancing import Equal, Info, MoDo
from plait.connections import PenaltyConnection
from plait.connections.edges.graph import Edge
from plait.core import Batch
from plait.core.outputs import Outputs
from plait.engine import Backward
from plait.model import MultiTaskModel
from plait.regularization import PairwiseL2
from plait.sharing import Separate
from plait.tasks import Regression
from plait.training.step import StepRecord, training_step


class Apart(PenaltyConnection):
    """The mean squared difference of two predictions."""

    def cost(self, edge: Edge, outputs: Outputs) -> Tensor:
        source, target = (outputs[task] for task in edge)
        return (source - target).square().mean()


def made() -> MultiTaskModel:
    torch.manual_seed(0)
    return MultiTaskModel(
        Separate(nn.Sequential(nn.Linear(3, 4), nn.Tanh()), copies="reset"),
        [Regression("a"), Regression("b")],
        example=torch.zeros(2, 3),
        connections=[Apart(alpha=0.7)],
        regularization=[PairwiseL2(strength=0.3)],
    ).double()


def batches(model: MultiTaskModel, sizes: tuple[int, ...]) -> list[Batch]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(sum(sizes), 3, generator=generator, dtype=torch.float64)
    y = {
        task: torch.randn(sum(sizes), 1, generator=generator, dtype=torch.float64) for task in "ab"
    }
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    cuts = [slice(start, start + size) for start, size in zip(starts, sizes, strict=True)]
    return [model.batch(x[cut], {task: labels[cut] for task, labels in y.items()}) for cut in cuts]


def step(
    model: MultiTaskModel, given: list[Batch], balancer: Equal | MoDo | None = None
) -> StepRecord:
    balancer = balancer or Equal()
    balancer.setup(tuple(model.tasks))
    return training_step(
        model,
        given,
        Backward(balancer, model),
        torch.optim.SGD(model.parameters(), lr=0.1),
        info=Info((), epoch=0),
        autocast=nullcontext(),
        device=torch.device("cpu"),
    )


def test_micro_batches_have_the_penalties_of_the_joined_batch() -> None:
    whole, parts = made(), made()
    one = step(whole, batches(whole, (7,)))
    two = step(parts, batches(parts, (4, 1, 2)))
    assert set(one.terms) == {"Apart[a -> b]", "PairwiseL2[0]"}
    for name, values in one.terms.items():
        assert two.terms[name] == pytest.approx(values)
    for a, b in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_terms_are_those_by_hand() -> None:
    model = made()
    batch = batches(model, (7,))[0]
    with torch.no_grad():
        out = model(batch.parts[0].inputs)
        cost = float((out["a"] - out["b"]).square().mean())
        one, two = (network.parameters() for network in model.sharing.networks().values())
        tie = sum(float((p - q).square().sum()) for p, q in zip(one, two, strict=True))
    found = step(model, [batch]).terms
    assert found["Apart[a -> b]"] == pytest.approx((cost, 0.7 * cost))
    assert found["PairwiseL2[0]"] == pytest.approx((tie, 0.3 * tie))


def test_where_several_batches_are_read_the_last_one_has_the_penalties() -> None:
    model = made()
    given = batches(model, (3, 3, 4))
    with torch.no_grad():
        out = model(given[2].parts[0].inputs)
    cost = float((out["a"] - out["b"]).square().mean())
    assert step(model, given[1:], MoDo()).terms["Apart[a -> b]"][0] == pytest.approx(cost)
