"""Adapters of peft in a network: the base stands still, and they alone learn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from torch import nn

from plait.core.errors import ConfigError
from plait.core.extras import need

PURPOSE = "an `adapter`"


def adapted(module: nn.Module, adapter: Mapping[str, Any] | None) -> nn.Module:
    """Puts adapters into a network, in place, and freezes everything else in it.

    Args:
        module: the network.
        adapter: the options of peft's configuration as plain values, such as
            ``{"r": 8, "target_modules": ["query", "value"]}``, with ``"peft_type": "LORA"`` unless
            it is said otherwise; None leaves the network as it is.

    Raises:
        ConfigError: peft does not know an option, or finds no module to adapt; the options name
            other adapters.
        MissingExtraError: peft is not installed.
    """
    if adapter is None:
        return module
    if adapter.get("adapters"):  # of X-LoRA: names of others, on a disk or on the hub
        raise ConfigError(
            f"`adapter` must not name other adapters to be loaded; found {adapter['adapters']!r}. "
            "A description may come from a stranger's file: give a model that has them."
        )
    peft = need("peft", extra="hf", purpose=PURPOSE)
    try:
        config = peft.get_peft_config({"peft_type": "LORA", **adapter})
        peft.inject_adapter_in_model(config, module)
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigError(
            f"`adapter` must be options of a configuration of peft that fits the network; found "
            f"{dict(adapter)}: {error}"
        ) from error
    return module


def adapter_of(module: object) -> dict[str, Any] | None:
    """Returns the options of the adapter that a network has, as plain values; None without one.

    Raises:
        ConfigError: it has several, and a model folder describes one.
    """
    configs = getattr(module, "peft_config", None)
    if not configs:
        return None
    if len(configs) > 1:
        raise ConfigError(
            f"a network must have one adapter; found {', '.join(configs)}. Delete the others: "
            "`model.delete_adapter(name)`."
        )
    options = next(iter(configs.values())).to_dict()
    return dict(json.loads(json.dumps(options, default=_plain)))


def _plain(value: Any) -> Any:
    """Returns a set as a sorted list, a member of an enumeration as its value."""
    return sorted(value) if isinstance(value, set | frozenset) else getattr(value, "value", None)
