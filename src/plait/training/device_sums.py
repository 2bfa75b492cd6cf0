"""Numbers of a step that stay on the device until somebody reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from plait.core.lazy_values import names_of
from plait.core.names import Names
from plait.core.numbers import NO_NUMBERS, Numbers
from plait.core.outputs import Losses
from plait.distributed import Ranks
from plait.gradients import to_host

Key = tuple[str, str]  # what it is, and of which task or penalty


class _Part(NamedTuple):
    kind: str  # what they are
    names: Names
    factors: Sequence[float] | None  # 1 if None
    values: Sequence[Tensor]  # a scalar for each name, or one vector


class DeviceSums:
    """Sums of scalars by key, which are copied to the host on first use.

    Reading waits for the device; `read_together` waits once for many.

    Example:
        >>> import torch
        >>> sums = DeviceSums()
        >>> sums.add(("loss", "a"), torch.tensor(2.0), 0.5)
        >>> sums.add(("loss", "a"), torch.tensor(4.0), 0.25)
        >>> sums.read()
        {'loss': {'a': 2.0}}
    """

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._sums: dict[str, Numbers] = {}
        self._by_name: dict[str, dict[str, float]] = {}

    def add(self, key: Key, value: Tensor, factor: float = 1.0) -> None:
        """Adds ``factor * value`` to the sum of a key; `value` is a scalar."""
        kind, name = key
        self._parts.append(_Part(kind, Names((name,)), (factor,), [value.detach()]))

    def add_losses(self, losses: Losses, factors: Mapping[str, float] | None = None) -> None:
        """Adds `raw` losses to the sums of ("loss", task).

        Args:
            losses: of the tasks present.
            factors: `{task: factor}` of each; 1 by default.
        """
        whole, names = losses.stacked_raw, names_of(losses.raw)
        each = losses.raw.values() if whole is None else [whole]
        own = None if factors is None else names.of(factors)
        if names:
            self._parts.append(_Part("loss", names, own, [value.detach() for value in each]))

    def add_vector(self, kind: str, names: Names, values: Tensor) -> None:
        """Adds the entries of a vector to the sums of (kind, name)."""
        self._parts.append(_Part(kind, names, None, [values.detach()]))

    def add_up(
        self, here: Ranks, tasks: Iterable[str], terms: Iterable[str], device: torch.device
    ) -> None:
        """Adds losses and penalties up over all processes; in one, does nothing.

        Args:
            here: the processes, which exchange one vector.
            tasks: with a loss in any of them, in one order.
            terms: the penalties of all of them, in one order.
            device: of the training.
        """
        if here.alone:
            return
        parts, self._parts = self._parts, []
        names = {"loss": Names(tasks), "term": Names(terms), "scaled term": Names(terms)}
        sums = {
            kind: torch.zeros(len(n), dtype=torch.float64, device=device)
            for kind, n in names.items()
        }
        for kind, own, factors, values in parts:
            vector = torch.cat([value.double().reshape(-1) for value in values])
            if factors is not None:
                vector = vector * vector.new_tensor(factors)
            places = torch.tensor([names[kind].place[each] for each in own], device=device)
            sums[kind].index_add_(0, places, vector)
        for (kind, each), total in zip(names.items(), here.sum([*sums.values()]), strict=True):
            if each:
                self.add_vector(kind, each, total)

    def read(self) -> dict[str, dict[str, float]]:
        """Returns the sums, `{what it is: {task or penalty: sum}}`, in double precision.

        The first call waits for the device.
        """
        if self._parts:
            read_together([self])
        if len(self._by_name) < len(self._sums):
            self._by_name = {kind: numbers.plain() for kind, numbers in self._sums.items()}
        return self._by_name

    def numbers(self, kind: str) -> Numbers:
        """Returns the sums of one kind as an array; it waits as `read` does."""
        if self._parts:
            read_together([self])
        return self._sums.get(kind, NO_NUMBERS)


def read_together(many: Iterable[DeviceSums]) -> None:
    """Reads the scalars of many objects with one copy, which waits for the device once."""
    unread = [sums for sums in many if sums._parts]
    found = iter(
        to_host([value for sums in unread for part in sums._parts for value in part.values])
    )
    for sums in unread:
        for kind, names, factors, values in sums._parts:
            array = np.concatenate([next(found).reshape(-1) for _ in values])
            part = Numbers(names, array if factors is None else array * np.array(factors))
            known = sums._sums.get(kind)
            sums._sums[kind] = part if known is None else known.plus(part)
        sums._parts, sums._by_name = [], {}
