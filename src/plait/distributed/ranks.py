"""The ranks of a training: what several processes add up, agree on and hand out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed

from plait.core.errors import LostProcessError
from plait.core.real import as_like, as_real

T = TypeVar("T")
Rows = TypeVar("Rows", bound=Sequence[Any] | Tensor)


class Ranks:
    """The processes that train one model together, each with its own part of the data.

    With one process every call returns its input and costs nothing. With several, each call is a
    collective: all of them have to make the same calls in the same order, with as many numbers.
    Where another one has ended, or does not answer within the timeout of the group, it raises
    `LostProcessError`.

    What lies on a device is added up by the default process group. What the host knows goes between
    hosts, over the default group if its backend serves the CPU, else over a group of gloo that is
    made for it, so that nothing waits for a device.

    Args:
        size: the number of processes, at least 1.
        rank: the number of this one, from 0.
        group: of torch, by which tensors are added up and handed out; the default one for None.

    Example:
        >>> ALONE.size, ALONE.rank, ALONE.total([1.5, 2.0]), ALONE.agree(False)
        (1, 0, [1.5, 2.0], False)
    """

    def __init__(self, size: int = 1, rank: int = 0, group: Any = None) -> None:
        self.size = size
        self.rank = rank
        self.group = group
        self._hosts: Any = None  # the group between hosts, once it is known
        self._knows_hosts = False

    @property
    def alone(self) -> bool:
        """Whether there is one process only."""
        return self.size == 1

    @property
    def first(self) -> bool:
        """Whether this is rank 0, which writes files and shows what happens."""
        return self.rank == 0

    @property
    def own(self) -> tuple[int, ...]:
        """The rank, as a part of a seed by which processes draw other numbers; () at rank 0."""
        return (self.rank,) if self.rank else ()

    def part(self, rows: Rows) -> Rows:
        """Returns every W-th row from this rank on: each row is in the part of one process.

        Example:
            >>> Ranks(size=3, rank=1).part([10, 11, 12, 13, 14])
            [11, 14]
        """
        return rows if self.alone else cast(Rows, rows[self.rank :: self.size])

    def at_first(self, call: Callable[[], T]) -> T:
        """Calls at rank 0, and returns the result in every process.

        Cost: the result is pickled; the other processes wait, as long as their group does.

        Raises:
            Exception: what the call has raised, in every process.
        """
        if self.alone:
            return call()
        told: list[Any] = [None, None]
        if self.first:
            try:
                told[0] = call()
            except Exception as error:
                told[1] = error
        _exchange(distributed.broadcast_object_list, told, src=0, group=self._between_hosts())
        if told[1] is not None:
            raise told[1]
        return cast(T, told[0])

    def total(self, values: Sequence[float]) -> list[float]:
        """Returns the sums over all processes of numbers that the hosts know, in float64."""
        if self.alone or not values:
            return list(values)
        summed = torch.tensor(values, dtype=torch.float64)
        _exchange(distributed.all_reduce, summed, group=self._between_hosts())
        return cast(list[float], summed.tolist())

    def table(self, values: Sequence[float]) -> list[list[float]]:
        """Returns the numbers that each host knows, as many of each, in the order of the ranks."""
        if self.alone:
            return [list(values)]
        rows = torch.zeros(self.size, len(values), dtype=torch.float64)
        rows[self.rank] = torch.tensor(values, dtype=torch.float64)
        _exchange(distributed.all_reduce, rows, group=self._between_hosts())
        return cast(list[list[float]], rows.tolist())

    def agree(self, flag: bool) -> bool:
        """Returns whether the flag is set in any process."""
        return flag if self.alone else self.total([float(flag)])[0] > 0

    def highest(self, value: float) -> float:
        """Returns the highest of the numbers that the hosts know."""
        if self.alone:
            return value
        return float(self.most(torch.tensor([value], dtype=torch.float64))[0])

    def most(self, values: Tensor) -> Tensor:
        """Returns the largest values over all processes, entry by entry, of a tensor on the CPU."""
        if not self.alone and values.numel():
            values = values.clone()
            operation = distributed.ReduceOp.MAX
            _exchange(distributed.all_reduce, values, operation, group=self._between_hosts())
        return values

    def gather(self, value: Any) -> list[Any]:
        """Returns the objects of all processes, in the order of the ranks.

        Cost: they are pickled; for what is seldom said, such as names.
        """
        if self.alone:
            return [value]
        found: list[Any] = [None] * self.size
        _exchange(distributed.all_gather_object, found, value, group=self._between_hosts())
        return found

    def union(self, names: Iterable[str]) -> list[str]:
        """Returns the names of all processes, each once: those of rank 0 first."""
        return list(dict.fromkeys(name for each in self.gather(list(names)) for name in each))

    def sum(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Returns the sums over all processes of dense tensors, which stay as they are.

        One collective for each dtype and device: the tensors go as one flat vector.
        """
        if self.alone:
            return list(tensors)
        real = [as_real(each.detach()) for each in tensors]
        summed: list[Tensor | None] = [None] * len(real)
        for places in _alike(real):
            flat = torch.cat([real[place].reshape(-1) for place in places])
            if flat.numel():
                _exchange(distributed.all_reduce, flat, group=self.group)
            for place, part in zip(places, _parts(flat, real, places), strict=True):
                summed[place] = as_like(part, tensors[place])
        return [each for each in summed if each is not None]

    def sum_(self, tensor: Tensor) -> None:
        """Adds up a dense real tensor over all processes, in its place."""
        if self.alone or not tensor.numel():
            return
        if tensor.is_contiguous():
            _exchange(distributed.all_reduce, tensor, group=self.group)
            return
        whole = tensor.contiguous()
        _exchange(distributed.all_reduce, whole, group=self.group)
        tensor.copy_(whole)

    def broadcast_(self, tensors: Iterable[Tensor]) -> None:
        """Gives dense tensors the values that they have at rank 0, in their place."""
        if self.alone:
            return
        real = [as_real(each.detach()) for each in tensors]
        for places in _alike(real):
            flat = torch.cat([real[place].reshape(-1) for place in places])
            if flat.numel():
                _exchange(distributed.broadcast, flat, src=0)
            for place, part in zip(places, _parts(flat, real, places), strict=True):
                real[place].copy_(part.view(real[place].shape))

    def _between_hosts(self) -> Any:
        """Returns the group for what the hosts know; None for the default one."""
        if not self._knows_hosts:
            if "cpu:" not in distributed.get_backend_config():
                self._hosts = distributed.new_group(backend="gloo")
            self._knows_hosts = True
        return self._hosts


