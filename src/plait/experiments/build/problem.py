"""The problem of a run: data, tasks and encoder, opened once for any number of runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn
from torch.utils.data import Dataset

from plait.core.build import build
from plait.core.errors import ConfigError, unknown
from plait.core.families import FAMILIES
from plait.core.lookup import parameters
from plait.data import DataSets, of_tasks
from plait.data.mixture.named import of_source
from plait.experiments.build.fingerprint import data_fingerprint
from plait.experiments.build.known import check_methods
from plait.experiments.build.names import recipe_class
from plait.experiments.config import RunConfig
from plait.experiments.method import Method
from plait.experiments.sources import OF_ONE, SourceConfig
from plait.recipes import Combined, Recipe, Table
from plait.recipes._streamed_table import StreamedTable
from plait.tasks import BaseTask

ABOUT = ("recipe", "data", "table", "stream", "split", "inputs", "exclude", "sources")
OF_TABLES = ("table", "split", "inputs", "exclude")


class Problem:
    """Opens a recipe once, and gives its data, tasks and encoder to any number of runs.

    The data are read when the first run asks for them, and kept: a comparison of many runs reads
    its files once. Tasks and encoders are new for each run, because training changes them.

    Args:
        recipe: the recipe.
        config: with which it was opened; a run that has other data, inputs or targets is refused.

    Attributes:
        recipe: the recipe.
    """

    def __init__(self, recipe: Recipe, config: RunConfig) -> None:
        self.recipe = recipe
        self._opened = config
        self._splits: Mapping[str, Dataset[Any]] | None = None

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """`{what is read: digest}` of the data, as they were when this was first asked for."""
        return data_fingerprint(self._opened, self.recipe)

    def check(self, config: RunConfig) -> None:
        """Raises `ConfigError` unless a run is about this problem: the same recipe and data."""
        for setting in ABOUT:
            opened, found = getattr(self._opened, setting), getattr(config, setting)
            if opened != found:
                raise ConfigError(
                    f"the problem was opened with {setting} {_shown(opened)}; a run of it must "
                    f"have the same; found {_shown(found)}. Open another problem for this run."
                )
        known, wanted = _definitions(self._opened), _definitions(config)
        for task, definition in wanted.items():
            if task in known and known[task] != definition:
                raise ConfigError(
                    f"the problem was opened with task {task!r} as {known[task]}; a run of it must "
                    f"have the same; found {definition}. Open another problem for this run."
                )

    def tasks(self, chosen: Sequence[str] | Mapping[str, Any] | None = None) -> list[BaseTask]:
        """Returns new tasks.

        Args:
            chosen: a list of names: these, in this order. Or `{task: options}`: all of the recipe's
                but those that are None, with the `weight` of the options. All by default.

        Raises:
            ConfigError: an unknown task, a weight that is not positive, or an option that the task
                of a recipe does not have.
        """
        tasks = {task.name: task for task in self.recipe.tasks()}
        own = isinstance(self.recipe, Table)  # which makes its tasks from all their options
        for name in chosen or ():
            if name not in tasks and not own:
                raise ConfigError(unknown("task", name, tasks))
        if not isinstance(chosen, Mapping):
            return [tasks[name] for name in chosen or tasks]
        opened = self._opened.tasks if isinstance(self._opened.tasks, Mapping) else {}
        for name, options in chosen.items():
            given = _options(options)
            other = next((option for option in given if option != "weight"), None)
            if other is not None and not own:
                raise ConfigError(
                    f"task {name!r} of {type(self.recipe).__name__} has the option `weight` "
                    f"alone; found {other!r}. Leave it out."
                )
            if name not in tasks:
                continue
            if "weight" in given:
                tasks[name].weight = _weight(name, given["weight"])
            elif "weight" in _options(opened.get(name)):
                tasks[name].weight = 1.0  # it was opened for a run with another weight
        found = [task for name, task in tasks.items() if chosen.get(name, {}) is not None]
        if not found:
            raise ConfigError(f"a run needs a task; those that there are: {', '.join(tasks)}.")
        return found

    def encoder(self) -> nn.Module:
        """Returns the recipe's encoder, with new weights from torch's generator."""
        return self.recipe.encoder()

    def splits(self, tasks: Sequence[BaseTask]) -> dict[str, Dataset[Any]]:
        """Returns the data sets "train", "val" and "test", without examples of other tasks alone.

        Raises:
            DataError: data that are missing or break their rules.
            ConfigError: one of several data sets has labels of other tasks alone.
        """
        names = [task.name for task in tasks]
        if isinstance(self.recipe, Combined):
            self.recipe.check_used(names)
        if self._splits is None:
            self._splits = self.recipe.splits()
        return {split: _of_tasks(data, names) for split, data in self._splits.items()}


def open_problem(config: RunConfig, frame: Any = None, progress: Any = None) -> Problem:
    """Opens the problem of a run; the recipe is given the data that it reads.

    Args:
        config: the settings.
        frame: the table; if `config` names its file too, what was read of it, so that it is not
            read again.
        progress: is told how much of a table's file was read, `progress(bytes, size)`.

    Raises:
        ConfigError: an unknown recipe, method or option; a data folder, a table or a part of one
            too many or too few.
        DataError: data that are missing or break their rules.
    """
    if config.sources:
        check_methods(config)
        return Problem(_combined(config.sources, progress), config)
    cls = recipe_class(config.recipe.name)
    if config.stream:
        if cls is not Table or (config.table is None and frame is None):
            raise ConfigError(
                "`stream` is about a `table` of your own, a Parquet file or a folder of them; name "
                "it, or leave `stream` out."
            )
        cls, frame = StreamedTable, None if config.table is not None else frame
    check_methods(config)
    given: dict[str, Any] = {}
    if issubclass(cls, Table):
        given = _of_table(cls, config, frame)
        given |= {"progress": progress} if "progress" in parameters(cls) else {}
    else:
        for setting in OF_TABLES:
            if getattr(config, setting) is not None:
                raise ConfigError(
                    f"`{setting}` is a setting of tables, and has no effect on recipe "
                    f"{cls.__name__}; leave it out."
                )
    if cls.needs_data and "data" not in given:
        if config.data is None:
            raise ConfigError(
                f"recipe {cls.__name__} reads a data folder; name it with --data DIR."
            )
        given["data"] = Path(config.data)
    elif config.data is not None:
        raise ConfigError(f"recipe {cls.__name__} brings its own data; leave out --data.")
    noun = FAMILIES["recipes"].noun
    recipe: Recipe = build(cls, config.recipe.options, kind=noun, **given)
    if isinstance(recipe, Table) and frame is not None and config.table is not None:
        recipe.frame = frame
    return Problem(recipe, config)


def _combined(sources: Mapping[str, SourceConfig], progress: Any) -> Combined:
    """Opens the recipes of several data sets."""
    recipes, tasks = {}, {}
    for name, source in sources.items():
        own = {key: getattr(source, key) for key in (*OF_ONE, "tasks")}
        with of_source(name):
            recipes[name] = open_problem(RunConfig(**own), progress=progress).recipe
        if isinstance(source.tasks, Mapping) and not isinstance(recipes[name], Table):
            raise ConfigError(
                f"source {name!r}: `tasks` of a recipe's source must be a list of names; found a "
                "mapping. Weights belong to the `tasks` of the run."
            )
        if isinstance(source.tasks, list):
            tasks[name] = source.tasks
    return Combined(recipes, tasks=tasks)


def _of_tasks(data: Dataset[Any], names: Sequence[str]) -> Dataset[Any]:
    """Leaves out the examples that belong to other tasks, of each source where there are some."""
    if isinstance(data, DataSets):
        return DataSets({source: of_tasks(each, names) for source, each in data.by_source.items()})
    return of_tasks(data, names)


def _of_table(cls: type[Table], config: RunConfig, frame: Any) -> dict[str, Any]:
    """Returns the arguments of a table's recipe, as the settings of a run give them."""
    if config.table is not None and (cls.file or "data" not in parameters(cls)):
        raise ConfigError(
            f"`table` has no effect on recipe {cls.__name__}, which has a table of its own; leave "
            "out the one or the other."
        )
    if config.recipe.name == Table.__name__ and config.table is None and frame is None:
        raise ConfigError(
            "name a table or a recipe, such as `plait train digits`, or `table: FILE`."
        )
    found: dict[str, Any] = {"inputs": config.inputs, "split": config.split}
    found["tasks"] = config.tasks if isinstance(config.tasks, Mapping) else None
    found["exclude"] = list(config.exclude or ())
    if config.table is not None:
        found["data"] = Path(config.table)
    elif frame is not None:
        found["data"] = frame
    return found


def _definitions(config: RunConfig) -> dict[str, Any]:
    """Returns `{task: its options without the weight}`, where the settings have some."""
    tasks = config.tasks if isinstance(config.tasks, Mapping) else {}
    return {
        name: {key: value for key, value in _options(each).items() if key != "weight"}
        for name, each in tasks.items()
        if each is not None
    }


def _options(given: Any) -> Mapping[str, Any]:
    """Returns the options of a task, for which its kind alone may stand."""
    return {"kind": given} if isinstance(given, str) else given or {}


def _weight(task: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigError(f"the weight of task {task!r} must be positive; found {value!r}.")
    return float(value)


def _shown(value: Any) -> str:
    return str(value.model_dump(by_alias=True) if isinstance(value, Method) else value)
