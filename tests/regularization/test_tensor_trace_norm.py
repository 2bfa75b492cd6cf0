"""Trace norms of each layer of all networks as a tensor."""

from typing import Any

import pytest
import torch

from plait.core.errors import ConfigError
from plait.regularization import TensorTraceNorm, TraceNorm
from tests.regularization.nets import Net, networks, tied


def cost(nets: dict[str, Net], **options: Any) -> float:
    return tied(TensorTraceNorm(strength=1.0, **options), nets).cost().item()


def test_tasks_against_all_else_is_the_trace_norm() -> None:
    nets = networks("abc")
    expected = tied(TraceNorm(strength=1.0), nets).cost().item()
    assert cost(nets, form="last_axis") == pytest.approx(expected)
    assert cost(nets, form="last_axis", reduction="mean") == pytest.approx(expected)


@pytest.mark.parametrize(("form", "number"), [("tucker", 3), ("tensor_train", 2), ("all", 3)])
def test_a_single_number_costs_its_size_in_every_unfolding(form: Any, number: int) -> None:
    """All else 0, every unfolding has one singular value; a bias has fewer unfoldings."""
    nets = networks("ab")
    for net in nets.values():
        for parameter in net.parameters():
            torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        nets["a"].top.weight[1, 2] = -3.0
    assert cost(nets, form=form) == pytest.approx(3.0 * number)
    assert cost(nets, form=form, reduction="mean") == pytest.approx(3.0)
    assert cost(nets, form=form, scope="stem.*") == 0.0


def test_the_norms_have_the_names_of_their_unfoldings() -> None:
    regularizer = tied(TensorTraceNorm(strength=1.0, form="tensor_train"), networks("ab"))
    assert {name: list(norms) for name, norms in regularizer.norms().items()} == {
        "stem.weight": ["0|1,2", "0,1|2"],
        "stem.bias": ["0|1"],
        "top.weight": ["0|1,2", "0,1|2"],
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"form": "laf"},
            "`form` must be one of last_axis, tucker, tensor_train, all; found 'laf'",
        ),
        ({"reduction": "max"}, "`reduction` must be 'sum' or 'mean'; found 'max'"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TensorTraceNorm(strength=1.0, **options)
