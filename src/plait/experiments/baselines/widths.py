"""The widths of an encoder, as settings that can be scaled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from plait.core.lookup import parameters
from plait.encoders import Fused
from plait.experiments.method import Method
from plait.model.describe import describe

GIVEN = ("columns", "dense")  # by the table
TRUNK = (128,)  # widths of `Fused` with several inputs, where none are named


def described_encoder(named: Method | None, encoder: nn.Module) -> dict[str, Any] | None:
    """Returns the settings that build an encoder again, ``{"class": name, **options}``.

    Args:
        named: what the settings of the run name; None for the recipe's own.
        encoder: what was built of it.

    Returns:
        None for a recipe's encoder that only its own code can build.
    """
    described = describe(encoder)
    if described is not None:
        if isinstance(encoder, Fused) and encoder.widths is None and len(encoder.inputs) > 1:
            described["widths"] = list(TRUNK)
        return {name: value for name, value in described.items() if name not in GIVEN}
    if named is None:
        return None
    taken = parameters(type(encoder))
    known: dict[str, Any] = {
        name: taken[name].default for name in ("width", "widths") if name in taken
    }
    return {"class": named.name, **known, **named.options}


def widest(described: Mapping[str, Any]) -> int:
    """Returns the largest width of an encoder, those of its inputs among them; 0 without any.

    Example:
        >>> widest({"class": "ConvEncoder", "widths": [16, 32], "norm": True})
        32
    """
    return max(_widths(described), default=0)


def narrowed(described: Mapping[str, Any], width: int, full: int) -> dict[str, Any]:
    """Returns the settings with all widths times ``width / full``, rounded, at least 1.

    Example:
        >>> narrowed({"class": "ConvEncoder", "widths": [16, 32]}, 8, 32)
        {'class': 'ConvEncoder', 'widths': [4, 8]}
    """

    def scaled(each: int) -> int:
        return max(round(each * width / full), 1)

    found = dict(described)
    if _is_width(found.get("width")):
        found["width"] = scaled(found["width"])
    if _are_widths(found.get("widths")):
        found["widths"] = [scaled(each) for each in found["widths"]]
    if isinstance(found.get("encoders"), Mapping):
        found["encoders"] = {
            name: narrowed(each, width, full) if isinstance(each, Mapping) else each
            for name, each in found["encoders"].items()
        }
    return found


def _widths(described: Mapping[str, Any]) -> Iterator[int]:
    if _is_width(described.get("width")):
        yield described["width"]
    if _are_widths(described.get("widths")):
        yield from described["widths"]
    encoders = described.get("encoders")
    for each in encoders.values() if isinstance(encoders, Mapping) else ():
        yield from _widths(each) if isinstance(each, Mapping) else ()


def _is_width(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _are_widths(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(map(_is_width, value))
