"""Names in an order, made once for all steps of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

PENDING: Any = object()  # in the place of a value that is not cut yet


class Names(tuple[str, ...]):
    """Names in an order; where each of them is, is worked out once and kept.

    A tuple to every reader. Hundreds of names cost a step microseconds for each pass of Python over
    them, so what a step needs of them is made from the same object in all steps.

    Example:
        >>> names = Names(["a", "b"])
        >>> names == ("a", "b"), names.place, names.of({"b": 2, "c": 3, "a": 1})
        (True, {'a': 0, 'b': 1}, (1, 2))
    """

    @cached_property
    def place(self) -> Mapping[str, int]:
        """`{name: position}`."""
        return {name: position for position, name in enumerate(self)}

    @cached_property
    def pending(self) -> dict[str, Any]:
        """`{name: PENDING}`, to be copied."""
        return dict.fromkeys(self, PENDING)

    @cached_property
    def _read(self) -> itemgetter[Any]:
        return itemgetter(*self)

    def of(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """Returns the values of the names, in their order.

        Raises:
            KeyError: there is no value of a name.
        """
        if len(self) < 2:  # `itemgetter` returns no tuple
            return [values[name] for name in self]
        found: Sequence[Any] = self._read(values)
        return found
