"""The generator behind `np.random`, put in and out of place without a copy of its state."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.random import mtrand

WORDS = 625  # of 4 bytes: those of a Mersenne twister, and its position among them


class NumpyGenerator:
    """A bit generator that can stand behind NumPy's global functions.

    NumPy keeps the second of two normal numbers that were drawn together beside the generator, and
    forgets it when another one is put in place. It is kept here. To ask NumPy for it takes as long
    as a small backward pass, and is left out while the generator has not moved since it had none.

    Args:
        generator: the bit generator.
    """

    def __init__(self, generator: np.random.BitGenerator) -> None:
        self.generator = generator
        self._address: int | None = None
        if isinstance(generator, np.random.MT19937):
            self._address = generator.ctypes.state_address
        self._whole: dict[str, Any] | None = None  # the state, where it has such a number
        self._without: bytes | None = None  # its words when it had none

    def note(self) -> None:
        """Notes what NumPy keeps beside the generator, which is the one in place."""
        words = None if self._address is None else ctypes.string_at(self._address, 4 * WORDS)
        if words is None or words != self._without:
            state = np.random.get_state(legacy=False)
            self._whole = state if state["has_gauss"] else None
            self._without = words if self._whole is None else None

    def put(self) -> None:
        """Puts the generator in place, as it was when it was last noted."""
        mtrand.set_bit_generator(self.generator)
        if self._whole is not None:
            np.random.set_state(self._whole)


_known = NumpyGenerator(mtrand.get_bit_generator())


def in_place() -> NumpyGenerator:
    """Returns the generator that is in place."""
    global _known
    generator = mtrand.get_bit_generator()
    if generator is not _known.generator:
        _known = NumpyGenerator(generator)
    return _known
