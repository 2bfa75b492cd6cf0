"""A dict of tensors that are cut from a few large ones when they are first read."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from typing import Any, NamedTuple, cast

from torch import Tensor

PENDING = cast(Tensor, object())  # in the place of a value that is not cut yet


class Slices(NamedTuple):
    """Values of several names in one tensor.

    Attributes:
        whole: the tensor.
        axis: the axis of the names.
        places: `{name: position on the axis}`.
        owner: what has made the tensor, for those that go on with it as a whole.
    """

    whole: Tensor
    axis: int
    places: Mapping[str, int]
    owner: Any = None


class LazyValues(dict[str, Tensor]):
    """`{name: tensor}`, with values that are cut from larger tensors when they are first read.

    To a reader it is a dict. To cut a value takes about a microsecond, which hundreds of tasks
    would pay in each step although nobody reads theirs.

    Args:
        values: `{name: tensor}` in order, with `PENDING` for those that `slices` hold.
        slices: where these are; each name in one of them.

    Attributes:
        changed: whether a value was set or taken out, so that `slices` no longer tell all.

    Example:
        >>> import torch
        >>> names = {"a": 0, "b": 1}
        >>> values = LazyValues.of(names, Slices(torch.tensor([2.0, 3.0]), 0, names))
        >>> list(values), values["b"]
        (['a', 'b'], tensor(3.))
    """

    changed = False

    def __init__(
        self, values: Mapping[str, Tensor] | None = None, slices: Iterable[Slices] = ()
    ) -> None:
        super().__init__(values or {})
        self.slices: Sequence[Slices] = tuple(slices)

    @classmethod
    def of(cls, names: Iterable[str], slices: Slices) -> LazyValues:
        """Makes values that are all cut from one tensor."""
        return LazyValues(dict.fromkeys(names, PENDING), [slices])

    def __getitem__(self, name: str) -> Tensor:
        value = super().__getitem__(name)
        if value is PENDING:
            value = next(
                each.whole.select(each.axis, each.places[name])
                for each in self.slices
                if name in each.places
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
            waiting = [name for name in each.places if known(name) is PENDING]
            if waiting:
                cut = each.whole.unbind(each.axis)
                super().update({name: cut[each.places[name]] for name in waiting})
