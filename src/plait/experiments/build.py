"""From a configuration to objects."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

import plait.balancing
import plait.connections
import plait.encoders
import plait.recipes
import plait.regularization
import plait.sharing
from plait.balancing import Balancer, LossSchedule
from plait.connections import Connection
from plait.core.errors import ConfigError, PlaitError, suggest, unknown
from plait.core.lookup import build, find, parameters
from plait.core.options import chosen
from plait.core.seeding import seeded
from plait.data import loader, of_tasks
from plait.engine import Options
from plait.experiments.config import Method, Methods, RunConfig
from plait.experiments.overrides import merge
from plait.model import MultiTaskModel, Transfer
from plait.model.folder import read_model
from plait.recipes import Recipe
from plait.regularization import Regularizer
from plait.sharing import Sharing
from plait.tasks import Task
from plait.training import Callback, Trainer, steps_per_epoch
from plait.training.options import GroupOptions, TrainerOptions


@dataclass(frozen=True)
class Job:
    """What a run needs: the problem, the loaders of its splits, and a trainer with the model.

    `transfer` says what the model has taken over from the runs that it starts from.
    """

    recipe: Recipe
    loaders: dict[str, DataLoader[Any]]
    trainer: Trainer
    transfer: Transfer | None = None


def build_job(
    config: RunConfig, folder: Path, callbacks: Sequence[Callback] = (), *, resume: bool = False
) -> Job:
    """Builds all objects of a run; nothing is written.

    Args:
        config: the settings.
        folder: the run folder.
        callbacks: are told of the training.
        resume: the weights will come from a checkpoint, so other runs are not read.

    Raises:
        ConfigError: an unknown method, task or option.
        DataError: data that are missing or break their rules.
    """
    recipe = build_recipe(config)
    tasks = _tasks(config, recipe)
    balancer = _balancer(config.balancing)
    loaders = {
        split: loader(
            of_tasks(data, [task.name for task in tasks]),
            batch_size=config.batch_size,
            shuffle=split == "train",
            seed=config.seed,
            workers=config.workers,
        )
        for split, data in recipe.splits().items()
    }
    example = next(iter(loaders["val"]))[0]
    model = _model(config, recipe, tasks, example)
    transfer = None if resume else _start(model, config, recipe)
    if config.freeze:
        model.freeze(*config.freeze)
    steps = config.epochs * steps_per_epoch(len(loaders["train"]), config.accumulate, balancer)
    trainer = Trainer(
        model,
        balancer,
        **_optimizer(config.optimizer),
        scheduler=_scheduler(
            config.scheduler, steps, config.optimizer.options.get("lr", GroupOptions.lr)
        ),
        schedule=LossSchedule(config.schedule) if config.schedule else None,
        run=folder,
        callbacks=callbacks,
        **chosen(TrainerOptions, config),
        **chosen(Options, config),
    )
    return Job(recipe, loaders, trainer, transfer)


def build_recipe(config: RunConfig) -> Recipe:
    """Builds the recipe; its data folder is given where it reads one."""
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
    recipe: Recipe = _built(cls, config.recipe.options, "recipe", **given)
    return recipe


def recipe_class(name: str) -> type[Recipe]:
    """Returns the recipe of a name: `Digits`, `digits`, `OxfordPets` or `oxford-pets`."""
    known = {kebab(each): each for each in recipe_names()}
    if name not in known and name not in known.values() and ":" not in name:
        raise ConfigError(unknown("recipe", name, known))
    return find(known.get(name, name), plait.recipes, base=Recipe, kind="recipe")


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings laid on the defaults of the recipe that they name.

    Raises:
        ConfigError: they name no recipe.
    """
    recipe = settings.get("recipe")
    name = recipe.get("class") if isinstance(recipe, Mapping) else recipe
    if not isinstance(name, str):
        known = ", ".join(kebab(each) for each in recipe_names())
        raise ConfigError(f"name a recipe, such as `plait train digits`; known: {known}.")
    return merge(recipe_class(name).defaults, settings)


def recipe_names() -> list[str]:
    """Returns the class names of all recipes."""
    return [name for name in plait.recipes.__all__ if name != "Recipe"]


def kebab(name: str) -> str:
    """Returns a class name in kebab case.

    Example:
        >>> kebab("OxfordPets")
        'oxford-pets'
    """
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


def _tasks(config: RunConfig, recipe: Recipe) -> list[Task]:
    tasks = {task.name: task for task in recipe.tasks()}
    for name in [*(config.tasks or []), *config.weights]:
        if name not in tasks:
            raise ConfigError(unknown("task", name, tasks))
    for name, weight in config.weights.items():
        if not weight > 0:
            raise ConfigError(f"the weight of task {name!r} must be positive; found {weight}.")
        tasks[name].weight = weight
    return [tasks[name] for name in config.tasks or tasks]


def _model(config: RunConfig, recipe: Recipe, tasks: list[Task], example: Any) -> MultiTaskModel:
    encoder = _encoder(config, recipe)
    return MultiTaskModel(
        _method(config.sharing, plait.sharing, Sharing, "sharing", encoder=encoder),
        tasks,
        example=example,
        connections=_methods(config.connections, plait.connections, Connection, "connection"),
        regularization=_methods(
            config.regularization, plait.regularization, Regularizer, "regularizer"
        ),
        seed=config.seed,
    )


