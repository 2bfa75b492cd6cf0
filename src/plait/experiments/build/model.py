"""The model of a run, and the weights that it takes over from other runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from plait.core.build import build
from plait.core.columns import Column, inputs_of
from plait.core.errors import ConfigError
from plait.core.families import FAMILIES
from plait.core.lookup import find_method, parameters
from plait.core.seeding import seeded
from plait.encoders import Fused, Stems
from plait.experiments.build.methods import method, methods
from plait.experiments.build.problem import Problem
from plait.experiments.config import RunConfig
from plait.experiments.method import Method
from plait.model import MultiTaskModel, Transfer
from plait.model.folder import read_model
from plait.recipes import Combined, Recipe, Table
from plait.runs.folder import MODEL
from plait.tasks import BaseTask, DenseRegression, Segmentation, Tagging


def build_model(
    config: RunConfig, encoder: nn.Module, tasks: Sequence[BaseTask], example: Any
) -> MultiTaskModel:
    """Builds the model with new weights; they depend on the seed alone.

    Args:
        config: the settings.
        encoder: see `build_encoder`.
        tasks: those that the model predicts.
        example: one batch of inputs; only shapes and dtypes matter.

    Raises:
        ConfigError: a task predicts positions, and the stems of several data sets are pooled.
    """
    if isinstance(encoder, Stems) and encoder.pooled:
        _check_pooled(tasks)
    return MultiTaskModel(
        method(config.sharing, FAMILIES["sharing"], encoder=encoder),
        tasks,
        example=example,
        connections=methods(config.connections, FAMILIES["connections"]),
        regularization=methods(config.regularization, FAMILIES["regularization"]),
        seed=config.seed,
    )


def build_encoder(config: RunConfig, problem: Problem) -> nn.Module:
    """Builds the encoder, with new weights: that of the recipe unless the settings name one."""
    with seeded(config.seed, "encoder"):
        if isinstance(problem.recipe, Combined):
            return _of_sources(config, problem.recipe)
        return (
            problem.encoder() if config.encoder is None else _named(config.encoder, problem.recipe)
        )


def start_from_runs(model: MultiTaskModel, config: RunConfig, problem: Problem) -> Transfer | None:
    """Takes over the weights of the runs that the settings name; returns None if they name none."""
    if not config.start_from:
        return None
    sources = [_trained(Path(folder), config, problem) for folder in config.start_from]
    return model.start_from(*sources, new_tasks=config.new_tasks)


def _check_pooled(tasks: Sequence[BaseTask]) -> None:
    for task in tasks:
        if isinstance(task, DenseRegression | Segmentation | Tagging):
            raise ConfigError(
                f"task {task.name!r} ({type(task).__name__}) predicts each position of its input, "
                "and the stems of several data sets are pooled to one vector. Leave it out (`tasks:"
                " [...]` of its source names the others), or train it on one data set."
            )


def _of_sources(config: RunConfig, recipe: Combined) -> nn.Module:
    """Returns the encoder of several sources, with their stems if they have some.

    The encoder of the settings then stands behind the stems, unless it is a `Stems` itself.
    """
    stated = {name: each.stem for name, each in (config.sources or {}).items()}
    own = None if config.encoder is None else _named(config.encoder, recipe)
    if isinstance(own, Stems) or not (any(stated.values()) or recipe.stems):
        return own or recipe.encoder()
    if own is None and not any(stated.values()):
        return recipe.encoder()
    stems: dict[str, nn.Module] = {}
    for name, each in recipe.sources.items():
        stem = stated.get(name)
        stems[name] = each.encoder() if stem is None else _named(stem, each)
    return recipe.before_trunk(stems, own)


def _named(named: Method, recipe: Recipe) -> nn.Module:
    """Returns the encoder of a name; one of tables is given the columns."""
    family = FAMILIES["encoders"]
    cls = find_method(named.name, family)
    columns: Sequence[Column] = []
    given: dict[str, Any] = {}
    if isinstance(recipe, Table):
        columns = recipe.columns
        known = {"columns": columns, "dense": recipe.examples.dense}
        taken = parameters(cls).keys() - named.options.keys()
        given = {name: value for name, value in known.items() if name in taken}
    if "columns" not in given and not all(column.in_row for column in columns):
        return _around(cls, named.options, columns)
    encoder: nn.Module = build(cls, named.options, kind=family.noun, **given)
    return encoder


def _around(cls: type[Any], options: Mapping[str, Any], columns: Sequence[Column]) -> nn.Module:
    """Builds an encoder of the only input of a table, and `Fused`, which knows its column, around.

    Raises:
        ConfigError: the table has several inputs.
    """
    inputs = inputs_of(columns)
    if len(inputs) > 1:
        raise ConfigError(
            f"{cls.__name__} reads one input, and the table has {', '.join(inputs)}. Name an "
            f"encoder for each: {{class: Fused, encoders: {{{next(iter(inputs))}: "
            f"{cls.__name__}, ...}}}}."
        )
    (name,) = inputs
    (column,) = inputs[name]
    known = {option: value for option, value in column.known.items() if option in parameters(cls)}
    noun = FAMILIES["encoders"].noun
    own: nn.Module = build(cls, {**known, **options}, kind=noun)
    return Fused(columns, {name: own})


def _trained(folder: Path, config: RunConfig, problem: Problem) -> MultiTaskModel:
    """Returns the trained model of a run folder, or of a model folder.

    What its file cannot describe (a class of the user's own, metric objects) is the problem's.
    """
    place = folder / MODEL if (folder / MODEL).is_dir() else folder
    described, _ = read_model(place)
    own = {task.name: task for task in problem.tasks()}
    tasks = None
    if None in described["tasks"] and all(name in own for name in described["names"]):
        tasks = [own[name] for name in described["names"]]
    encoder = build_encoder(config, problem) if described["encoder"] is None else None
    return MultiTaskModel.from_pretrained(place, encoder=encoder, tasks=tasks)
