"""A dict of tensors that are cut from a few large ones when they are first read."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from typing import Any, NamedTuple

from torch import Tensor

from plait.core.names import PENDING, Names
from plait.core.numbers import Numbers


class Slices(NamedTuple):
    """Values of several names in one tensor.

    Attributes:
        whole: the tensor.
        axis: the axis of the names.
        names: in the order of the axis.
        owner: what has made the tensor, for those that go on with it as a whole.
    """

    whole: Tensor
    axis: int
    names: Names
    owner: Any = None


class LazyValues(dict[str, Tensor]):
    """`{name: tensor}`, with values that are cut from larger tensors when they are first read.

    To a reader it is a dict. To cut a value takes about a microsecond, which hundreds of tasks
    would pay in each step although nobody reads theirs.

    Args:
        values: `{name: tensor}` in order, with `PENDING` for those that `slices` hold; names alone
            where these hold all.
        slices: where these are; each name in one of them.

    Attributes:
        changed: whether a value was set or taken out, so that `slices` no longer tell all.

    Example:
        >>> import torch
        >>> values = LazyValues.of(Slices(torch.tensor([2.0, 3.0]), 0, Names("ab")))
        >>> list(values), values["b"]
        (['a', 'b'], tensor(3.))
    """

    changed = False

    def __init__(self, values: Mapping[str, Tensor] | Names, slices: Iterable[Slices] = ()) -> None:
        super().__init__(values.pending if isinstance(values, Names) else values)
        self._names = values if isinstance(values, Names) else None
        self.slices: Sequence[Slices] = tuple(slices)

    @classmethod
    def of(cls, slices: Slices) -> LazyValues:
        """Makes values that are all cut from one tensor, in its order."""
        return LazyValues(slices.names, [slices])

    @property
    def names(self) -> Names:
        """The names, in order."""
        return Names(self) if self.changed or self._names is None else self._names

    def __getitem__(self, name: str) -> Tensor:
        value = super().__getitem__(name)
        if value is PENDING:
            value = next(
                each.whole.select(each.axis, each.names.place[name])
                for each in self.slices
                if name in each.names.place
            )
            super().__setitem__(name, value)
        return value

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()  # overridden, so that `dict` and `**` copy by `__getitem__`

    def get(self, name: str, default: Any = None) -> Any:
        """Returns a value; the default if there is none."""
        try:
            return self[name]
        except KeyError:
            return default

    def values(self) -> ValuesView[Tensor]:  # type: ignore[override]
        """Returns all values."""
        self._cut()
        return super().values()

    def items(self) -> ItemsView[str, Tensor]:  # type: ignore[override]
        """Returns all names and values."""
        self._cut()
        return super().items()

    def copy(self) -> dict[str, Tensor]:
        """Returns a plain dict of the values."""
        return dict(self.items())

    def __or__(self, other: Any) -> Any:
        return {**self, **other} if isinstance(other, dict) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return {**other, **self} if isinstance(other, dict) else NotImplemented

    def __eq__(self, other: object) -> bool:
        return dict(self.items()) == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # as a dict

    def __repr__(self) -> str:
        return repr(dict(self.items()))

    def __setitem__(self, name: str, value: Tensor) -> None:
        self.changed = True
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        self.changed = True
        super().__delitem__(name)

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def pop(self, name: str, *default: Any) -> Any:
        """Takes a value out; the default if there is none."""
        self.changed = True
        self._cut()
        return super().pop(name, *default)

    def popitem(self) -> tuple[str, Tensor]:
        """Takes the last value out."""
        self.changed = True
        self._cut()
        return super().popitem()

    def clear(self) -> None:
        """Takes all values out."""
        self.changed = True
        super().clear()

    def update(self, *given: Any, **named: Tensor) -> None:
        """Sets values."""
        self.changed = True
        super().update(*given, **named)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Returns a value, which is set if there is none."""
        if name not in self:
            self[name] = default
        return self[name]

    def _cut(self) -> None:
        """Cuts all values that are not cut yet."""
        known = super().get
        for each in self.slices:
            if any(known(name) is PENDING for name in each.names):
                cut = zip(each.names, each.whole.unbind(each.axis), strict=True)
                super().update({name: one for name, one in cut if known(name) is PENDING})


def names_of(values: Iterable[str]) -> Names:
    """Returns names, or those of a mapping, in order: the ones that it keeps, if it does."""
    if isinstance(values, Names):
        return values
    return values.names if isinstance(values, LazyValues | Numbers) else Names(values)
