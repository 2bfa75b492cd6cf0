"""The route of a step, by what the balancer declares and the options say."""

from typing import Any

import pytest
import torch

from plait.balancing import (
    Balancer,
    Equal,
    ExcessMTL,
    GradNorm,
    GradVac,
    Info,
    MoDo,
    UncertaintyWeights,
    UPGrad,
)
from plait.engine import Memory, Options
from plait.engine.gathered import Gathered
from plait.engine.micro_batch import MicroBatch
from plait.engine.routes.base import Route
from plait.engine.routes.batches import SeveralBatches
from plait.engine.routes.choose import choose
from plait.engine.routes.features import AtFeatures
from plait.engine.routes.last_layer import LastLayer
from plait.engine.routes.layers import Layers
from plait.engine.routes.reused import Reused
from plait.engine.routes.rows import Direction, GramianByGroup, GramianOfRows, MeasuredLosses
from plait.engine.routes.weighted import Constant, Weighted
from tests.engine.small import losses_at, small

LOOSE = UncertaintyWeights(tasks=("a", "b", "c"))


def chosen(
    balancer: Balancer,
    *,
    several: bool = False,
    measure: bool = False,
    known: str = "",
    age: int = 0,
    **options: Any,
) -> Route:
    """The route of a step of a small model; `known` tasks have weights of `age` steps."""
    model, _ = small()
    balancer.setup(("a", "b", "c"))
    memory = Memory(weights=dict.fromkeys(known, 1.0), age=age)
    step = Gathered(balancer, Options(**options), memory, model, Info(), measure=measure)
    step.several = several
    losses = losses_at(model, torch.randn(6, 5))
    return choose(step, MicroBatch(losses, list(model.parameters())))


@pytest.mark.parametrize(
    ("balancer", "circumstances", "route"),
    [
        (Equal(), {}, Constant),
        (Equal(), {"several": True}, Constant),
        (Equal(), {"measure": True}, MeasuredLosses),
        (LOOSE, {}, Weighted),
        (LOOSE, {"several": True}, MeasuredLosses),
        (ExcessMTL(), {}, Direction),
        (UPGrad(), {"route": "rows"}, GramianOfRows),
        (UPGrad(), {"route": "layers"}, Layers),
        (UPGrad(), {"at": "features"}, AtFeatures),
        (GradNorm(), {}, LastLayer),
        (GradNorm(), {"several": True}, GramianOfRows),
        (GradVac(groups="layer"), {}, GramianByGroup),
        (MoDo(), {}, SeveralBatches),
    ],
)
def test_what_a_balancer_reads_decides(
    balancer: Balancer, circumstances: dict[str, Any], route: type[Route]
) -> None:
    assert type(chosen(balancer, **circumstances)) is route


@pytest.mark.parametrize(
    ("every", "age", "known", "reused"),
    [
        (3, 0, "abc", True),
        (3, 1, "abc", True),
        (3, 2, "abc", False),
        (3, 0, "ab", False),
        (1, 0, "abc", False),
    ],
)
@pytest.mark.parametrize("balancer", [UPGrad(), ExcessMTL()])
def test_weights_serve_until_their_age_or_a_new_task(
    balancer: Balancer, every: int, age: int, known: str, reused: bool
) -> None:
    route = chosen(balancer, every=every, age=age, known=known)
    assert (type(route) is Reused) == reused
