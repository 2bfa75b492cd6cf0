"""The settings of several data sets, and of tables among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from plait.core.errors import ConfigError
from plait.core.options import Count
from plait.data.table.described import complaints
from plait.experiments.method import Method

NO_RECIPE = ("Combined", {"class": "Combined"}, {"class": "Table"})  # beside sources
OF_ONE = ("recipe", "data", "table", "stream", "split", "inputs", "exclude")


class SourceConfig(BaseModel):
    """The settings of one data set of several.

    Attributes:
        recipe: the problem, with its options; a table of your own by default.
        data: the data folder, if the recipe reads one.
        table: the file of a table of your own; a path in a file of settings is relative to it.
        stream: whether the table, Parquet, is read while training.
        split: of a table, as for a run.
        inputs: of a table: `{column: kind}`.
        tasks: those that this source has labels of: names, or of a table `{task: kind}`.
        exclude: of a table: columns that are neither read nor predicted.
        batch_size: examples in a batch; that of the run by default.
        stem: an encoder of this source alone, before the encoder that all have in common.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    recipe: Method = Field("Table", validate_default=True)
    data: str | None = None
    table: str | None = None
    stream: bool = False
    split: str | dict[str, Any] | None = None
    inputs: dict[str, Any] | None = None
    tasks: list[str] | dict[str, Any] | None = None
    exclude: list[str] | dict[str, Any] | None = None
    batch_size: Count | Literal["auto"] | None = None
    stem: Method | None = None

    @model_validator(mode="before")
    @classmethod
    def _options_of_a_table(cls, settings: Any) -> Any:
        """Gives a recipe's options without a class to the default one."""
        recipe = settings.get("recipe") if isinstance(settings, Mapping) else None
        if isinstance(recipe, Mapping) and not {"class", "name"} & recipe.keys():
            return {**settings, "recipe": {"class": "Table", **recipe}}
        return settings


def check_sources(settings: Mapping[str, Any], *, whole: bool) -> None:
    """Checks what is said of tables, and that settings of one data set are not beside several.

    Args:
        settings: of a run.
        whole: whether no recipe is still to complete them.

    Raises:
        ConfigError: a setting that has no effect; a kind or an option that does not exist.
    """
    sources = settings.get("sources")
    if not sources:
        check_table(settings.get("inputs"), settings.get("tasks"), whole=whole)
        return
    for name in OF_ONE:
        if settings.get(name) and settings[name] not in NO_RECIPE:
            raise ConfigError(
                f"setting {name!r} belongs to one of the data sets under `sources`; found it "
                f"beside them. Put it there: `sources: {{{next(iter(sources))}: {{{name}: ...}}}}`."
            )
    for name, source in sources.items():
        try:
            check_table(source.get("inputs"), source.get("tasks"), whole=whole)
        except ConfigError as error:
            raise ConfigError(f"source {name!r}: {error}") from None


def check_table(inputs: Any, tasks: Any, *, whole: bool) -> None:
    """Checks what is said of a table's columns.

    Args:
        inputs: of the settings; None where they are not about a table.
        tasks: of the settings.
        whole: whether no recipe is still to complete them.

    Raises:
        ConfigError: a kind or an option that does not exist; one message lists them all.
    """
    if not isinstance(inputs, Mapping):
        return
    described = {name: each for name, each in inputs.items() if each is not None}
    targets = {
        name: each
        for name, each in (tasks if isinstance(tasks, Mapping) else {}).items()
        if each is not None and (whole or isinstance(each, str) or "kind" in each)
    }
    found = complaints(described, targets)
    if found:
        raise ConfigError("\n".join(found))
