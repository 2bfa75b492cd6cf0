"""The labels of many tasks, a column of one matrix each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby

import torch
from torch import Tensor

FEWEST = 8  # like columns that are worth a matrix


class Layout:
    """The column of each task, shared by all tables that are cut from one.

    Args:
        names: of the tasks, in order.
        groups: the names of each matrix, in the order of its columns.
    """

    def __init__(self, names: Iterable[str], groups: Iterable[Iterable[str]]) -> None:
        self.names = tuple(names)
        self.groups = tuple(map(tuple, groups))

    @cached_property
    def place(self) -> dict[str, tuple[int, int]]:
        """`{task: (number of its matrix, number of its column)}`."""
        return {
            name: (number, column)
            for number, group in enumerate(self.groups)
            for column, name in enumerate(group)
        }


class LabelTable(Mapping[str, Tensor]):
    """`{task: labels [B, ...]}`, whose like labels are cut, moved and counted as one tensor.

    Read by task it is a mapping as any other; the labels of a task are a view of its column, so
    that what is written to them is in the table.

    Args:
        layout: where the column of each task is.
        matrices: for each group of the layout `[B, T, ...]`, T its tasks.

    Example:
        >>> labels = {name: torch.full((3,), number) for number, name in enumerate("abcdefgh")}
        >>> table = LabelTable.of({**labels, "z": torch.zeros(3, 2)}, labels)
        >>> [list(matrix.shape) for matrix in table.matrices]
        [[3, 8], [3, 1, 2]]
        >>> table.cut(torch.tensor([0, 2]))["c"]
        tensor([2, 2])
    """

    def __init__(self, layout: Layout, matrices: Sequence[Tensor]) -> None:
        self.layout = layout
        self.matrices = tuple(matrices)

    @classmethod
    def of(cls, targets: Mapping[str, Tensor], joined: Collection[str]) -> Mapping[str, Tensor]:
        """Copies like columns into matrices.

        Args:
            targets: `{task: labels [N, ...]}`.
            joined: the tasks whose labels may share a matrix, those of equal shape and dtype, if
                they are at least 8, of no more than two axes; others keep their tensor.

        Returns:
            A table; `targets` itself if no labels can share a matrix.
        """
        alike: dict[object, list[str]] = {}
        for name, labels in targets.items():
            whole = type(labels) is Tensor and labels.layout == torch.strided
            like = name in joined and whole and labels.dim() <= 2 and not labels.requires_grad
            key = (labels.shape, labels.dtype, labels.device) if like else name
            alike.setdefault(key, []).append(name)
        if max(map(len, alike.values()), default=0) < FEWEST:
            return targets
        groups = [
            part
            for group in alike.values()
            for part in ([group] if len(group) >= FEWEST else [[name] for name in group])
        ]
        matrices = [
            targets[names[0]].unsqueeze(1)
            if len(names) == 1
            else torch.stack([targets[name] for name in names], dim=1)
            for names in groups
        ]
        return cls(Layout(targets, groups), matrices)

    def __getitem__(self, name: str) -> Tensor:
        matrix, column = self.layout.place[name]
        return self.matrices[matrix].select(1, column)

    def __contains__(self, name: object) -> bool:
        return name in self.layout.place

    def __iter__(self) -> Iterator[str]:
        return iter(self.layout.names)

    def __len__(self) -> int:
        return len(self.layout.names)

    def __repr__(self) -> str:
        shapes = ", ".join(str(list(each.shape)) for each in self.matrices)
        return f"{type(self).__name__}({len(self)} tasks in {shapes})"

    @property
    def examples(self) -> int:
        """The number of rows; 0 without a task."""
        return len(self.matrices[0]) if self.matrices else 0

    @property
    def size(self) -> int:
        """The number of entries of all labels."""
        return sum(matrix.numel() for matrix in self.matrices)

    def columns(self, names: Iterable[str]) -> Tensor | None:
        """Returns the labels of some tasks as one tensor `[B, n, ...]`.

        Without a copy if the tasks are those of a matrix, in its order.

        Args:
            names: of n tasks, at least one.

        Returns:
            The labels; None if they are not in one matrix, having several shapes or dtypes.
        """
        names = tuple(names)
        if names in self.layout.groups:
            return self.matrices[self.layout.groups.index(names)]
        places = [self.layout.place[name] for name in names]
        number, _ = places[0]
        if any(matrix != number for matrix, _ in places):
            return None
        return _chosen(self.matrices[number], [column for _, column in places])

    def cut(self, rows: Tensor) -> LabelTable:
        """Returns the rows of some numbers `[B]`, copied."""
        return LabelTable(self.layout, [each.index_select(0, rows) for each in self.matrices])

    def only(self, names: Iterable[str]) -> LabelTable:
        """Returns the table of some of the tasks, in the order of their names."""
        layout = self.layout
        names = tuple(names)
        if names == layout.names:
            return self
        wanted = set(names)
        groups: list[tuple[str, ...]] = []
        matrices: list[Tensor] = []
        for group, matrix in zip(layout.groups, self.matrices, strict=True):
            columns = [column for column, name in enumerate(group) if name in wanted]
            if columns:
                whole = len(columns) == len(group)
                groups.append(group if whole else tuple(group[column] for column in columns))
                matrices.append(matrix if whole else _chosen(matrix, columns))
        return LabelTable(Layout(names, groups), matrices)

    def to(self, device: torch.device | str) -> LabelTable:
        """Returns the table on a device."""
        return LabelTable(
            self.layout, [each.to(device, non_blocking=True) for each in self.matrices]
        )


def cut(labels: Mapping[str, Tensor], rows: Tensor) -> Mapping[str, Tensor]:
    """Returns the rows of some numbers `[B]` of the labels of each task, copied."""
    if isinstance(labels, LabelTable):
        return labels.cut(rows)
    return {task: each.index_select(0, rows) for task, each in labels.items()}


def below(tables: Sequence[LabelTable]) -> Iterator[tuple[str, Tensor]]:
    """Yields (task, labels) of tables that stand one below the other, in their order.

    Once for each task; once more where its labels have another shape or dtype than above.
    """
    columns: dict[str, list[Tensor]] = {}
    for layout, run in groupby(tables, key=lambda table: table.layout):
        matrices = zip(*(table.matrices for table in run), strict=True)
        for name, labels in LabelTable(layout, [torch.cat(each) for each in matrices]).items():
            columns.setdefault(name, []).append(labels)
    for name, found in columns.items():
        for _, alike in groupby(found, key=lambda labels: (labels.shape[1:], labels.dtype)):
            yield name, torch.cat(list(alike))


def _chosen(matrix: Tensor, columns: Sequence[int]) -> Tensor:
    return matrix.index_select(1, torch.tensor(columns, device=matrix.device))
