"""The configuration of a run: what a YAML file or the command line can set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from plait.core.errors import ConfigError
from plait.core.options import AtLeast, Count
from plait.engine import Options
from plait.experiments.known_methods import check_known
from plait.experiments.method import Method, Methods
from plait.experiments.overrides import merge, read_yaml
from plait.experiments.refusal import no_list, refusal
from plait.experiments.sources import SourceConfig, check_sources
from plait.model import NewTasks
from plait.runs.folder import CONFIG, TRAINER, how_to_resume
from plait.training.options import TrainerOptions


class RunConfig(BaseModel, TrainerOptions, Options, frozen=True):
    """All settings of a run.

    Attributes:
        recipe: the problem, with its options; a table of your own by default.
        data: the data folder, if the recipe reads one.
        table: the file of a table of your own; a path in a file of settings is relative to it.
        stream: whether the table, Parquet, is read while training: for one larger than memory.
        split: of a table: the column that says which part a row belongs to, or how to divide it,
            such as ``{val: 0.15, test: 0.15, group: customer}``.
        inputs: of a table: ``{column: kind}``, the columns that are read.
        tasks: the tasks to train, by name: a list; all of the recipe's by default. Or their
            options, ``{task: {weight: 2}}``, null for one that is left out; of a table, their kinds
            and columns too.
        exclude: of a table: columns that are neither read nor predicted, perhaps with the reasons.
        sources: several data sets in place of one: `{source: settings}`; each has a `recipe` or a
            `table`, with `data`, `split`, `inputs`, `tasks` and `exclude` as above, a `batch_size`
            and a `stem`, an encoder of its own before the one in common.
        mixing: how they are mixed: by size (`Proportional`), unless another policy is named.
        steps: of an epoch of several data sets; by default what the policy says.
        encoder: in place of the recipe's.
        sharing: family 1: which parameters the tasks share.
        regularization: family 2: what ties the parameters of separate networks; one or a list.
        connections: family 3: what passes between separate networks; one or a list.
        start_from: run folders, or model folders, whose weights the model starts with.
        start: how linear heads on a `TabularEncoder` begin: as ridge or logistic regression on the
            training data ("linear"), so that the first epochs only add to it, or with random
            weights ("random"). Heads on other encoders, and those of runs to start from, begin as
            always.
        new_tasks: how the encoder of a task starts that none of them knows: the first's, or new.
        freeze: tasks, or patterns of parameter names, that do not learn.
        balancing: how the tasks are balanced; a wrapper takes another method as an option, as in
            ``{class: CRMOGM, method: {class: CAGrad, c: 0.4}}``.
        optimizer: any class of `torch.optim`; `lr` and `weight_decay` are those of the model.
        scheduler: any class of `torch.optim.lr_scheduler`; steps after each optimizer step,
            `ReduceLROnPlateau` after each evaluation, on the score. The total number of steps is
            filled in where it is needed (`total_steps`, `T_max`).
        batch_size: examples in a batch, of all processes together; "auto" is a 32nd of the training
            examples, as a power of two from 32 to 256.
        schedule: `{task: [begin, end]}` in shares of the training: when its loss comes in.
        rule: which epoch is best, by name.
        workers: processes that read data; 0 reads in the training process.
        gallery: test examples in the report; "auto" is 12, and none of mere rows of a table.

    All others are options of `plait.Trainer` or `plait.Backward`, with their defaults.
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
    sources: dict[str, SourceConfig] | None = None
    mixing: Method | None = None
    steps: Count | None = None
    encoder: Method | None = None
    sharing: Method = Field("Hard", validate_default=True)
    regularization: Methods = None
    connections: Methods = None
    start_from: list[str] = Field(default_factory=list)
    start: Literal["linear", "random"] = "linear"
    new_tasks: NewTasks = "source"
    freeze: list[str] = Field(default_factory=list)
    balancing: Method = Field("Equal", validate_default=True)
    optimizer: Method = Field("AdamW", validate_default=True)
    scheduler: Method | None = None
    batch_size: Count | Literal["auto"] = 32
    schedule: dict[str, tuple[float, float]] | None = None
    rule: str = str(TrainerOptions.rule)  # in a file, a rule is named
    workers: int = Field(0, ge=0)
    gallery: Annotated[int, AtLeast(0)] | Literal["auto"] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _options_of_the_default(cls, settings: Any) -> Any:
        """Gives options without a class, such as ``{"lr": 0.1}``, to the default method."""
        named: dict[str, Any] = dict(settings)
        for name, field in cls.model_fields.items():
            value = named.get(name)
            method = field.annotation is Method and isinstance(field.default, str)
            if method and isinstance(value, Mapping) and not {"class", "name"} & value.keys():
                named[name] = {"class": field.default, **value}
        return named

    def described(self) -> dict[str, Any]:
        """Returns the settings as plain values, for YAML: the problem and the methods first."""
        settings = self.model_dump(mode="json", by_alias=True)
        own = {name: settings[name] for name in RunConfig.__annotations__ if name in settings}
        return own | settings


