"""The batches that one optimizer step reads: micro-batches, independent batches, or both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from plait.balancing.base import Balancer
from plait.core.batch import Batch
from plait.core.errors import DataError


def windows(
    batches: Iterator[Batch], accumulate: int, balancer: Balancer, *, used: int = 0
) -> Iterator[list[Batch]]:
    """Yields the batches of each step of an epoch: ``accumulate x balancer.batches``.

    The last step may have fewer micro-batches, but a method that reads several independent batches
    leaves out what does not fill a step.

    Args:
        batches: of the epoch.
        accumulate: micro-batches in a step, at least 1.
        balancer: the method.
        used: how many batches of the epoch earlier steps have read.

    Raises:
        DataError: the whole epoch has fewer batches than one step needs.
    """
    size = accumulate * balancer.batches
    while window := list(islice(batches, size)):
        if len(window) == size or balancer.batches == 1:
            yield window
        elif not used:
            raise _too_few(len(window), size, balancer)
        used += len(window)


def steps_per_epoch(batches: int, accumulate: int, balancer: Balancer) -> int:
    """Returns the optimizer steps in an epoch of so many batches.

    Args:
        batches: in an epoch.
        accumulate: micro-batches in a step, at least 1.
        balancer: the method.

    Raises:
        DataError: an epoch has fewer batches than one step needs.

    Example:
        >>> from plait.balancing import Equal
        >>> steps_per_epoch(5, 2, Equal())
        3
    """
    if balancer.batches == 1:
        return -(-batches // accumulate)
    size = accumulate * balancer.batches
    if batches < size:
        raise _too_few(batches, size, balancer)
    return batches // size


def _too_few(batches: int, size: int, balancer: Balancer) -> DataError:
    return DataError(
        f"{type(balancer).__name__} reads {balancer.batches} independent batches in a step, "
        f"{size} with `accumulate`, but an epoch has {batches}. Use smaller batches."
    )
