"""Training, validation and test: divided by a hash of names, or alike within each stratum.

Which examples are held out depends on nothing but the examples themselves and a seed: no order of
files, no other stratum, no global generator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from plait.core.errors import DataError
from plait.core.seeding import derive_seed

Rows = np.ndarray[Any, Any]


def held_out_by_hash(
    names: Iterable[str], shares: Mapping[str, float], *, salt: str
) -> dict[str, set[str]]:
    """Chooses the names that are held out, in the order of a hash of each name.

    More names later change few places of those before, and the order of the files none.

    Args:
        names: of the examples, each once.
        shares: `{split: share of the names}`, of the splits that are held out, in the order in
            which they take theirs; the sum is at most 1.
        salt: another one gives another order.

    Returns:
        `{split: names}`, round(share x number) each; all others are for training.

    Example:
        >>> found = held_out_by_hash(map(str, range(10)), {"val": 0.2, "test": 0.3}, salt="digits")
        >>> len(found["val"]), len(found["test"]), found["val"] & found["test"]
        (2, 3, set())
    """
    ordered = sorted(names, key=lambda name: derive_seed(salt, name))
    held: dict[str, set[str]] = {}
    start = 0
    for split, share in shares.items():
        end = start + round(share * len(ordered))
        held[split] = set(ordered[start:end])
        start = end
    return held


def split_strata(
    strata: Rows, names: Sequence[str], shares: Mapping[str, float], *, seed: int
) -> dict[str, Rows]:
    """Divides rows into training and held-out splits, each stratum alike.

    Of the n rows of a stratum, a split takes round(share x n), at least one. Which ones depends on
    (seed, name of the stratum, n) alone.

    Args:
        strata: `[N]`, the number of each row's stratum.
        names: of the strata, by their number.
        shares: `{split: share of the rows}`, of the splits that are held out.
        seed: another one gives another division.

    Returns:
        `{"train": rows, split: rows, ...}`, ascending.

    Raises:
        DataError: a stratum has fewer rows than there are splits.
    """
    parts: dict[str, list[Rows]] = {split: [] for split in ("train", *shares)}
    for stratum, name in enumerate(names):
        rows = np.flatnonzero(strata == stratum)
        if len(rows) < len(parts):
            raise DataError(
                f"{', '.join(parts)} each need a row of {name}; found {len(rows)} in all. "
                "Leave this task out of the data."
            )
        generator = torch.Generator().manual_seed(derive_seed(seed, "split", name))
        rows = rows[torch.randperm(len(rows), generator=generator).numpy()]
        ends = np.cumsum([max(1, round(share * len(rows))) for share in shares.values()])
        for split, part in zip([*shares, "train"], np.split(rows, ends), strict=True):
            parts[split].append(part)
    return {split: np.sort(np.concatenate(each)) for split, each in parts.items()}
