"""Every kind of use that the walk may find is known by label."""

from typing import get_args

import pytest
import torch

from plait.gradients.labels.layers.nodes import KINDS, label_layer
from plait.gradients.labels.places import Kind, Place, Use


def test_every_kind_of_use_is_known() -> None:
    assert set(KINDS) == set(get_args(Kind))


def test_a_kind_that_is_not_known_has_no_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    p = torch.ones(3, requires_grad=True)
    use = Use("addition", (torch.ones(2, 3) + p).grad_fn, {1: p}, Place(1, 2, 3))
    assert label_layer(use) is not None
    monkeypatch.delitem(KINDS, "addition")
    assert label_layer(use) is None
