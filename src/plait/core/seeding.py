"""Seeds derived from names, so that what one task draws never depends on the other tasks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive_seed(*parts: int | str) -> int:
    """Returns a seed in `[0, 2^63)` that is a fixed function of `parts`.

    Example:
        >>> derive_seed(0, "digit") == derive_seed(0, "digit") != derive_seed(0, "mask")
        True
    """
    # int(): an integer of NumPy is the same seed
    texts = [f"str:{part}" if isinstance(part, str) else f"int:{int(part)}" for part in parts]
    text = "\x1f".join(texts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


@contextmanager
def seeded(*parts: int | str) -> Iterator[None]:
    """Runs its body under the seed of `parts`; the global CPU generator is left as found."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(*parts))
        yield
