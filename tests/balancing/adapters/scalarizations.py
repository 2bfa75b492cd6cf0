"""Golden cases of the scalarisations that are plain functions of the losses."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from plait.balancing import cosmos, ldc_mtl, pbi
from tests.balancing.adapters.files import Adapter, Case
from tests.balancing.adapters.losses import comparison, known


def tensor(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def value_and_gradients(
    function: Callable[..., Tensor], *arguments: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    value = function(*arguments)
    return value, torch.autograd.grad(value, arguments, allow_unused=True)


def of_pbi(header: Case, case: Case) -> None:
    known(case, {"losses", "value", "gradient", "d1", "d2"}, {"theta", "weights", "reference"})
    close, params = comparison(header, case), case["params"]
    reference = None if params["reference"] is None else tensor(params["reference"])
    losses, preference = tensor(case["losses"]), tensor(params["weights"])
    function = partial(pbi, reference=reference, theta=params["theta"])
    value, (gradient, _) = value_and_gradients(function, losses, preference)
    close(value, case["value"])
    close(gradient, case["gradient"])
    along, both = (pbi(losses, preference, reference=reference, theta=t) for t in (0.0, 1.0))
    close(along, case["d1"])
    close(both - along, case["d2"])


def of_cosmos(header: Case, case: Case) -> None:
    known(case, {"losses", "value", "gradient"}, {"lambda", "weights"})
    close, params = comparison(header, case), case["params"]
    function = partial(cosmos, strength=params["lambda"])
    losses, preference = tensor(case["losses"]), tensor(params["weights"])
    value, (gradient, _) = value_and_gradients(function, losses, preference)
    close(value, case["value"])
    close(gradient, case["gradient"])


def of_ldc_mtl(header: Case, case: Case) -> None:
    known(
        case,
        {
            *("losses", "initial_losses", "router_weights"),
            *("value", "gap", "grad_losses", "grad_router_weights"),
        },
        {"lambda", "variant", "normalization"},
    )
    close, params = comparison(header, case), case["params"]
    normalization = {
        "none": "none",
        "L -> L / (L0 / min L0)": "ratio",
        "L -> log(L / L0)": "log",
    }[params["normalization"]]
    weighted = {"unweighted_gap": False, "weighted_gap": True, "log": True}[params["variant"]]
    function = partial(
        ldc_mtl,
        weighted_gaps=weighted,
        normalization=normalization,
        initial_losses=tensor(case["initial_losses"]),
    )
    losses, weights = tensor(case["losses"]), tensor(case["router_weights"])
    value, gradients = value_and_gradients(
        partial(function, strength=params["lambda"]), losses, weights
    )
    close(value, case["value"])
    close(gradients[0], case["grad_losses"])
    close(gradients[1], case["grad_router_weights"])
    gap = function(losses, weights, strength=1.0) - function(losses, weights, strength=0.0)
    close(gap, case["gap"])


METHODS: dict[str, Adapter] = {"COSMOS": of_cosmos, "LDC-MTL": of_ldc_mtl, "PBI": of_pbi}
