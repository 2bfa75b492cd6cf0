"""A data set whose inputs and labels are read row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import Dataset

from plait.core.errors import DataError
from plait.core.seeding import derive_seed
from plait.data.augment import Augment
from plait.data.augment.labels import Place, Placed
from plait.data.draws import Draw
from plait.data.images import normalised
from plait.data.in_memory import groups_of_examples
from plait.data.readers.images import Images

Example = tuple[Any, dict[str, Any]]


class Reader(Protocol):
    """A column whose values are read row by row; a tensor is one, too."""

    def __len__(self) -> int:
        """The number of rows."""

    def __getitem__(self, row: int, /) -> Any:
        """The value of a row."""


class Examples(Dataset[Example]):
    """Some rows of a table whose inputs or labels are pictures, sounds or sentences.

    An example is ``(inputs, {task: label})``. Its inputs are the value of the only reader, or a
    dict of those of several. Pictures are normalised, after they were augmented.

    Args:
        inputs: `{name: reader}`, at least one, each of all rows of the table.
        targets: `{task: reader}` likewise.
        rows: the numbers of the rows that are the examples; all by default.
        augment: how pictures are changed at random, with the labels that lie on them: anew in each
            epoch, by a generator seeded by (seed, epoch, example). All pictures of an example are
            changed alike.
        tasks: say how their labels move with a picture (see `Augment`).
        place: the picture that labels lie on; the first by default.
        seed: of the augmentation.
        groups: a number for each example, equal for those that belong together, such as the
            pictures of one patient; a bootstrap over the examples draws them together.

    Attributes:
        lengths: of the examples, for batches of like lengths; None where no input is a sentence.
        takes_draws: whether an example depends on the epoch.

    Raises:
        DataError: there is no input, or readers are of different lengths; `groups` are not one
            number for each example.
    """

    def __init__(
        self,
        inputs: Mapping[str, Reader],
        targets: Mapping[str, Reader],
        rows: Any = None,
        *,
        augment: Augment | None = None,
        tasks: Iterable[Placed] = (),
        place: str | None = None,
        seed: int = 0,
        groups: Any = None,
    ) -> None:
        lengths = {name: len(each) for name, each in {**inputs, **targets}.items()}
        if not inputs or len(set(lengths.values())) > 1:
            raise DataError(
                f"inputs and labels must have one value for each row; found {lengths or 'none'}. "
                "Give readers of the same rows."
            )
        self.inputs = dict(inputs)
        self.targets = dict(targets)
        count = len(next(iter(inputs.values())))
        self.rows = torch.arange(count) if rows is None else torch.as_tensor(rows)
        self.augment = augment
        self.takes_draws = augment is not None
        self.places = {t.name: Place(t.name, t.geometry, t.missing) for t in tasks}
        self.place = place
        self.seed = seed
        self.lengths = self._lengths()
        self.groups = groups_of_examples(groups, len(self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, draw: Draw | int) -> Example:
        index, epoch = draw if isinstance(draw, tuple) else (draw, 0)
        index = range(len(self))[index]
        row = int(self.rows[index])
        inputs = {name: reader[row] for name, reader in self.inputs.items()}
        targets = {task: reader[row] for task, reader in self.targets.items()}
        pictures = [name for name, reader in self.inputs.items() if isinstance(reader, Images)]
        for name in pictures:
            picture: Tensor = inputs[name]
            if self.augment is not None:
                seed = derive_seed(self.seed, int(epoch), index)
                generator = torch.Generator().manual_seed(seed)
                moving = targets if name == (self.place or pictures[0]) else {}
                picture, moved = self.augment(picture, moving, self.places, generator)
                targets |= moved
            inputs[name] = normalised(picture)
        return inputs if len(inputs) > 1 else next(iter(inputs.values())), targets

    def _lengths(self) -> Tensor | None:
        found: Sequence[Tensor] = [
            reader.lengths for reader in self.inputs.values() if hasattr(reader, "lengths")
        ]
        return torch.stack(list(found)).amax(0)[self.rows] if found else None
