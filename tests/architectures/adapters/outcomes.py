"""Outcomes of joint training: changes, ranks, fronts."""

from __future__ import annotations

import numpy as np

from plait.evaluation import delta_m, hypervolume, mean_rank, pareto_front, ranks, relative_change
from tests.architectures.adapters.files import Golden


def mean_change(golden: Golden) -> None:
    golden.know("formula")
    new, base, directions = (golden.inputs[key] for key in ("new", "base", "higher_is_better"))
    gains = {
        task: {
            str(number): float(relative_change(value, before, higher_is_better=higher))
            for number, (value, before, higher) in enumerate(
                zip(new[task], base[task], directions[task], strict=True)
            )
        }
        for task in base
    }
    fractions = {task: [gain / 100 for gain in each.values()] for task, each in gains.items()}
    golden.check({t: np.array(each) for t, each in fractions.items()}, "per_metric")
    golden.check({t: np.mean(each) for t, each in fractions.items()}, "per_task")
    golden.check(np.float64(delta_m(gains) / 100), "delta_m")
    golden.check(np.float64(delta_m(gains)), "delta_m_percent")


def mean_ranks(golden: Golden) -> None:
    golden.know("formula")
    table, directions = golden.inputs["table"], golden.inputs["higher_is_better"]
    golden.check(ranks(table, directions), "ranks")
    golden.check(mean_rank(table, directions), "mean_rank")


def pareto(golden: Golden) -> None:
    golden.know("formula")
    points = np.array(golden.inputs["points"])
    golden.check(pareto_front(points).astype(float), "non_dominated")
    found = hypervolume(points, golden.inputs["ref"])
    golden.check(np.float64(found.volume), "hypervolume")
    golden.check(np.asarray(found.exclusive), "exclusive_contribution")


METHODS = {"delta_m": mean_change, "mean_rank": mean_ranks, "pareto": pareto}
