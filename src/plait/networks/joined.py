"""Like parameters of several tasks in one storage, which an optimizer moves as one tensor."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.weak import TensorWeakRef

from plait.core.errors import PlaitWarning


class Joined:
    """Keeps like parameters of several tasks in one storage, as the rows of one tensor.

    Each part stays the parameter that it was, in its module and under its name: whoever reads or
    writes it in place reads or writes its row. An optimizer holds `whole` in their place, so that
    it takes one step for all of them. Gradients that reach a part are gathered in `whole.grad`,
    and the `.grad` of a part is None.

    Args:
        parts: `{task: parameter}`, at least one, of one shape, dtype and device.
        undo: ends the joining that this is of; see `plait.join_heads`.

    Attributes:
        whole: the parameter `[T, *shape]`; it is registered in no module.
        parts: the parameters, in the order of the rows.
        tasks: names of their tasks.
        place: `{task: row}`.
        present: the rows that the gradient in `whole.grad` is of; None if it is of all. The others
            are 0, and an optimizer that steps by row leaves them out.

    Example:
        >>> weights = {task: nn.Parameter(torch.zeros(2)) for task in ("a", "b")}
        >>> joined = Joined(weights)
        >>> with torch.no_grad():
        ...     _ = weights["b"].fill_(3.0)
        >>> joined.whole.tolist()
        [[0.0, 0.0], [3.0, 3.0]]
    """

    def __init__(
        self, parts: Mapping[str, nn.Parameter], undo: Callable[[], None] | None = None
    ) -> None:
        self.tasks = tuple(parts)
        self.parts = tuple(parts.values())
        self.place = {task: row for row, task in enumerate(self.tasks)}
        self.undo = undo or self.split
        self.present: set[int] | None = None
        self.keeps = False
        self._known: TensorWeakRef | None = None  # the gradient that `present` tells of
        self.whole = nn.Parameter(torch.stack([part.detach() for part in self.parts]))
        self.whole.joined = self  # type: ignore[attr-defined]
        for row, part in enumerate(self.parts):
            part.joined_at = Row(self, row)  # type: ignore[attr-defined]
        self._hooks = [
            part.register_post_accumulate_grad_hook(_take)  # type: ignore[no-untyped-call]
            for part in self.parts
        ]
        self._tie()
        found = [(row, part.grad) for row, part in enumerate(self.parts) if part.grad is not None]
        if found:
            self.add(*zip(*found, strict=True))
        for part in self.parts:
            part.grad = None

    def add(self, rows: Sequence[int], gradients: Sequence[Tensor]) -> None:
        """Adds gradients of parts to those of the whole.

        Args:
            rows: of the parts; a row may come several times.
            gradients: one for each of them, in the shape of a part.
        """
        if not self.intact():
            self.gather()
        found, whole = torch.stack(list(gradients)), self.whole
        if whole.grad is None and list(rows) == list(range(len(self.parts))):
            whole.grad = found
        else:
            if whole.grad is None:
                whole.grad = torch.zeros_like(whole)
            whole.grad.index_add_(0, torch.tensor(rows, device=found.device), found)
        self.arrive(rows)

    def arrive(self, rows: Iterable[int] | None) -> None:
        """Notes of which rows `whole.grad` has a gradient; call it when one was written.

        They replace those of a gradient that is no more, and come to those of one that is there.

        Args:
            rows: of the gradient that was written or added; None for all.
        """
        grad, known = self.whole.grad, self._known
        before = self.present if known is not None and known() is grad else set()
        if rows is None or before is None:
            self.present = None
        else:
            found = before.union(rows)
            self.present = None if len(found) == len(self.parts) else found
        self._known = None if grad is None else TensorWeakRef(grad)

    def gradient(self, row: int) -> Tensor | None:
        """Returns the gradient of a part, a view; None if none has arrived."""
        grad = self.whole.grad
        if grad is None or not (self.present is None or row in self.present):
            return None
        return grad[row]

    def intact(self) -> bool:
        """Returns whether the parts are the rows still, by the first and the last of them.

        They are not once a module was moved to another device or dtype.
        """
        whole, last = self.whole, self.parts[-1]
        offset = (len(self.parts) - 1) * last.numel() * whole.element_size()
        start = whole.data_ptr()
        return self.parts[0].data_ptr() == start and last.data_ptr() == start + offset

    def gather(self) -> None:
        """Makes the parts the rows again, with the values, device and dtype that they have now."""
        grad, self.whole.grad = self.whole.grad, None
        self.whole.data = torch.stack([part.detach() for part in self.parts])
        if grad is not None:
            self.whole.grad = grad.to(self.whole)
            self._known = TensorWeakRef(self.whole.grad)
        self._tie()

    def moved(self) -> None:
        """Tells autograd that the parts have changed, since the whole was changed in place.

        A graph that was kept from before cannot be differentiated then, as is usual.
        """
        torch.autograd.graph.increment_version(self.parts)

    def split(self) -> None:
        """Gives each part storage of its own again, and the gradient of its row.

        Warns of a part that was given another tensor in between, and was not trained from then on,
        and of one that was frozen in between, which goes on learning in the whole.
        """
        self._tell_replaced()
        self._tell_frozen()
        for hook in self._hooks:
            hook.remove()
        for row, part in enumerate(self.parts):
            gradient = self.gradient(row)
            part.data = part.data.clone()
            part.grad = None if gradient is None else gradient.clone()
            del part.joined_at  # type: ignore[attr-defined]
        del self.whole.joined  # type: ignore[attr-defined]

    def _tell_replaced(self) -> None:
        if not self.intact():
            return  # all were moved together
        pairs = zip(self.tasks, self.parts, self.whole.data.unbind(), strict=True)
        found = [task for task, part, row in pairs if part.data_ptr() != row.data_ptr()]
        if found:
            warnings.warn(
                f"a parameter of task {found[0]!r} was given another tensor while the heads were "
                "joined, and was not trained from then on. Write new values in place, such as "
                "by `copy_` or `load_state_dict`.",
                PlaitWarning,
                stacklevel=2,
            )

    def _tell_frozen(self) -> None:
        learn = [part.requires_grad for part in self.parts]
        if not all(learn):
            warnings.warn(
                f"a parameter of task {self.tasks[learn.index(False)]!r} was frozen while the "
                "heads were joined, and has learned on. Freeze heads by `model.freeze`, which "
                "takes them apart.",
                PlaitWarning,
                stacklevel=2,
            )

    def _tie(self) -> None:
        for part, row in zip(self.parts, self.whole.data.unbind(), strict=True):
            part.data = row

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """A copy of a parameter, in memory or in a file, is joined to nothing."""
        return type(None), ()


class Row(NamedTuple):
    """The place of a part in its whole.

    Attributes:
        joined: what it is a part of.
        number: of its row.
    """

    joined: Joined
    number: int

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """As of `Joined`."""
        return type(None), ()


def row_of(parameter: Tensor) -> Row | None:
    """Returns the place of a parameter that is a part; None of any other."""
    found: Row | None = getattr(parameter, "joined_at", None)
    return found


def joined_of(parameter: Tensor) -> Joined | None:
    """Returns the parts and rows of a parameter that is a whole; None of any other."""
    found: Joined | None = getattr(parameter, "joined", None)
    return found


def held(parameter: Tensor) -> Tensor:
    """Returns the tensor that an optimizer holds for a parameter: its whole, or itself."""
    row = row_of(parameter)
    return parameter if row is None else row.joined.whole


def gradient_of(parameter: Tensor) -> Tensor | None:
    """Returns the gradient of a parameter, that of its row if it is a part; None without one."""
    row = row_of(parameter)
    return parameter.grad if row is None else row.joined.gradient(row.number)


def _take(part: Tensor) -> None:
    """Takes the gradient that a plain backward pass has written to a part."""
    gradient, row = part.grad, row_of(part)
    if gradient is not None and row is not None and not row.joined.keeps:
        part.grad = None
        row.joined.add([row.number], [gradient])


@contextmanager
def staying(parameters: Iterable[Tensor]) -> Iterator[None]:
    """Lets plain backward passes leave the gradients of parts in the `.grad` of the parts."""
    found: set[Any] = {row.joined for each in parameters if (row := row_of(each)) is not None}
    for joined in found:
        joined.keeps = True
    try:
        yield
    finally:
        for joined in found:
            joined.keeps = False
