"""Counts how often a program would wait for a device, on a machine that has none."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

# What hands numbers to Python, and what has a size that depends on numbers
READS = {
    Tensor.__bool__,
    Tensor.__float__,
    Tensor.__int__,
    Tensor.__index__,
    Tensor.__contains__,
    Tensor.__array__,
    Tensor.cpu,
    Tensor.equal,
    Tensor.item,
    Tensor.nonzero,
    Tensor.numpy,
    Tensor.tolist,
    Tensor.unique,
    torch.equal,
    torch.is_nonzero,
    torch.nonzero,
    torch.unique,
}
# Without `device=` they make tensors of the host on every machine
FACTORIES = {
    torch.arange,
    torch.as_tensor,
    torch.empty,
    torch.eye,
    torch.full,
    torch.ones,
    torch.randperm,
    torch.tensor,
    torch.zeros,
}


class Reads(TorchFunctionMode):
    """Counts reads of tensors that would lie on a device.

    Those of the host are: copies by `cpu`, what is made without a `device`, and what is computed
    from these alone. All others would lie on the device, and each read of one counts.

    Attributes:
        count: reads so far.
        names: what read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self._host = WeakTensorKeyDictionary()

    @property
    def count(self) -> int:
        return len(self.names)

    def __enter__(self) -> Self:
        self._from_numpy = torch.from_numpy  # no mode sees it
        torch.from_numpy = self._of_array
        super().__enter__()
        return self

    def __exit__(self, *given: Any) -> None:
        torch.from_numpy = self._from_numpy
        super().__exit__(*given)

    def _of_array(self, array: np.ndarray) -> Tensor:
        made: Tensor = self._from_numpy(array)
        self._host[made] = True
        return made

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        given = list(_tensors((args, dict(kwargs))))
        on_host = bool(given) and all(each in self._host for each in given)
        if function is Tensor.to and kwargs.get("non_blocking"):  # a batch goes to the device
            return function(*args, **kwargs).detach()
        copies = function is Tensor.cpu or (function is Tensor.to and _to_cpu(args, kwargs))
        if (function in READS or copies) and not on_host:
            self.names.append(function.__name__)
        result = function(*args, **kwargs)
        if copies and isinstance(result, Tensor) and not on_host:
            result = result.detach().clone()
        makes = function in FACTORIES and kwargs.get("device") is None and not given
        if on_host or copies or makes:
            for each in _tensors(result):
                self._host[each] = True
        return result


def _to_cpu(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """A device that is no string is that of another tensor."""
    return "cpu" in [each for each in (*args[1:], kwargs.get("device")) if isinstance(each, str)]


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
