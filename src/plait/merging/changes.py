"""Changes of networks since their common start, and the state that a merged change leads to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from plait.core.errors import ConfigError, NonFiniteError, UnsupportedError

State = Mapping[str, Tensor]
Changes = dict[str, Tensor]  # {entry: [T, *its shape]} in float64


def changes_of(start: State, states: Mapping[str, State]) -> Changes:
    """Returns the changes D_t = theta_t - theta_0 of each floating entry, `{entry: [T, *shape]}`.

    Args:
        start: theta_0, by the names of its entries.
        states: `{task: theta_t}`, at least one, with the entries of `start`.

    Raises:
        ConfigError: there is no state.
        UnsupportedError: an entry is missing, unknown, no dense tensor of real numbers, or of
            another shape or dtype than that of the start; it is named.
        NonFiniteError: an entry has become NaN or infinite; it is named.
    """
    if not states:
        raise ConfigError("merging needs at least one network; found none. Give `{task: state}`.")
    for task, state in states.items():
        _check_alike(start, task, state)
    found = {}
    for name, first in start.items():
        if first.is_floating_point():
            own = [_change(name, first, task, state[name]) for task, state in states.items()]
            found[name] = torch.stack(own)
    return found


def moved(
    start: State, states: Mapping[str, State], change: Mapping[str, Tensor], strength: float
) -> dict[str, Tensor]:
    """Returns theta_0 + strength x change, rounded once to the dtype of each entry.

    Args:
        start: theta_0.
        states: `{task: theta_t}`; entries that are no floating numbers are those of the first.
        change: `{entry: what is added}` for each floating entry, in float64.
        strength: any finite number.

    Raises:
        ConfigError: the strength is no finite number.
    """
    if isinstance(strength, bool) or not math.isfinite(strength):
        raise ConfigError(f"`strength` must be a finite number; found {strength!r}.")
    first = next(iter(states.values()))
    found = {}
    for name, value in start.items():
        if name not in change:
            found[name] = first[name].detach().clone()
            continue
        sums = value.detach().double() + strength * change[name]
        still = change[name] == 0  # infinite entries, such as those of masks, stay as they are
        found[name] = torch.where(still, value.detach(), sums.to(value.dtype))
    return found


def _change(name: str, start: Tensor, task: str, state: Tensor) -> Tensor:
    before, after = start.detach(), state.detach().to(start.device)
    change = torch.where(after == before, 0.0, after.double() - before.double())
    if not bool(change.isfinite().all()):
        raise NonFiniteError(
            f"{name!r} of task {task!r} is not finite, so that it cannot be merged. Did its "
            "training diverge?"
        )
    return change


def _check_alike(start: State, task: str, state: State) -> None:
    """Raises `UnsupportedError` unless a state has the entries, shapes and dtypes of the start."""
    for name in [*start, *state]:
        if name not in state or name not in start:
            where = f"network of task {task!r}" if name in start else "common start"
            raise UnsupportedError(f"not mergeable: {name!r} is missing in the {where}.")
        expected, found = _described(start[name]), _described(state[name])
        if expected != found or not _dense(start[name]):
            raise UnsupportedError(
                f"not mergeable: {name!r} must be a dense tensor of real numbers, of one shape and "
                f"dtype in all networks; found {expected} in the start and {found} in that of "
                f"task {task!r}."
            )


def _dense(value: Any) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided and not value.is_complex()


def _described(value: Any) -> str:
    if not isinstance(value, Tensor):
        return type(value).__name__
    dense = "" if value.layout == torch.strided else f" ({value.layout})"
    return f"{list(value.shape)} {str(value.dtype).removeprefix('torch.')}{dense}"