def _exchange(collective: Callable[..., Any], *given: Any, **options: Any) -> None:
    """Runs a collective.

    Raises:
        LostProcessError: it has failed, which another process is mostly the reason of.
    """
    try:
        collective(*given, **options)
    except RuntimeError as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        way = ""
        if "timed out" in reason.lower():
            way = (
                ". If it is at work, such as rank 0 at a long evaluation, give it more time: "
                "`--timeout SECONDS`, or `plait.distributed.joined(timeout=SECONDS)`"
            )
        raise LostProcessError(
            "another process of this training has ended or does not answer, and this one cannot "
            f"go on without it. Look for its error; found {reason}{way}"
        ) from error


ALONE = Ranks()
"""The one process of a training that has no other."""

_known: tuple[Any, Ranks] = None, ALONE


def ranks() -> Ranks:
    """Returns the ranks of the default process group; `ALONE` without one, in a microsecond.

    The same object is returned for as long as the group lives.

    Example:
        >>> ranks() is ALONE
        True
    """
    global _known
    if not (distributed.is_available() and distributed.is_initialized()):
        return ALONE
    size = distributed.get_world_size()
    if size == 1:
        return ALONE
    group = distributed.group.WORLD
    if _known[0] is not group:
        _known = group, Ranks(size, distributed.get_rank())
    return _known[1]


def _alike(tensors: Sequence[Tensor]) -> list[list[int]]:
    """Returns the places of tensors by dtype and device, in the order of their first ones."""
    found: dict[tuple[torch.dtype, torch.device], list[int]] = {}
    for place, each in enumerate(tensors):
        found.setdefault((each.dtype, each.device), []).append(place)
    return list(found.values())


def _parts(flat: Tensor, tensors: Sequence[Tensor], places: Sequence[int]) -> Sequence[Tensor]:
    return torch.split(flat, [tensors[place].numel() for place in places])
