"""Connections between stages."""

import pytest
import torch

from plait.connections import Wiring
from plait.core.errors import ShapeError
from plait.core.features import FeatureShape
from tests.connections.columns import KINDS, counted, model_of
from tests.connections.plain import Plain


def test_a_stage_connection_that_overrides_nothing_changes_nothing() -> None:
    model = model_of(Plain())
    x = KINDS["mlp"].inputs(4)
    plain = model_of()
    with counted(model.sharing.networks()) as ran:
        found = model(x, tasks=["b.c"])
    assert ran == {"a": [], "b.c": [0, 1, 2, 3], "d%": []}
    assert torch.equal(found["b.c"], plain(x)["b.c"])
    assert model.penalty([found]) == {}


def test_networks_of_other_numbers_of_stages_are_refused() -> None:
    shapes = {
        "a": FeatureShape(((4,),)),
        "b": FeatureShape(((4,), (4,))),
        "c": FeatureShape(((4,),)),
    }
    message = r"Plain joins networks .*; found \{'a': 1, 'b': 2, 'c': 1\}.*as_staged"
    with pytest.raises(ShapeError, match=message):
        Plain().setup(Wiring(("a", "b", "c"), shapes))
    Plain(edges=[["a", "c"]]).setup(Wiring(("a", "b", "c"), shapes))