def _start(model: MultiTaskModel, config: RunConfig, recipe: Recipe) -> Transfer | None:
    """Takes over the weights of the runs that the configuration names."""
    if not config.start_from:
        return None
    sources = [_trained(Path(folder), config, recipe) for folder in config.start_from]
    return model.start_from(*sources, new_tasks=config.new_tasks)


def _encoder(config: RunConfig, recipe: Recipe) -> nn.Module:
    with seeded(config.seed, "encoder"):
        if config.encoder is None:
            return recipe.encoder()
        encoder: nn.Module = _method(config.encoder, plait.encoders, nn.Module, "encoder")
    return encoder


def _trained(folder: Path, config: RunConfig, recipe: Recipe) -> MultiTaskModel:
    """Returns the trained model of a run folder, or of a model folder.

    What its file cannot describe (a class of the user's own, metric objects) is the recipe's.
    """
    place = folder / "model" if (folder / "model").is_dir() else folder
    described, _ = read_model(place)
    own = {task.name: task for task in recipe.tasks()}
    tasks = None
    if None in described["tasks"] and all(name in own for name in described["names"]):
        tasks = [own[name] for name in described["names"]]
    encoder = _encoder(config, recipe) if described["encoder"] is None else None
    return MultiTaskModel.from_pretrained(place, encoder=encoder, tasks=tasks)


def _methods(given: Methods, package: Any, base: type[Any], kind: str) -> list[Any]:
    several = given if isinstance(given, list) else [given]
    return [_method(each, package, base, kind) for each in several if each is not None]


def _balancer(method: Method) -> Balancer:
    """Builds a balancer, and first the balancer that it wraps."""
    wrapped = method.options.get("method")
    if not isinstance(wrapped, str | Mapping):
        found: Balancer = _method(method, plait.balancing, Balancer, "balancer")
        return found
    cls = find(method.name, plait.balancing, base=Balancer, kind="balancer")
    options = {**method.options, "method": _balancer(Method.model_validate(wrapped))}
    balancer: Balancer = _built(cls, options, "balancer")
    return balancer


def _method(method: Method, package: Any, base: type[Any], kind: str, **given: Any) -> Any:
    cls = find(method.name, package, base=base, kind=kind)
    return _built(cls, method.options, kind, **given)


def _built(cls: type[Any], options: dict[str, Any], kind: str, **given: Any) -> Any:
    with _options_of(cls, options, kind):
        return build(cls, options, kind=kind, **given)


@contextmanager
def _options_of(cls: type[Any], options: dict[str, Any], kind: str) -> Iterator[None]:
    """Turns what a class says about the values that the user gave it into a `ConfigError`."""
    try:
        yield
    except PlaitError:
        raise
    except (TypeError, ValueError) as error:
        if not options:
            raise
        raise ConfigError(
            f"{kind} {cls.__name__} cannot be made with {options}: {error}"
        ) from error


def _optimizer(method: Method) -> dict[str, Any]:
    """Returns the Trainer's arguments for an optimizer of torch."""
    cls: type[Any] = find(method.name, torch.optim, base=torch.optim.Optimizer, kind="optimizer")
    options = method.options
    common: dict[str, Any] = {
        key: _number(f"optimizer.{key}", options.pop(key))
        for key in ("lr", "weight_decay")
        if key in options
    }
    _check_options(cls, options, "optimizer")

    def make(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        with _options_of(cls, method.options, "optimizer"):
            optimizer: torch.optim.Optimizer = cls(groups, **options)
        return optimizer

    return {"optimizer": make, **common}


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"setting {key!r} must be a number; found {value!r}.")
    return float(value)


def _scheduler(method: Method | None, steps: int, rate: float) -> Any:
    """Returns a function that makes the scheduler.

    Args:
        method: any class of `torch.optim.lr_scheduler`; rates that it sets anew (`max_lr`,
            `base_lr`) are those of the base rate, and groups with a factor keep their factor.
        steps: of the whole training.
        rate: the base learning rate.
    """
    if method is None:
        return None
    schedulers = torch.optim.lr_scheduler
    cls: type[Any] = find(method.name, schedulers, base=schedulers.LRScheduler, kind="scheduler")
    options = method.options
    for length in ("total_steps", "T_max"):
        if length in parameters(cls):
            options.setdefault(length, steps)
    _check_options(cls, options, "scheduler")

    def make(optimizer: torch.optim.Optimizer) -> Any:
        factors = [group["lr"] / rate for group in optimizer.param_groups]
        by_group: dict[str, Any] = {
            key: [float(options[key]) * factor for factor in factors]
            for key in ("max_lr", "base_lr")
            if isinstance(options.get(key), int | float) and key in parameters(cls)
        }
        with _options_of(cls, options, "scheduler"):
            return cls(optimizer, **(options | by_group))

    return make


def _check_options(cls: type[Any], options: dict[str, Any], kind: str) -> None:
    _, *taken = parameters(cls).values()  # the first is what it is built on
    allowed = [each.name for each in taken]
    for option in options:
        if option not in allowed:
            raise ConfigError(
                f"{kind} {cls.__name__} has no option {option!r}; it takes: {', '.join(allowed)}."
                f"{suggest(option, allowed)}"
            )
    for each in taken:
        if each.default is inspect.Parameter.empty and each.name not in options:
            raise ConfigError(
                f"{kind} {cls.__name__} needs the option {each.name!r}. "
                f"Set it: {kind}.{each.name}=..."
            )
