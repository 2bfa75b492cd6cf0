"""Single-task networks that are merged into one network, without training."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plait.core.errors import NonFiniteError, ShapeError, UnsupportedError
from plait.evaluation import Evaluation
from plait.experiments.baselines.merging_ways import MERGING, MergingWay
from plait.experiments.baselines.no_row import NoRow
from plait.experiments.baselines.single_networks import SingleNetworks
from plait.experiments.build import Problem, open_problem
from plait.experiments.config import RunConfig
from plait.model import MultiTaskModel
from plait.runs.resamples import Resamples


@dataclass(frozen=True, eq=False)
class Merged:
    """A merged network, and how good it is.

    Attributes:
        model: the trunk merged, each task's head its own; in eval mode.
        strength: the one of the grid with the best score on the validation split, the first of
            equal ones.
        tried: `{strength: score on the validation split, by the run's rule}`; NaN where a
            prediction is not finite.
        validation: losses and metrics on the validation split.
        test: the same on the test split, which was read once, after the choice.
        resamples: metrics on resamples of the test split; None where they were not asked for.
        seconds: spent in merging and measuring.
    """

    model: MultiTaskModel
    strength: float
    tried: Mapping[float, float]
    validation: Evaluation
    test: Evaluation
    resamples: Resamples | None
    seconds: float


def merged(
    config: RunConfig,
    folders: Mapping[str, Path],
    *,
    problem: Problem | None = None,
    resamples: int = 0,
) -> dict[str, Merged | NoRow]:
    """Merges the finished single-task networks of one seed, in each way of `MERGING`.

    The common start theta_0 is the encoder of that seed before training. The weights of the trunks
    are merged, other floating entries averaged, statistics of BatchNorm estimated anew on training
    inputs, and each task keeps its own head. The strength is chosen from the grid of the way by the
    run's rule on the validation split.

    Args:
        config: the settings of the joint network, with the seed; its sharing, regularisation and
            connections do not matter.
        folders: `{task: run folder of its own network}` of all tasks.
        problem: the data that were opened for `config`; opened here by default.
        resamples: of the test split, as for `run`; 0 for none.

    Returns:
        `{name of a way: the merged network, or why there is none}`.

    Raises:
        CheckpointError: a run folder has no model, or a damaged one.
        ConfigError: a folder holds no run.

    Cost: one pass over the training labels; for each strength a pass over the validation split,
        and with BatchNorm one of at most 200 training batches; for each way one pass over the test
        split. No training.
    """
    try:
        networks = SingleNetworks(config, folders, problem or open_problem(config))
        return {name: _in_one_way(way, networks, resamples) for name, way in MERGING.items()}
    except (UnsupportedError, ShapeError) as error:
        return dict.fromkeys(MERGING, NoRow(str(error)))


def _in_one_way(way: MergingWay, networks: SingleNetworks, resamples: int) -> Merged | NoRow:
    """Merges with the strength that is best on the validation split, and tests that once."""
    began = time.perf_counter()
    tried: dict[float, float] = {}
    for strength in way.strengths:
        networks.merge(way.merge, strength)
        try:
            tried[strength] = networks.score(networks.evaluate("val"))
        except NonFiniteError:
            tried[strength] = math.nan
    known = {strength: score for strength, score in tried.items() if not math.isnan(score)}
    if not known:
        return NoRow("the merged networks have no score on the validation split.")
    best = max(known, key=lambda strength: known[strength])
    networks.merge(way.merge, best)
    validation = networks.evaluate("val")
    test, drawn = networks.test(resamples)
    return Merged(
        model=copy.deepcopy(networks.model),
        strength=best,
        tried=tried,
        validation=validation,
        test=test,
        resamples=drawn,
        seconds=time.perf_counter() - began,
    )
