"""The tasks that each parameter serves, read from the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.structure import from_signature, map_tensors
from plait.gradients import leaves
from plait.networks.modes import evaluating


def roles_of(model: nn.Module, signature: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Returns `{parameter name: tasks whose predictions depend on it}`.

    Args:
        model: gives `{task: prediction}`; runs once, on zeros, in eval mode.
        signature: of its inputs.
    """
    first = next(model.parameters())

    def as_parameters(inputs: Tensor) -> Tensor:
        return inputs.to(first) if inputs.is_floating_point() else inputs.to(first.device)

    with evaluating(model), torch.enable_grad(), torch.random.fork_rng(devices=[]):
        outputs = model(map_tensors(as_parameters, from_signature(signature)))
    reached = {task: set(map(id, leaves([out.sum()]))) for task, out in outputs.items()}
    return {
        name: frozenset(task for task, found in reached.items() if id(parameter) in found)
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
