"""Numbers of a step that stay on the device until somebody reads them."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from plait.gradients import to_host

Key = tuple[str, str]  # what it is, and of which task or penalty


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
        self._parts: list[tuple[Key, float, Tensor]] = []
        self._values: dict[str, dict[str, float]] = {}

    def add(self, key: Key, value: Tensor, factor: float = 1.0) -> None:
        """Adds ``factor * value`` to the sum of a key; `value` is a scalar."""
        self._parts.append((key, factor, value.detach()))

    def read(self) -> dict[str, dict[str, float]]:
        """Returns the sums, `{what it is: {task or penalty: sum}}`, in double precision.

        The first call waits for the device.
        """
        if self._parts:
            read_together([self])
        return self._values


def read_together(many: Iterable[DeviceSums]) -> None:
    """Reads the scalars of many objects with one copy, which waits for the device once."""
    unread = [sums for sums in many if sums._parts]
    values = iter(to_host([value for sums in unread for _, _, value in sums._parts]))
    for sums in unread:
        for (kind, name), factor, _ in sums._parts:
            known = sums._values.setdefault(kind, {})
            known[name] = known.get(name, 0.0) + factor * float(next(values))
        sums._parts = []
