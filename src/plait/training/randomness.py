"""The state of all global random generators, as values that load without pickle."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from plait.core.seeding import derive_seed

State = dict[str, Any]


def seed_all(*parts: int | str) -> None:
    """Seeds Python, NumPy and torch from `parts`."""
    seed = derive_seed(*parts)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_state(device: torch.device) -> State:
    """Returns the state of the generators of Python, NumPy, torch and, if it has one, the device."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "torch": torch.get_rng_state(),
        "device": None
        if device.type == "cpu"
        else torch.get_device_module(device).get_rng_state(device),
    }


def restore(state: State, device: torch.device) -> None:
    """Restores what `random_state` returned."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if state["device"] is not None and device.type != "cpu":
        torch.get_device_module(device).set_rng_state(state["device"], device)


def to_plain(state: State) -> State:
    """Returns the state with NumPy's array as a tensor, which loads with ``weights_only=True``."""
    numpy = dict(state["numpy"])
    inner = dict(numpy["state"])
    inner["key"] = torch.from_numpy(inner["key"].astype(np.int64))
    return {**state, "numpy": {**numpy, "state": inner}}


def from_plain(state: State) -> State:
    """Undoes `to_plain`."""
    numpy = dict(state["numpy"])
    inner = dict(numpy["state"])
    inner["key"] = inner["key"].numpy().astype(np.uint32)
    return {**state, "numpy": {**numpy, "state": inner}}


class Stream:
    """A random stream beside the global one: what runs `inside` it draws from it alone."""

    def __init__(self, *parts: int | str) -> None:
        self._cpu = torch.device("cpu")
        outer = random_state(self._cpu)
        seed_all(*parts)
        self._state = random_state(self._cpu)
        restore(outer, self._cpu)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Swaps the stream in, and out again."""
        outer = random_state(self._cpu)
        restore(self._state, self._cpu)
        try:
            yield
        finally:
            self._state = random_state(self._cpu)
            restore(outer, self._cpu)
