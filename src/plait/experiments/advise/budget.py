"""A plan that fits into a number of minutes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from plait.core.errors import ConfigError
from plait.core.typed_json import read_typed_if_there, write_typed

PLAN = "plan.json"
MOST_SEEDS = 5
FINALISTS = 2
LEAST_SHARE = 1 / 3  # of the epochs, before seeds are given up
SINGLE = 1.5  # cost of all single-task networks together, in plain joint trainings
MEMBER = 1.5  # of a member; some run one network per task, many end before their last epoch
DROPPED = 0.5  # share of its epochs that a candidate is trained for on average


@dataclass(frozen=True)
class Plan:
    """The size of an advice: epochs and seeds.

    Attributes:
        epochs: of each training.
        seeds: of the finalists and of the single-task networks.
        sentence: what was cut, in words; "" if nothing.
        settled: whether the seeds were counted again by what trainings have taken.
    """

    epochs: int
    seeds: int
    sentence: str = ""
    settled: bool = False


def plan(epochs: int, epoch_seconds: float, seconds: float, *, seeds: int, candidates: int) -> Plan:
    """Returns the largest plan that fits into the time that is left.

    One training of E epochs is taken to cost E times the seconds of an epoch of the plain joint
    network; all single-task networks together, and each other member, half as much again. Epochs
    are cut to a third, then seeds to one, then epochs further.

    Args:
        epochs: that the settings ask for.
        epoch_seconds: of an epoch of the plain joint network, with its evaluation.
        seconds: that are left.
        seeds: at most.
        candidates: how many are tried before the finals.

    Example:
        >>> plan(30, 1.0, 3600, seeds=3, candidates=4).epochs
        30
        >>> small = plan(30, 1.0, 120, seeds=3, candidates=4)
        >>> small.seeds, small.epochs
        (1, 14)
    """

    def fitting(count: int) -> int:
        trainings = count * (1 + SINGLE + FINALISTS * MEMBER) + candidates * MEMBER * DROPPED
        return int(seconds / (trainings * max(epoch_seconds, 1e-9)))

    least = max(1, round(epochs * LEAST_SHARE))
    for count in range(seeds, 0, -1):
        possible = fitting(count)
        if possible >= least or count == 1:
            found = max(1, min(epochs, possible))
            return Plan(found, count, _told(epochs, found, seeds, count))
    raise AssertionError("one seed is always tried")


def kept_plan(
    folder: Path,
    epochs: int,
    epoch_seconds: float,
    seconds: float,
    *,
    seeds: int,
    candidates: int,
) -> Plan:
    """Returns the plan that was made in a folder before, or makes and keeps one; see `plan`.

    Runs of other lengths would be other runs: an advice that goes on keeps its plan.
    """
    path = folder / PLAN
    kept = read_typed_if_there(Plan, path, hint="Name another folder with --out.")
    if kept is not None:
        return kept
    if math.isnan(epoch_seconds):
        raise ConfigError("the first look has finished no epoch: give it more --minutes.")
    found = plan(epochs, epoch_seconds, seconds, seeds=seeds, candidates=candidates)
    write_typed(path, found)
    return found


def settle(
    folder: Path, planned: Plan, epochs: int, seconds: float, once: float, *, seeds: int
) -> Plan:
    """Returns the plan with the seeds that fit into the time that is left, and keeps it.

    Trainings that ended before their last epoch have taken less than was planned. Seeds are added,
    and none is taken away; a plan that was settled before stays.

    Args:
        folder: of the advice.
        planned: its plan so far.
        epochs: that the settings ask for.
        seconds: that are left for the finals.
        once: seconds that the plain joint network and those of one task have taken, from one seed.
        seeds: at most.
    """
    if planned.settled or not once > 0:
        return planned
    each = once * (1 + FINALISTS * MEMBER / (1 + SINGLE))
    count = min(seeds, max(planned.seeds, int(seconds / each)))
    found = Plan(planned.epochs, count, _told(epochs, planned.epochs, seeds, count), settled=True)
    write_typed(folder / PLAN, found)
    return found


def _told(epochs: int, found: int, seeds: int, count: int) -> str:
    cut = []
    if found < epochs:
        cut.append(f"{found} of {epochs} epochs")
    if count < seeds:
        cut.append(f"{count} of {seeds} seeds")
    return f"the time allows {' and '.join(cut)}" if cut else ""
