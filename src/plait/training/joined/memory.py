"""The state of an optimizer at like parameters: of each apart, and of all as one tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from plait.networks.joined import Joined

State = dict[str, Any]  # of one parameter, by torch's names
STEP = "step"


def join_states(states: Sequence[State], joined: Joined) -> State:
    """Returns the state of a whole; a part without one has taken no step.

    Args:
        states: of the parts, in order.
        joined: of the parts.
    """
    found = [{name: each for name, each in state.items() if each is not None} for state in states]
    names = {name: None for state in found for name in state if name != STEP}
    if not names:
        return {}
    nothing = torch.zeros_like(joined.parts[0])
    whole = {name: torch.stack([state.get(name, nothing) for state in found]) for name in names}
    return {STEP: torch.tensor([_steps(state) for state in found]), **whole}


def split_state(state: State, *, counts: bool) -> dict[int, State]:
    """Returns the states of the parts by row, of those that have taken a step.

    Args:
        state: of a whole; empty if it has none.
        counts: whether the state of a parameter has the number of its steps, as torch's Adam.
    """
    memory = {name: each for name, each in state.items() if name != STEP}
    found: dict[int, State] = {}
    for row, step in enumerate(state.get(STEP, ())):
        if step > 0:
            own = {STEP: step.clone()} if counts else {}
            found[row] = own | {name: each[row].clone() for name, each in memory.items()}
    return found


def _steps(state: State) -> float:
    """Returns the steps of a part; SGD does not count them, and its first one alone differs."""
    return float(state[STEP]) if STEP in state else float(bool(state))
