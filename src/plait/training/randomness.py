"""The state of all global random generators, as values that load without pickle."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from plait.core.seeding import derive_seed
from plait.training.numpy_generator import NumpyGenerator, in_place

State = dict[str, Any]


def seed_all(*parts: int | str) -> None:
    """Seeds Python, NumPy and torch, devices included, with a fixed function of `parts`."""
    seed = derive_seed(*parts)
    _seed_host(seed)
    torch.manual_seed(seed)  # the devices as well


def _seed_host(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)


def random_state(device: torch.device) -> State:
    """Returns the states of all generators by name; that of the "device" is None for a CPU."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "torch": torch.get_rng_state(),
        "device": None
        if device.type == "cpu"
        else torch.get_device_module(device).get_rng_state(device),
    }


def restore(state: State, device: torch.device) -> None:
    """Puts the generators into the states that `random_state` returned."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if state["device"] is not None and device.type != "cpu":
        torch.get_device_module(device).set_rng_state(state["device"], device)


@contextmanager
def random_state_kept(device: torch.device) -> Iterator[None]:
    """Puts the generators back at the end to where they were."""
    state = random_state(device)
    try:
        yield
    finally:
        restore(state, device)


def to_plain(state: State) -> State:
    """Returns the state with NumPy's array as a tensor, which loads with ``weights_only=True``."""
    numpy = dict(state["numpy"])
    inner = dict(numpy["state"])
    inner["key"] = torch.from_numpy(inner["key"].astype(np.int64))
    return {**state, "numpy": {**numpy, "state": inner}}


def from_plain(state: State) -> State:
    """Returns the state of which `to_plain` made a plain one."""
    numpy = dict(state["numpy"])
    inner = dict(numpy["state"])
    inner["key"] = inner["key"].numpy().astype(np.uint32)
    return {**state, "numpy": {**numpy, "state": inner}}


class Generators:
    """Saves and restores the global generators, as a part of a checkpoint.

    Args:
        device: whose generator belongs to them.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def state_dict(self) -> State:
        """Returns the state of all of them, loadable with ``weights_only=True``."""
        return to_plain(random_state(self._device))

    def load_state_dict(self, saved: State) -> None:
        """Takes the state over from a `state_dict`."""
        restore(from_plain(saved), self._device)


class Stream:
    """Gives code a random stream of its own: what runs `inside` it draws from it alone.

    Only generators of the CPU are swapped; those of a device stay as they are.

    Args:
        parts: what the stream is a fixed function of.
        generators: further generators that are swapped as well; each is seeded from its own first
            seed and `parts`.
    """

    def __init__(self, *parts: int | str, generators: Sequence[torch.Generator] = ()) -> None:
        self._parts = parts
        self._generators = list(generators)
        self._numpy = NumpyGenerator(np.random.MT19937(0))
        self._state: list[Any] | None = None  # seeded when it is first entered

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Swaps the stream in, and out again."""
        numpy = in_place()
        numpy.note()
        outer = self._capture()
        self._numpy.put()
        if self._state is None:
            self._seed()
        else:
            self._put(self._state)
        try:
            yield
        finally:
            self._numpy.note()
            self._state = self._capture()
            numpy.put()
            self._put(outer)

    def _seed(self) -> None:
        _seed_host(derive_seed(*self._parts))
        for generator in self._generators:
            generator.manual_seed(derive_seed(generator.initial_seed(), *self._parts))

    def _capture(self) -> list[Any]:
        """Returns the states of the generators beside that of NumPy, which is swapped whole."""
        own = [generator.get_state() for generator in self._generators]
        return [random.getstate(), torch.get_rng_state(), *own]

    def _put(self, state: list[Any]) -> None:
        python, host, *own = state
        random.setstate(python)
        torch.set_rng_state(host)
        for generator, value in zip(self._generators, own, strict=True):
            generator.set_state(value)
