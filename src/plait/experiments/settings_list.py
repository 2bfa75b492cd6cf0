"""All settings of a run with their defaults and meaning, from the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticUndefined

from plait.core.docstrings import arguments_of
from plait.engine import Backward
from plait.experiments.config import RunConfig
from plait.experiments.method_options import Setting, name_of, options_of_methods, takes
from plait.training import Trainer


def run_settings(settings: Mapping[str, Any] | None = None) -> list[Setting]:
    """Returns all settings of a run, and the options of the methods that some settings name.

    Args:
        settings: of a run, laid on the defaults of its recipe; their values count as defaults. None
            for a run of which nothing is known.

    Raises:
        ConfigError: the settings name a method that does not exist.
    """
    chosen = dict(settings or {})
    meanings = arguments_of(Trainer) | arguments_of(Backward) | arguments_of(RunConfig)
    own = [name for name in RunConfig.__annotations__ if name in RunConfig.model_fields]
    found: list[Setting] = []
    for name in dict.fromkeys([*own, *RunConfig.model_fields]):
        field = RunConfig.model_fields[name]
        default = field.get_default(call_default_factory=True)
        default = ... if default is PydanticUndefined else default
        kinds = " ".join([takes(field.annotation), *map(_limit, field.metadata)])
        found.append(Setting(name, kinds, name_of(chosen.get(name, default)), meanings[name]))
        method = default if isinstance(default, str) else None
        found += options_of_methods(name, chosen, method)
    return found


def _limit(range_: Any) -> str:
    """Returns a range that pydantic or plait declares, in words."""
    least = getattr(range_, "ge", None)
    return str(range_) if least is None else f"of at least {least}"
