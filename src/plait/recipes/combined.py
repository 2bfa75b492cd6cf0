"""Several problems in one training: their data sets are mixed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from torch import nn
from torch.utils.data import Dataset, IterableDataset

from plait.core.errors import ConfigError, unknown
from plait.data import DataSets
from plait.data.collate import collate
from plait.data.mixture.named import of_source
from plait.data.shown import Shown
from plait.encoders import MLPEncoder, Stems
from plait.networks import infer_shape
from plait.recipes._joined_tasks import joined_tasks
from plait.recipes.base import Recipe
from plait.recipes.table import Table
from plait.tasks import BaseTask


class Combined(Recipe):
    """Several recipes whose data sets are mixed in one training, with tasks of their own or alike.

    Sources of one recipe, such as two folders of pictures, are read by one encoder. Others have a
    stem each, by default the encoder of their recipe, pooled, before a layer in common; so have
    tables, each of which has a vocabulary of its own. A subclass is a known mixture: it gives its
    sources to `Combined`, and may make another encoder.

    Args:
        sources: `{source: recipe}`.
        tasks: `{source: names of the tasks that are trained on it}`; all of a source's by default.

    Raises:
        ConfigError: there is no source, or two define a task of one name in different ways.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        "epochs": 30,
        "patience": 8,
        "batch_size": "auto",
        "optimizer": {"class": "AdamW", "lr": 1e-3, "weight_decay": 0.01},
    }

    def __init__(
        self,
        sources: Mapping[str, Recipe],
        *,
        tasks: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        if not sources or not all(isinstance(each, Recipe) for each in sources.values()):
            raise ConfigError(
                "a mixture needs sources: `sources: {NAME: {table: FILE, ...}, ...}` in a file of "
                "settings."
            )
        self.sources = dict(sources)
        self.chosen = dict(tasks or {})

    @property
    def stems(self) -> bool:
        """Whether each source is read by a network of its own first."""
        first, *others = self.sources.values()
        tables = any(isinstance(each, Table) for each in self.sources.values())
        return tables or any(type(each) is not type(first) for each in others)

    @cached_property
    def data(self) -> dict[str, Mapping[str, Dataset[Any]]]:
        """`{source: {split: data set}}`, read once."""
        found = {}
        for name, recipe in self.sources.items():
            with of_source(name):
                found[name] = recipe.splits()
        return found

    def tasks(self) -> list[BaseTask]:
        """Makes the tasks of all sources, one of each name.

        Raises:
            ConfigError: an unknown task is chosen, or two sources define a task of one name in
                different ways.
        """
        by_source = {}
        for name, recipe in self.sources.items():
            with of_source(name):
                own = {task.name: task for task in recipe.tasks()}
            for task in self.chosen.get(name, ()):
                if task not in own:
                    raise ConfigError(unknown(f"task of source {name!r}", task, own))
            by_source[name] = [own[task] for task in self.chosen.get(name) or own]
        return joined_tasks(by_source)

    def check_used(self, tasks: Collection[str]) -> None:
        """Checks that each source has labels of one of the tasks that are trained.

        Raises:
            ConfigError: a source has none.
        """
        for name, own in self._labels.items():
            if not {*own} & {*tasks}:
                raise ConfigError(
                    f"source {name!r} has labels of {', '.join(own)}, and the run trains "
                    f"{', '.join(tasks)} alone. Choose one of its tasks too, or leave the source "
                    "out of the settings."
                )

    def check_alone(self, tasks: Collection[str]) -> None:
        """Checks that each task can be trained alone: each source has labels of it.

        Raises:
            ConfigError: a source has none of a task.
        """
        common = [task for task in tasks if all(task in own for own in self._labels.values())]
        for name, own in self._labels.items():
            for task in tasks:
                if task not in own:
                    hint = (
                        f"Compare the tasks that all have: tasks=[{','.join(common)}]."
                        if len(common) > 1
                        else "Train them jointly, without a comparison: plait train."
                    )
                    raise ConfigError(
                        f"a comparison trains each task alone on all sources, and source {name!r} "
                        f"has no labels of {task}. {hint}"
                    )

    @cached_property
    def _labels(self) -> dict[str, list[str]]:
        """`{source: names of the tasks that it has labels of}`."""
        return {
            name: list(self.chosen.get(name) or [task.name for task in recipe.tasks()])
            for name, recipe in self.sources.items()
        }

    def encoder(self) -> nn.Module:
        """Makes the encoder that all sources have in common, or their stems before a layer."""
        if not self.stems:
            return next(iter(self.sources.values())).encoder()
        return self.before_trunk({name: each.encoder() for name, each in self.sources.items()})

    def before_trunk(self, stems: Mapping[str, nn.Module], trunk: nn.Module | None = None) -> Stems:
        """Puts pooled stems before a trunk; by default before one layer, as wide as the widest.

        Stems whose widths differ, or are not that of the trunk, have a layer each that brings them
        to it.

        Args:
            stems: `{source: module}`.
            trunk: reads the vectors that the stems give.
        """
        widths = {}
        for name, stem in stems.items():
            with of_source(name):
                widths[name] = infer_shape(stem, self.example(name)).channels()
        width = trunk.in_features if isinstance(trunk, MLPEncoder) else max(widths.values())
        necks: dict[str, nn.Module] | None = None
        if set(widths.values()) != {width}:
            necks = {n: MLPEncoder(in_features=own, widths=(width,)) for n, own in widths.items()}
        if trunk is None:
            trunk = MLPEncoder(in_features=width, widths=(width,))
        return Stems(stems, trunk, pooled=True, necks=necks)

    def example(self, source: str) -> Any:
        """Returns a batch of inputs of a source, of its validation data."""
        data: Any = self.data[source]["val"]
        if isinstance(data, IterableDataset):
            examples = iter(data)
            pair = [next(examples), next(examples)]
        else:
            pair = [data[0], data[min(1, len(data) - 1)]]
        return collate(pair)[0]

    def splits(self) -> Mapping[str, DataSets]:
        """Gives the data sets of all sources in each split."""
        return {
            split: DataSets({name: each[split] for name, each in self.data.items()})
            for split in ("train", "val", "test")
        }

    @property
    def notes(self) -> Sequence[str]:
        """The notes of all sources."""
        return [
            f"source {name!r}: {note}"
            for name, recipe in self.sources.items()
            for note in recipe.notes
        ]

    def show_example(self, split: str, index: int, inputs: Any) -> Sequence[Shown]:
        """Shows an example as the recipe of its source does."""
        source, place = self.splits()[split].source_of(index)
        own = inputs[source] if isinstance(inputs, Mapping) and source in inputs else inputs
        return self.sources[source].show_example(split, place, own)
