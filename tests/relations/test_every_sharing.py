"""Every way to share, and every connection: measured, and not a bit is left behind."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import plait.sharing
from plait.core.errors import ConfigError
from plait.core.lookup import names
from plait.model import MultiTaskModel
from plait.relations import (
    GradTAG,
    example_gradients,
    layer_gramians,
    loss_improvement,
    stage_features,
    tag_affinity,
)
from plait.sharing import Separate, Sharing
from plait.tasks import Binary
from tests.connections.contract import METHODS as CONNECTIONS
from tests.connections.contract import inputs, labels, network, new

TASKS = ("a", "b.c", "d%")
SHARINGS = [name for name in names(plait.sharing, Sharing) if name != Separate.__name__]
Measure = Callable[[MultiTaskModel, tuple[Tensor, dict[str, Tensor]]], object]
MEASURES: dict[str, Measure] = {
    "tag": lambda model, batch: tag_affinity(model, [batch]).values,
    "improvement": lambda model, batch: loss_improvement(model, [batch]).values,
    "layers": lambda model, batch: layer_gramians(model, batch).total,
    "stages": lambda model, batch: stage_features(model, batch[0]),
    "grad_tag": lambda model, batch: (
        GradTAG(example_gradients(model, [batch], directions=8)).affinity().values
    ),
}


def sharing_of(name: str) -> Sharing:
    trunk = nn.Sequential(network(), nn.BatchNorm1d(6), nn.Dropout(0.3), nn.Linear(6, 6))
    made: Sharing = getattr(plait.sharing, name)(trunk)
    return made


def check(model: MultiTaskModel) -> None:
    batch = (inputs(), labels(inputs()))
    model.train()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    random = torch.get_rng_state()
    for measure in MEASURES.values():
        found = measure(model, batch)
        assert torch.equal(random, torch.get_rng_state())
        after = model.state_dict()
        assert all(torch.equal(after[name], each) for name, each in before.items())
        assert all(module.training for module in model.modules())
        assert all(parameter.grad is None for parameter in model.parameters())
        assert not isinstance(found, np.ndarray) or np.isfinite(found).all()


@pytest.mark.parametrize("name", SHARINGS)
def test_every_sharing(name: str) -> None:
    tasks = [Binary(task) for task in TASKS]
    check(MultiTaskModel(sharing_of(name), tasks, example=inputs(2)))


@pytest.mark.parametrize("name", CONNECTIONS)
def test_every_connection(name: str) -> None:
    """Those that pass a signal with a gradient make parameters shared; others are refused."""
    model = MultiTaskModel(
        Separate(network()),
        [Binary(task) for task in TASKS],
        example=inputs(2),
        connections=new(name),
    )
    if any(len(tasks) > 1 for tasks in model.roles().values()):
        check(model)
    else:
        with pytest.raises(ConfigError, match="share no parameter"):
            check(model)
