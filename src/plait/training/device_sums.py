"""Numbers of a step that stay on the device until somebody reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor

from plait.core.outputs import Losses
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
        self._parts: list[tuple[Sequence[Key], Sequence[float], Tensor]] = []
        self._values: dict[str, dict[str, float]] = {}

    def add(self, key: Key, value: Tensor, factor: float = 1.0) -> None:
        """Adds ``factor * value`` to the sum of a key; `value` is a scalar."""
        self._parts.append(((key,), (factor,), value.detach()))

    def add_losses(self, losses: Losses, factors: Mapping[str, float] | None = None) -> None:
        """Adds `raw` losses to the sums of ("loss", task).

        Args:
            losses: of the tasks present.
            factors: `{task: factor}` of each; 1 by default.
        """
        whole = losses.stacked_raw
        if whole is None:
            for task, loss in losses.raw.items():
                self.add(("loss", task), loss, 1.0 if factors is None else factors[task])
            return
        each = [1.0] * len(whole) if factors is None else [factors[task] for task in losses.raw]
        self._parts.append(([("loss", task) for task in losses.raw], each, whole.detach()))

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
        for keys, factors, _ in sums._parts:
            found = next(values).reshape(-1).tolist()
            for (kind, name), factor, value in zip(keys, factors, found, strict=True):
                known = sums._values.setdefault(kind, {})
                known[name] = known.get(name, 0.0) + factor * value
        sums._parts = []
