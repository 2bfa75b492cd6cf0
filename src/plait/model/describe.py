"""Objects as plain values: the class of a method with its options, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from plait.core.build import build
from plait.core.errors import CheckpointError, ConfigError
from plait.core.families import FAMILIES, family_of
from plait.core.lookup import find_method, names, options_of

ADVICE = {
    "tasks": "Give the tasks: from_pretrained(folder, tasks=[...]).",
    "encoders": "Give it: from_pretrained(folder, encoder=...).",
}
BY_HAND = "Build the model in code and load model.safetensors into it."


def describe(instance: Any, *, leave_out: Sequence[str] = ()) -> dict[str, Any] | None:
    """Returns ``{"class": name, **options}`` of a method of plait, ready for JSON.

    Options that are objects themselves are described likewise.

    Args:
        instance: an object that keeps its arguments under their own names.
        leave_out: arguments that are described elsewhere.

    Returns:
        None for what only its owner's code can rebuild: a class of the user's own, or an argument
        that JSON cannot hold, such as a metric object.
    """
    try:
        return dict(json.loads(json.dumps(_described(instance, leave_out))))
    except (ConfigError, TypeError):
        return None


def rebuild(described: dict[str, Any] | None, family: str, **given: Any) -> Any:
    """Builds what `describe` described; only names in plait's own `__all__` are accepted.

    Args:
        described: class and options.
        family: a name in `FAMILIES`.
        given: arguments that are described elsewhere.

    Raises:
        CheckpointError: it was the user's own class.
        ConfigError: a name or an option is unknown.
    """
    kind = FAMILIES[family]
    if described is None:
        raise CheckpointError(
            f"this model's {kind.noun} is not one of plait's own, so it cannot be rebuilt from the "
            f"file. {ADVICE.get(family, BY_HAND)}"
        )
    options = {key: value for key, value in described.items() if key != "class"}
    cls = find_method(described["class"], kind, foreign=False)
    return build(cls, options, kind=kind.noun, foreign=False, **given)


def _described(instance: Any, leave_out: Sequence[str] = ()) -> dict[str, Any]:
    """Describes an object; raises `ConfigError` if only its owner's code can rebuild it."""
    family = family_of(type(instance))
    name = type(instance).__name__
    known = family is not None and name in names(family.package, family.base)
    if family is None or not known or getattr(family.package, name) is not type(instance):
        raise ConfigError(f"{name} is no class of plait's own.")
    options = options_of(instance, leave_out)
    return {"class": name, **{option: _plain(value) for option, value in options.items()}}


def _plain(value: Any) -> Any:
    """Returns an option's value with every object in it described."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if family_of(type(value)) is None else _described(value)
