"""Shared parameters, and the columns of their gradients in a row."""

from __future__ import annotations

import copy
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import TensorWeakRef, WeakTensorKeyDictionary

from plait.core.real import real_count, real_dtype
from plait.core.shards import is_shard, local


class Layout:
    """Knows the columns of J, and the task that owns each of the other parameters.

    A parameter that two tasks reach, in any steps so far, is shared and has columns; the others
    belong to the task that reaches them. A complex number has two columns, its real and its
    imaginary part. No parameter is kept alive.

    Args:
        given: shared parameters that the caller names; None finds them.
        known: shared parameters that were found earlier, in the order of their columns.
        owners: `(parameter, task)` of the others that were found earlier.

    Attributes:
        width: the number of columns, P; 0 while nothing is shared. A sharded parameter has columns
            for the part that this process holds.
        sharded, whole: the columns of sharded parameters, and those of all others, in as few slices
            as can be.
        dtype: of a row, the widest of the shared parameters'; None while nothing is shared.
        device: of the shared parameters; None while nothing is shared.
    """

    def __init__(
        self,
        given: Sequence[Tensor] | None = None,
        known: Iterable[Tensor] = (),
        owners: Iterable[tuple[Tensor, str]] = (),
    ) -> None:
        self.given = None if given is None else list(given)
        self._owners: MutableMapping[Tensor, str] = WeakTensorKeyDictionary()
        for parameter, task in owners:
            self._owners[parameter] = task
        self._lay_out(known if self.given is None else self.given)

    @property
    def shared(self) -> list[Tensor]:
        """The shared parameters that are still there, in the order of their columns."""
        return [parameter for each in self._shared if (parameter := each()) is not None]

    @property
    def a_shard(self) -> Tensor:
        """The first sharded parameter; the same processes hold the parts of all of them."""
        return next(parameter for parameter in self.shared if is_shard(parameter))

    @property
    def owners(self) -> list[tuple[Tensor, str]]:
        """`(parameter, task)` of the parameters that one task alone has reached so far."""
        return [(p, task) for p, task in self._owners.items() if p not in self]

    def __contains__(self, parameter: Tensor) -> bool:
        known = self._columns.get(id(parameter))
        return known is not None and known[0]() is parameter  # an id may be that of one now gone

    def __deepcopy__(self, memo: dict[int, Any]) -> Layout:
        """Copied with its model, it knows the parameters of the copy."""
        return Layout(*copy.deepcopy((self.given, self.shared, self.owners), memo))

    def columns(self, parameter: Tensor) -> slice:
        """Returns the columns of a parameter that is shared."""
        return self._columns[id(parameter)][1]

    def meet(self, parameter: Tensor, tasks: Iterable[str]) -> bool:
        """Notes that `tasks` reach a parameter; returns whether it is shared."""
        if parameter in self:
            return True
        if self.given is None:
            for task in tasks:
                if self._owners.setdefault(parameter, task) != task:
                    self._add(parameter)
                    return True
        return False

    def prune(self) -> bool:
        """Gives up the columns of parameters that are gone; returns whether there were any."""
        alive = self.shared
        if len(alive) < len(self._shared):
            self._lay_out(alive)
            return True
        return False

    def _lay_out(self, parameters: Iterable[Tensor]) -> None:
        self._shared: list[TensorWeakRef] = []
        self._columns: dict[int, tuple[TensorWeakRef, slice]] = {}
        self.sharded: list[slice] = []
        self.whole: list[slice] = []
        self.width = 0
        self.dtype: torch.dtype | None = None
        self.device: torch.device | None = None
        for parameter in parameters:
            if parameter not in self:
                self._add(parameter)

    def _add(self, parameter: Tensor) -> None:
        start, self.width = self.width, self.width + real_count(local(parameter))
        self._shared.append(TensorWeakRef(parameter))
        self._columns[id(parameter)] = (self._shared[-1], slice(start, self.width))
        alike = self.sharded if is_shard(parameter) else self.whole
        joins = bool(alike) and alike[-1].stop == start
        alike.append(slice(alike.pop().start if joins else start, self.width))
        self.dtype = real_dtype([parameter], self.dtype or parameter.dtype.to_real())
        self.device = parameter.device
