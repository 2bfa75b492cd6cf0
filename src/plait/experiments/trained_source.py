"""A run on several data sets: as which of them a table is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plait.core.columns import Column
from plait.core.errors import ConfigError, unknown
from plait.encoders import Stems
from plait.experiments.build.names import recipe_class
from plait.experiments.config import RunConfig, read_run
from plait.experiments.sources import SourceConfig
from plait.model import MultiTaskModel
from plait.runs.folder import CONFIG

OTHER_TABLES = "Call `model.predict` with what it reads."


def columns_of(model: MultiTaskModel, source: str | None, folder: Path) -> list[Column]:
    """Returns the columns of inputs that a model reads, of one of its sources if it has several.

    Args:
        model: the trained model.
        source: the one that the table is like; None for a model of one data set.
        folder: of the run, for messages.

    Raises:
        ConfigError: the encoder knows no columns; a source is missing, unknown or one too many.
    """
    encoder: Any = model.sharing.prototype()
    if source is None and isinstance(encoder, Stems):
        raise ConfigError(
            f"the model in {folder} reads several data sets: {', '.join(encoder.stems)}. Name the "
            "one that the table is like: `--source NAME`, in Python `source=NAME`."
        )
    if source is not None:
        if not isinstance(encoder, Stems):
            raise ConfigError(
                f"the model in {folder} has one encoder for all it reads; found source {source!r}. "
                "Leave it out."
            )
        if source not in encoder.stems:
            raise ConfigError(unknown("source", source, encoder.stems))
        encoder = encoder.stems[source]
    described = getattr(encoder, "columns", None)
    if described is None:
        of = "" if source is None else f" of source {source!r}"
        raise ConfigError(
            f"the model in {folder} does not read tables{of}: its encoder knows no columns. "
            f"{OTHER_TABLES}"
        )
    return [Column.of(each) for each in described]


def described_tasks(folder: Path, source: str | None) -> dict[str, Any]:
    """Returns `{task: how its labels are read from a table}`, as the settings of a run have it.

    Args:
        folder: of the run.
        source: the one that the table is like: what it says of a task goes before what others say.

    Raises:
        ConfigError: the folder has no settings.
    """
    if not (folder / CONFIG).is_file():
        raise ConfigError(
            f"{folder} does not say which columns are the labels (no {CONFIG}). Name a run folder."
        )
    config = read_run(folder)
    if source is None:
        return dict(config.tasks) if isinstance(config.tasks, Mapping) else {}
    by_source = {name: _described(each) for name, each in (config.sources or {}).items()}
    found = by_source.pop(source, {})
    for others in by_source.values():
        found = {**others, **found}
    return found


def own_tasks(folder: Path, model: MultiTaskModel, source: str | None) -> list[str] | None:
    """Returns the tasks that a source has labels of; None, for all, where that is not known."""
    if source is None or not (folder / CONFIG).is_file():
        return None
    config: RunConfig = read_run(folder)
    own = (config.sources or {}).get(source)
    found = {} if own is None else _described(own)
    return [name for name in model.tasks if name in found] or None


def _described(source: SourceConfig) -> dict[str, Any]:
    """Returns `{task: how its labels are read}` of a source; by default as its recipe has it."""
    if isinstance(source.tasks, Mapping):
        return {name: each for name, each in source.tasks.items() if each is not None}
    known = recipe_class(source.recipe.name).defaults.get("tasks", {})
    return {name: known.get(name, {}) for name in source.tasks or known}
