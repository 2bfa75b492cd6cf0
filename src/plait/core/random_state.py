"""The states of all global random generators, read and put back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

State = dict[str, Any]
WITHOUT_OWN = ("cpu", "meta")  # devices without a generator of their own


def random_state(device: torch.device) -> State:
    """Returns the states of all generators by name; "device" is None where it has none."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "torch": torch.get_rng_state(),
        "device": None
        if device.type in WITHOUT_OWN
        else torch.get_device_module(device).get_rng_state(device),
    }


def restore(state: State, device: torch.device) -> None:
    """Puts the generators into the states that `random_state` returned."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if state["device"] is not None and device.type not in WITHOUT_OWN:
        torch.get_device_module(device).set_rng_state(state["device"], device)


@contextmanager
def random_state_kept(device: torch.device) -> Iterator[None]:
    """Puts the generators back at the end to where they were."""
    state = random_state(device)
    try:
        yield
    finally:
        restore(state, device)
