"""The encoder of each input: as it is described, or by the kind of its column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from plait.core.build import build
from plait.core.columns import Column
from plait.core.errors import ConfigError, unknown
from plait.core.families import FAMILIES
from plait.core.lookup import find_method, options_of, parameters
from plait.core.structure import Masked

SMALL = 64  # pixels of the shorter side up to which three blocks see most of an image


def chosen(
    given: Mapping[str, Any] | None, inputs: Mapping[str, Sequence[Column]]
) -> dict[str, Any]:
    """Names an encoder for each input.

    Args:
        given: `{input: encoder}`, each a module, the name of a class, or ``{"class": name}`` with
            its options; inputs that are left out get the default of their kind.
        inputs: `{input: its columns}`, as `plait.core.columns.inputs_of` gives them.

    Returns:
        `{input: module or {"class": name, **options}}`, in the order of the inputs.

    Raises:
        ConfigError: there is no such input, or something else was given for it.
    """
    for name, encoder in (given or {}).items():
        if name not in inputs:
            raise ConfigError(unknown("input of the encoder", name, inputs))
        described = isinstance(encoder, Mapping) and isinstance(encoder.get("class"), str)
        if not (described or isinstance(encoder, str | nn.Module)):
            raise ConfigError(
                f"the encoder of input {name!r} must be a module, a name, or {{class: NAME, "
                f"options}}; found {encoder!r}."
            )
    found = {name: (given or {}).get(name) or _default(own) for name, own in inputs.items()}
    return {
        name: {"class": each} if isinstance(each, str) else _kept(each)
        for name, each in found.items()
    }


def encoder_for(described: Any, columns: Sequence[Column]) -> nn.Module:
    """Makes an encoder, which is told what its column knows: channels, rate, codes or columns.

    Args:
        described: a module, which is taken as it is, or ``{"class": name, **options}``.
        columns: those of the input.

    Raises:
        ConfigError: an unknown name or option. A class of the user's own has to be given as a
            module: the description may come from a stranger's file.
    """
    if isinstance(described, nn.Module):
        return described
    family = FAMILIES["encoders"]
    name, noun = described["class"], family.noun
    cls = find_method(name, family, foreign=False)
    own = {key: value for key, value in described.items() if key != "class"}
    options = {key: value for key, value in _known(columns).items() if key in parameters(cls)}
    made: nn.Module = build(cls, options | own, kind=noun, foreign=False)
    return made


def told_by(described: Any, made: nn.Module, columns: Sequence[Column]) -> Any:
    """Describes the encoder of an input for a file, by what it has become.

    An encoder with weights from elsewhere no longer names their source: a model folder has them.

    Args:
        described: a module, which describes itself, or ``{"class": name, **options}``.
        made: the encoder that was made of it.
        columns: those of the input; what they tell the encoder is left out.
    """
    if isinstance(described, nn.Module):
        return described
    return {"class": described["class"], **options_of(made, list(_known(columns)))}


def example_for(columns: Sequence[Column]) -> Any:
    """Makes a batch of two inputs of these columns, all 0, by which shapes are found."""
    column = columns[0]
    if column.in_row:
        return torch.zeros(2, sum(each.entries for each in columns))
    if column.kind == "image":
        return torch.zeros(2, column.channels, *(column.size or (SMALL, SMALL)))
    if column.kind == "sound":
        samples = torch.zeros(2, column.rate // 4)
        return Masked(samples, torch.ones_like(samples, dtype=torch.bool))
    codes = torch.zeros(2, 4, 2 if column.pieces else 1, dtype=torch.long)
    return Masked(codes, torch.ones(2, 4, dtype=torch.bool))


def _default(columns: Sequence[Column]) -> dict[str, Any]:
    column = columns[0]
    if column.in_row:
        return {"class": "TabularEncoder"}
    if column.kind == "sound":
        return {"class": "AudioEncoder"}
    if column.kind != "image":
        return {"class": "TextEncoder"}
    widths = [32, 64, 128] if min(column.size or [SMALL]) <= SMALL else [32, 64, 128, 256]
    return {"class": "ConvEncoder", "widths": widths, "norm": True}


def _kept(described: Any) -> Any:
    return dict(described) if isinstance(described, Mapping) else described


def _known(columns: Sequence[Column]) -> dict[str, Any]:
    if not columns[0].in_row:
        return dict(columns[0].known)
    entries = sum(each.entries for each in columns)
    return {"columns": [each.plain() for each in columns], "in_features": entries}
