"""Layers that are indexed by the task."""

import copy

import pytest
import torch
from torch import nn

from plait.core.errors import UnsupportedError
from plait.sharing.conditioning import Adapter, Film, LoRA, Norm
from plait.sharing.conditioning.layers.task_indexed import (
    UnitAfter,
    UnitBeside,
    UnitInside,
    UnitInstead,
)
from tests.sharing.conditioning.trunks import Conditioned


@pytest.mark.parametrize(
    ("by", "base", "kind"),
    [
        (Film(), nn.Linear(3, 3), UnitAfter),
        (LoRA(), nn.Linear(3, 3), UnitBeside),
        (LoRA(), nn.Conv1d(3, 3, 1), UnitInside),
        (Adapter(placement="parallel"), nn.Conv1d(3, 3, 1), UnitInside),
        (Norm(), nn.LayerNorm(3), UnitInstead),
    ],
)
def test_plain_attributes_are_read_through_and_tensors_are_not(by, base, kind) -> None:  # type: ignore[no-untyped-def]
    layer = Conditioned(by, base).layer
    assert type(layer) is kind
    assert type(layer.plain()) is type(base)
    name = "eps" if isinstance(base, nn.LayerNorm) else "out_features"
    name = name if name in vars(base) else "out_channels"
    assert getattr(layer, name) == getattr(base, name)
    with pytest.raises(UnsupportedError, match=r"'weight' of a conditioned .* read from outside"):
        _ = layer.weight
    with pytest.raises(AttributeError):
        _ = layer.nothing_of_that_name


def test_a_copy_has_its_own_units() -> None:
    made = Conditioned(Film(), nn.Linear(3, 3))
    twin = copy.deepcopy(made)
    twin.stir()
    x = torch.randn(2, 3)
    assert torch.equal(made("a", x), made.layer.plain()(x))
    assert not torch.equal(twin("a", x), made("a", x))
