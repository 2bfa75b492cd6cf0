"""The problem of a run: data, tasks and encoder, opened once for any number of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from torch.utils.data import Dataset

from plait.core.build import build
from plait.core.errors import ConfigError, unknown
from plait.core.families import FAMILIES
from plait.data import of_tasks
from plait.experiments.build.names import recipe_class
from plait.experiments.config import Method, RunConfig
from plait.recipes import Recipe
from plait.tasks import BaseTask


class Problem:
    """Opens a recipe once, and gives its data, tasks and encoder to any number of runs.

    The data are read when the first run asks for them, and kept: a comparison of many runs reads
    its files once. Tasks and encoders are new for each run, because training changes them.

    Args:
        recipe: the recipe.
        settings: the name and options of the recipe, and its data folder; a run whose
            configuration has others is refused.

    Attributes:
        recipe: the recipe.
    """

    def __init__(self, recipe: Recipe, settings: tuple[Method, str | None]) -> None:
        self.recipe = recipe
        self._settings = settings
        self._splits: Mapping[str, Dataset[Any]] | None = None

    def check(self, config: RunConfig) -> None:
        """Raises `ConfigError` unless a run is about this problem: the same recipe and data."""
        if _settings(config) != self._settings:
            raise ConfigError(
                f"the problem was opened for {_shown(self._settings)}; a run of it must have the "
                f"same recipe and data folder; found {_shown(_settings(config))}. Open another "
                "problem for this run."
            )

    def tasks(
        self, names: Sequence[str] | None = None, weights: Mapping[str, float] | None = None
    ) -> list[BaseTask]:
        """Returns new tasks.

        Args:
            names: which, in this order; all of the recipe's by default.
            weights: `{task: static weight, positive}`; 1 by default.

        Raises:
            ConfigError: an unknown task, or a weight that is not positive or of a task that is not
                among `names`.
        """
        weights = weights or {}
        tasks = {task.name: task for task in self.recipe.tasks()}
        for name in [*(names or []), *weights]:
            if name not in tasks:
                raise ConfigError(unknown("task", name, tasks))
        for name, weight in weights.items():
            if not weight > 0:
                raise ConfigError(f"the weight of task {name!r} must be positive; found {weight}.")
            if names and name not in names:
                raise ConfigError(
                    f"the weight of task {name!r} has no effect, since the run does not train it. "
                    f"Leave it out, or add it to tasks: {', '.join(names)}."
                )
            tasks[name].weight = weight
        return [tasks[name] for name in names or tasks]

    def encoder(self) -> nn.Module:
        """Returns the recipe's encoder, with new weights from torch's generator."""
        return self.recipe.encoder()

    def splits(self, tasks: Sequence[BaseTask]) -> dict[str, Dataset[Any]]:
        """Returns the data sets "train", "val" and "test", without examples of other tasks alone.

        Raises:
            DataError: data that are missing or break their rules.
        """
        if self._splits is None:
            self._splits = self.recipe.splits()
        names = [task.name for task in tasks]
        return {split: of_tasks(data, names) for split, data in self._splits.items()}


def open_problem(config: RunConfig) -> Problem:
    """Opens the problem of a run; the recipe is given the data folder if it reads one.

    Raises:
        ConfigError: an unknown recipe or option; a data folder too many or too few.
        DataError: data that are missing or break their rules.
    """
    cls = recipe_class(config.recipe.name)
    given: dict[str, Any] = {}
    if cls.needs_data:
        if config.data is None:
            raise ConfigError(
                f"recipe {cls.__name__} reads a data folder; name it with --data DIR."
            )
        given["data"] = Path(config.data)
    elif config.data is not None:
        raise ConfigError(f"recipe {cls.__name__} brings its own data; leave out --data.")
    noun = FAMILIES["recipes"].noun
    recipe: Recipe = build(cls, config.recipe.options, kind=noun, **given)
    return Problem(recipe, _settings(config))


def _settings(config: RunConfig) -> tuple[Method, str | None]:
    return config.recipe, config.data


def _shown(settings: tuple[Method, str | None]) -> str:
    recipe, data = settings
    return f"{recipe.model_dump(by_alias=True)} on {data or 'data of its own'}"