def validate(settings: Mapping[str, Any]) -> RunConfig:
    """Checks settings and returns the configuration.

    Raises:
        ConfigError: unknown settings or bad values; one message lists them all. Or an unknown name
            of a method.
    """
    try:
        config = RunConfig.model_validate(dict(settings))
    except ValidationError as error:
        raise refusal(map(dict, error.errors()), settings, RunConfig.model_fields) from None
    found = config.model_dump(by_alias=True)
    check_sources(found, whole=True)
    check_known(found)
    if config.new_tasks != RunConfig.model_fields["new_tasks"].default and not config.start_from:
        raise ConfigError(
            f"setting 'new_tasks': {config.new_tasks!r} has no effect without runs to start from. "
            "Name them (--from RUN), or leave it out."
        )
    return config


def is_file_of_settings(word: str) -> bool:
    """Whether a word names a file of settings: it ends in .yaml or .yml, or has a separator."""
    return word.endswith((".yaml", ".yml")) or os.sep in word


def read_file(path: Path) -> dict[str, Any]:
    """Reads a file of settings; the paths of its tables, and of their files, are relative to it.

    Raises:
        ConfigError: the file is missing, no YAML, or no mapping.
    """
    settings = read_yaml(path)
    sources = settings.get("sources")
    own = list(sources.values()) if isinstance(sources, Mapping) else []
    for each in [settings, *(source for source in own if isinstance(source, dict))]:
        if isinstance(each.get("table"), str):
            each["table"] = str((path.parent / each["table"]).resolve())
        recipe = each.get("recipe")
        if isinstance(recipe, dict) and isinstance(recipe.get("files"), str):
            recipe["files"] = str((path.parent / recipe["files"]).resolve())
    return settings


def read_run(folder: Path, changes: Mapping[str, Any] | None = None) -> RunConfig:
    """Returns the configuration of the run in a folder.

    Args:
        folder: the run folder.
        changes: settings laid on those of its file.

    Raises:
        ConfigError: the folder holds no run of the command line, its file is damaged, or a setting
            is unknown or bad.
    """
    path = folder / CONFIG
    if not path.is_file() and (folder / TRAINER).is_file():
        raise ConfigError(
            f"{folder} holds a run of a Trainer in Python (no {CONFIG}). Go on with it there: "
            f"{how_to_resume(folder)}."
        )
    if not path.is_file():
        raise ConfigError(f"{folder} holds no run to resume (no {CONFIG}). Name a run folder.")
    return validate(merge(read_yaml(path), changes or {}))


def check_early(settings: Mapping[str, Any]) -> None:
    """Checks settings that a recipe's defaults are still to complete, which needs no torch.

    Raises:
        ConfigError: unknown settings or bad values; one message lists them all. Or an unknown name
            of a method.
    """
    try:
        RunConfig.model_validate({"recipe": "any", **settings})
    except ValidationError as error:
        found = [dict(each) for each in error.errors()]
        wrong = [each for each in found if each["type"] != "missing" and not no_list(each)]
        if wrong:
            raise refusal(wrong, settings, RunConfig.model_fields) from None
    check_sources(settings, whole=False)
    check_known(settings)
