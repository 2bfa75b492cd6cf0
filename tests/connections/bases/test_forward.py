"""Connections that hand on features or predictions."""

import torch

from plait.core.features import Features, FeatureShape
from tests.connections.columns import KINDS, model_of
from tests.connections.plain import Waits, wiring


def test_a_forward_connection_that_overrides_nothing_changes_nothing() -> None:
    connection = Waits()
    model = model_of(connection)
    x = KINDS["mlp"].inputs(4)
    for task, found in model(x).items():
        assert torch.equal(found, model_of()(x)[task])
    given = {"a": Features((x,))}
    assert connection.features("a", given, {}, {}) is given["a"]
    assert connection.prediction("a", {"a": x}) is x
    assert connection.build("a", wiring(), {"a": FeatureShape(((4,),))}, {}).levels == ((4,),)
