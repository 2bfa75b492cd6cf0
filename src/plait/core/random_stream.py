"""A stream of random numbers beside the global generators, which stay as they are."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from plait.core.numpy_generator import NumpyGenerator, in_place
from plait.core.seeding import derive_seed


def seed_host(seed: int) -> None:
    """Seeds Python, NumPy and torch's generator of the CPU; those of devices stay as they are."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)


class RandomStream:
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
        seed_host(derive_seed(*self._parts))
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
