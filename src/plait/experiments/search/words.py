"""The space of a search as people write it: `optimizer.lr=1e-4..1e-2`, `balancing=Equal,UPGrad`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plait.core.errors import ConfigError, suggest
from plait.experiments.build import Problem, build_job
from plait.experiments.build.problem import ABOUT
from plait.experiments.config import RunConfig
from plait.experiments.method_options import takes
from plait.experiments.search.defaults import (
    DECAYS,
    LR,
    RATIO,
    SCHEDULED,
    Refused,
    choices_of,
    decay,
    default_space,
    numbers_of,
    over_weights,
    rate,
    refused,
    weights_refused,
)
from plait.experiments.search.dimension import Choices, Dimension, Numbers
from plait.experiments.search.entries import RANGE, choices_in, pairs
from plait.experiments.search.places import METHODS, Option, own_options, value_at
from plait.experiments.search.space import WEIGHT, Space
from plait.experiments.settings_list import run_settings

DEFAULT, WEIGHTS = "default", WEIGHT.rstrip(".")
RATIOS = 10.0  # from so many times its lower end on, a range is one of ratios
# Settings that say what is learned, how it is measured, and where it runs.
NOT_SEARCHED = (
    *ABOUT,
    *("tasks", "seed", "rule", "all_right", "best", "gallery", "device", "workers", "start_from"),
    *("log_every", "measure_every", "checkpoint_every", "async_save"),
    *("first_steps", "minutes", "route"),
)


def read_space(words: Sequence[str], config: RunConfig, problem: Problem) -> Space:
    """Returns the space that words or files name; `default_space` where there are none.

    A word is

    - ``KEY=LOW..HIGH``: numbers, by their ratio where HIGH is at least ten times LOW;
    - ``KEY=A,B,C``: choices, which may be methods with options (``{class: CAGrad, c: 0.2}``);
    - ``KEY``: numbers around the value of an option, or all its choices;
    - ``sharing``, ``balancing``, ...: all options of the method that is set there;
    - ``weights`` or ``weights=LOW..HIGH``: static weights of the tasks, as ratios;
    - ``default``: the space that is searched if nothing is named;
    - a file, ``space.yaml``: ``KEY: LOW..HIGH``, ``KEY: [A, B, C]``, ``KEY: true``.

    Of two that name one setting, the last counts.

    Args:
        words: of the command line.
        config: the settings that the search starts from.
        problem: which they are about.

    Raises:
        ConfigError: an unknown setting, one that no search may change, a range that a run cannot
            have, or one that has no effect.

    Example:
        >>> read_space(["optimizer.lr=1e-4..1e-2"], config, problem)  # doctest: +SKIP
    """
    build_job(config, Path(), problem=problem)  # what is wrong with all settings is told first
    if not words:
        return default_space(config, problem)
    found: dict[str, Dimension] = {}
    weights: tuple[float, float] | None = None
    reader = _Reader(config, problem, dict(pairs(words)))
    for key, text in reader.given.items():
        if key == DEFAULT:
            space = default_space(config, problem)
            weights = RATIO if space.weights else None
            own = [each for each in space.dimensions if not each.key.startswith(WEIGHT)]
        elif key == WEIGHTS:
            weights, own = _ratios(text), []
        else:
            own = reader.dimensions(key, text)
        found |= {each.key: each for each in own}
    for each in found.values():
        reader.check(each)
    space = Space(tuple(found.values()))
    if weights is None:
        return space
    weighted = over_weights(space, config, problem, *weights)
    for base in reader.balanced():
        why = weights_refused(weighted, base, reader.why)
        if why:
            raise ConfigError(f"`{WEIGHTS}` cannot be searched: {why}")
    return weighted


class _Reader:
    """Reads the ranges of one search."""

    def __init__(self, config: RunConfig, problem: Problem, given: Mapping[str, Any]) -> None:
        self.config, self.given = config, given
        self.why: Refused = refused(problem)
        self.settings = config.described()
        self.options = {each.key: each for each in self._options()}
        methods = [name for name in METHODS if value_at(self.settings, name) is not None]
        self._takes = {each.key: each.takes for each in run_settings(self.settings)}
        self._takes |= {each.key: takes(each.hint) for each in self.options.values()}
        self.known = [DEFAULT, WEIGHTS, *methods, *self._takes]

    def dimensions(self, key: str, text: Any) -> list[Dimension]:
        """Returns the dimensions of one entry."""
        self._check_key(key)
        if text is not None:
            return [_dimension(key, text, whole="float" not in self._takes[key])]
        if key in (LR, SCHEDULED):
            return [rate(self.config)]
        if key == DECAYS:
            return [decay(self.config)]
        meant = [each for each in self.options.values() if each.key == key]
        if key in METHODS:
            meant = own_options(self.settings, [key])
        found = [range_ for each in meant for range_ in self._own(each)]
        if not found:
            what = (
                "has no options that could be" if key in METHODS else "has no range that could be"
            )
            raise ConfigError(
                f"`{key}` {what} searched without being told. Write {key}=LOW..HIGH or {key}=A,B."
            )
        return found

    def check(self, dimension: Dimension) -> None:
        """Raises `ConfigError` unless a run can have each end of a range, and each choice."""
        base = self._with_parent(dimension.key)
        space = Space((dimension,))
        for label in _ends(dimension):
            why = self.why(space.config(base, {dimension.key: label}))
            if why:
                raise ConfigError(f"a run cannot have {dimension.key}={label}: {why}")

    def balanced(self) -> list[RunConfig]:
        """Returns the settings with each balancer that is a choice; as they are if none is."""
        text = self.given.get("balancing")
        if text is None:
            return [self.config]
        choices = Choices("balancing", tuple(choices_in("balancing", text)))
        space = Space((choices,))
        return [space.config(self.config, {"balancing": label}) for label in choices.labels]

    def _own(self, option: Option) -> list[Dimension]:
        return [*numbers_of(option, self.config, self.why), *choices_of(option)]

    def _check_key(self, key: str) -> None:
        head = key.partition(".")[0]
        if head in NOT_SEARCHED:
            why = {
                "seed": "the best of several seeds is the luckiest",
                "tasks": f"write `{WEIGHTS}` for static weights",
            }.get(head, "it says what is learned, how it is measured, or where it runs")
            raise ConfigError(f"`{key}` is no setting to search: {why}.")
        if key not in self.known:
            raise ConfigError(
                f"unknown setting {key!r} to search.{suggest(key, self.known)} `plait train FILE "
                "--help-settings` lists all settings."
            )
        if head == "optimizer" and key == LR and value_at(self.settings, SCHEDULED) is not None:
            raise ConfigError(
                f"`{LR}` has no effect: the scheduler sets the rate by `{SCHEDULED}`. Search that."
            )

    def _options(self) -> Iterator[Option]:
        """Yields the options of all methods: those of the settings, and those that are choices."""
        yield from own_options(self.settings)
        for key, text in self.given.items():
            for choice in choices_in(key, text) if key in METHODS and text is not None else ():
                yield from own_options({key: choice}, [key])

    def _with_parent(self, key: str) -> RunConfig:
        """Returns settings in which a key has an effect: those with the method that has it."""
        head = key.partition(".")[0]
        text = self.given.get(head)
        if head == key or text is None or head not in METHODS:
            return self.config
        choices = Choices(head, tuple(choices_in(head, text)))
        for choice in choices.values:
            if key in {each.key for each in own_options({head: choice}, [head])}:
                point = {head: choices.label(choice)}
                return Space((choices,)).config(self.config, point)
        return self.config


def _dimension(key: str, text: Any, *, whole: bool) -> Dimension:
    """Returns the range or the choices that a text, or an entry of a file, says.

    Args:
        key: the setting.
        text: what was said.
        whole: whether it takes integers alone.
    """
    match = RANGE.fullmatch(text.replace(" ", "")) if isinstance(text, str) else None
    if match is None:
        return Choices(key, tuple(choices_in(key, text)))
    low, high = (float(end) for end in match.groups())
    if not low < high:
        raise ConfigError(f"the range of `{key}` must be LOW..HIGH with LOW < HIGH; found {text}.")
    whole = whole and low.is_integer() and high.is_integer()
    log = low > 0 and high >= RATIOS * low
    return Numbers(key, int(low) if whole else low, int(high) if whole else high, log, whole)


def _ratios(text: Any) -> tuple[float, float]:
    if text is None:
        return RATIO
    found = _dimension(WEIGHTS, text, whole=False)
    if not isinstance(found, Numbers) or found.low <= 0:
        raise ConfigError(
            f"`{WEIGHTS}` needs a range of positive ratios, such as 0.1..10; found {text!r}."
        )
    return float(found.low), float(found.high)


def _ends(dimension: Dimension) -> list[Any]:
    return dimension.labels if isinstance(dimension, Choices) else [dimension.low, dimension.high]
