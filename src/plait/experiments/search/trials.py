"""The trials of one row of a comparison: its own settings first, then others of a space."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from plait.core.errors import ConfigError, InputError
from plait.core.extras import need
from plait.experiments.build import Problem
from plait.experiments.config import RunConfig, validate
from plait.experiments.search.defaults import Refused, default_space, rate, refused
from plait.experiments.search.places import laid
from plait.experiments.search.space import Space

MOST_DRAWN = 50  # times as many points as trials, of which some are refused or drawn twice
RATES = (1 / 3, 1.0, 3.0)  # times the learning rate of the settings


@dataclass(frozen=True)
class Trial:
    """Settings that a search tries.

    Attributes:
        number: from 0, which is the settings that the search starts from.
        point: `{key: label}` of the space; empty for number 0.
        config: the settings of its run.
    """

    number: int
    point: dict[str, Any]
    config: RunConfig


def trials_for(
    config: RunConfig,
    trials: int,
    *,
    problem: Problem,
    space: Space | None = None,
    seed: int = 0,
) -> list[Trial]:
    """Returns the settings that are tried for one row of a comparison.

    The first are `config` itself. The others are points of the space spread evenly (a scrambled
    Sobol sequence), so they depend on no score, and may be trained in any order and process. Those
    that a run cannot have, and those drawn already, are passed over. The same arguments give the
    same trials, and more trials begin with those of fewer. Which is best is to be chosen by the
    score of each run on the validation data, so train them with ``run(..., test=False)``.

    Args:
        config: the settings of the row: of a joint network, or of one task alone.
        trials: how many, at least 1; fewer are returned where a space of choices alone has fewer.
        problem: of the runs.
        space: what is searched; `default_space` by default.
        seed: of the points.

    Raises:
        ConfigError: no trial is asked for; or of the points of a space, so many cannot be had that
            something must be wrong with it.

    Reference: I. M. Sobol', "On the distribution of points in a cube and the approximate
    evaluation of integrals", USSR Computational Mathematics and Mathematical Physics, 1967.
    """
    if trials < 1:
        raise ConfigError(f"a search needs at least one trial; found {trials}.")
    space = default_space(config, problem) if space is None else space
    points = drawn(space, config, seed=seed, why=refused(problem), most=MOST_DRAWN * trials)
    found = [Trial(0, {}, config)]
    for _, (point, own) in zip(range(trials - 1), points, strict=False):
        found.append(Trial(len(found), point, own))
    return found


def drawn(
    space: Space, config: RunConfig, *, seed: int, why: Refused, most: int
) -> Iterator[tuple[dict[str, Any], RunConfig]]:
    """Yields points of a space with their settings, spread evenly; never the same settings twice.

    Args:
        space: what is searched.
        config: the settings that the search starts from, which are not yielded.
        seed: of the sequence.
        why: tells why a run cannot have some settings.
        most: so many points are tried.

    Raises:
        ConfigError: not one of 20 points can be had.
    """
    seen, said = [config], ""
    for count, shares in enumerate(_sobol(len(space.dimensions), seed, most)):
        if count == 20 and len(seen) == 1 and said:
            raise ConfigError(
                f"of {count} points of the space, no run can have one; of the last: {said}"
            )
        try:
            point = space.at(shares)
            own = space.config(config, point)
        except InputError as error:
            said = str(error)
            continue
        if own in seen:
            continue
        reason = why(own)
        said = reason or said
        if not reason:
            seen.append(own)
            yield point, own


def rates_of(config: RunConfig) -> list[RunConfig]:
    """Returns settings with a third, once and three times the learning rate of some settings.

    What a comparison without trials searches once, on the plain joint network; all rows then use
    the best of them.
    """
    own = rate(config)
    middle = math.sqrt(own.low * own.high)
    values = [own.written(middle * factor) for factor in RATES]
    return [validate(laid(config.described(), own.key, value)) for value in values]


def _sobol(dimensions: int, seed: int, most: int) -> Iterator[list[float]]:
    """Yields points of the unit cube, `most` or a few more."""
    if not dimensions:
        return
    qmc = need("scipy.stats.qmc", extra="app", purpose="A search for settings")
    engine = qmc.Sobol(dimensions, scramble=True, seed=seed)
    for shares in engine.random_base2(math.ceil(math.log2(max(2, most)))):
        yield [float(share) for share in shares]
