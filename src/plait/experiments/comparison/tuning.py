"""Settings that are chosen on the validation split, before any test part is read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from plait.core.errors import ConfigError
from plait.experiments.comparison.defaults import PLAIN_SUM
from plait.experiments.comparison.member import PLAIN, Member
from plait.experiments.comparison.plan import Planned, joint
from plait.experiments.comparison.runner import Runner
from plait.experiments.config import RunConfig
from plait.experiments.jobs import Failure, RunSpec
from plait.experiments.search.defaults import (
    decay,
    default_space,
    over_weights,
    rate,
    refused,
    weights_refused,
)
from plait.experiments.search.space import Space
from plait.experiments.search.trials import rates_of, trials_for
from plait.runs.comparison_member import ALL
from plait.runs.result import RunResult

Found = RunResult | Failure

TUNED_WEIGHTS = Member(
    "tuned-weights",
    "Fixed weights, tuned",
    "min sum_t w_t L_t, w chosen on the validation split",
    {**PLAIN},
)


def best_rate(runner: Runner, config: RunConfig) -> RunConfig:
    """Returns the settings with the best of three learning rates, on the plain joint network.

    A third, once and three times its own, from the first seed; the score of its rule on the
    validation split says which is best, the first of equal ones.

    Raises:
        ConfigError: all three trainings have failed.
    """
    candidates = rates_of(config)
    plain = [joint(each, PLAIN_SUM).networks[ALL] for each in candidates]
    names = [f"rate-{place}" for place in range(len(plain))]
    found = _tried(runner, plain, names)
    best = _best(found)
    if best is None:
        raise ConfigError(
            "the plain sum has failed with each of three learning rates: "
            f"{_reason(found)}. Name one, such as optimizer.lr=1e-4: no others are then tried."
        )
    return candidates[best]


def tuned(runner: Runner, planned: Planned, trials: int, *, space: Space | None = None) -> Planned:
    """Returns a member with the best of several settings of each of its networks.

    Each network is tried with its own settings and `trials` - 1 others of its own space, from the
    first seed; the score of its rule on the validation split says which is best. One whose trials
    have all failed keeps its own settings.
    """
    networks: dict[str, RunConfig] = {}
    chosen: dict[str, Any] = {}
    for network, own in planned.networks.items():
        options = trials_for(own, trials, problem=runner.problem, space=space, seed=runner.seeds[0])
        names = [f"{planned.folder(network)}/{trial.number:03d}" for trial in options]
        best = _best(_tried(runner, [trial.config for trial in options], names))
        networks[network] = own if best is None else options[best].config
        point = {} if best is None else options[best].point
        chosen |= {f"{network}: {key}" if network else key: value for key, value in point.items()}
    return replace(planned, networks=networks, tuned=chosen, trials=trials)


def tuned_rates(runner: Runner, planned: Planned, trials: int) -> Planned:
    """Returns a joint network with the best of several learning rates and weight decays.

    What else it has, such as its static weights, is not chosen.
    """
    own = planned.networks[ALL]
    return tuned(runner, planned, trials, space=Space((rate(own), decay(own))))


def tuned_weights(runner: Runner, config: RunConfig, trials: int) -> Planned | None:
    """Returns the plain sum with fixed weights that were chosen on the validation split.

    The weights are among the options of its trials, beside those of other members. None where
    static weights cannot be chosen by the rule, or there is one task.
    """
    plain = joint(config, PLAIN_SUM).networks[ALL]
    space = over_weights(default_space(plain, runner.problem), plain, runner.problem)
    if weights_refused(space, plain, refused(runner.problem)):
        return None
    return tuned(runner, Planned(TUNED_WEIGHTS, {ALL: plain}), trials, space=space)


def _tried(runner: Runner, configs: Sequence[RunConfig], names: Sequence[str]) -> list[Found]:
    """Trains settings from the first seed, and leaves the test split alone."""
    folder = Path(runner.folder) / "trials"
    specs = [
        RunSpec(
            config.model_copy(update={"seed": runner.seeds[0]}),
            folder / name,
            problem=runner.config,
            test=False,
        )
        for config, name in zip(configs, names, strict=True)
    ]
    return runner.results(specs, [f"trial {name}" for name in names])


def _best(found: Sequence[Found]) -> int | None:
    """Returns the place of the highest score, the first of equal ones; None if all have failed."""
    scores = [-math.inf if isinstance(each, Failure) else each.score for each in found]
    scores = [-math.inf if math.isnan(score) else score for score in scores]
    highest = max(scores)
    return None if highest == -math.inf else scores.index(highest)


def _reason(found: Sequence[Found]) -> str:
    return next((each.reason for each in found if isinstance(each, Failure)), "no score")
