"""The next step for an encoder that cannot read the example, by what it said."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from torch import nn

from plait.networks.stages import Staged, stages_of, unmasked

CHANNELS = (
    r"expected input.* to have \d+ channels",
    r"shapes? cannot be multiplied",
    r"normalized_shape",
    r"running_mean should contain",
    r"number of channels",
    r"input\.size\(-1\) must be equal to input_size",
)
KEYWORDS = (
    r"unexpected keyword",
    r"missing \d+ required",
    r"must be Tensor, not",
    r"positional arg",
)


def next_step(encoder: nn.Module, example: Any, error: Exception) -> str:
    """Advises on an error of an encoder: a sentence with a blank before it, or nothing.

    Args:
        encoder: could not read the example.
        example: one batch of inputs.
        error: was raised by it.
    """
    values, _ = unmasked(example, encoder)
    if isinstance(values, Mapping) and _takes(encoder, values):
        return (
            " It is called by keywords, and an encoder gets the inputs as one argument. Write a "
            "module around it: `def forward(self, inputs): return self.net(**inputs)`."
        )
    text = str(error)
    if any(re.search(each, text) for each in CHANNELS):
        return " Check the number of input channels or features."
    if isinstance(error, TypeError) and any(re.search(each, text) for each in KEYWORDS):
        return (
            " An encoder gets the inputs as one argument. Write a module around it: "
            "`def forward(self, inputs): return self.net(...)`."
        )
    return ""


def _takes(encoder: nn.Module, inputs: Mapping[str, Any]) -> bool:
    """Tells whether the first stage has parameters of the names of the inputs."""
    stage = stages_of(encoder)[0]
    if isinstance(stage, Staged):
        stage = stage.module
    forward = type(stage).forward if isinstance(stage, nn.Module) else stage
    try:
        known = inspect.signature(forward).parameters.values()
    except (TypeError, ValueError):  # some builtin functions have none
        return False
    named = {each.name for each in known}
    anything = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in known)
    return bool(inputs) and (anything or set(inputs) <= named)
