"""The members of a comparison that names none."""

from __future__ import annotations

from pathlib import Path

from plait.core.errors import PlaitError
from plait.experiments.build import Problem, build_job
from plait.experiments.comparison.member import PLAIN, Member
from plait.experiments.config import RunConfig, validate
from plait.experiments.overrides import merge

PLAIN_SUM = Member("plain-sum", "Plain sum", "min sum_t L_t, one encoder for all tasks", PLAIN)
"""The plain joint network, which is in every table."""

CHOSEN = (
    Member(
        "uncertainty-weights",
        "Uncertainty weights",
        "min sum_t exp(-s_t) L_t + s_t, s learned",
        {**PLAIN, "balancing": "UncertaintyWeights"},
    ),
    Member(
        "upgrad",
        "UPGrad",
        "the mean of the gradients, each projected so that it harms no task",
        {**PLAIN, "balancing": "UPGrad"},
    ),
    Member(
        "famo",
        "FAMO",
        "weights that let all losses fall at one relative rate",
        {**PLAIN, "balancing": "FAMO"},
    ),
    Member("mmoe", "MMoE", "experts for all tasks, a gate for each", {**PLAIN, "sharing": "MMoE"}),
    Member(
        "cross-stitch",
        "Cross-stitch",
        "min sum_t L_t, x_t <- sum_s alpha_st x_s after each stage, one network per task",
        {**PLAIN, "sharing": "Separate", "connections": "CrossStitch"},
    ),
)
PENALTIES = (
    Member(
        "hint",
        "Hint",
        "min sum_t L_t + sum_st alpha_st |r(h_s) - h_t|^2, one network per task",
        {**PLAIN, "sharing": "Separate", "connections": {"class": "Hint", "alpha": 0.1}},
    ),
    Member(
        "consistency",
        "Consistency",
        "min sum_t L_t + sum_st alpha_st d(y_t, g_st(y_s)), one network per task",
        {**PLAIN, "sharing": "Separate", "connections": {"class": "Consistency", "alpha": 0.1}},
    ),
)
TIED = Member(
    "mean-regularised",
    "Mean-regularised",
    "min sum_t L_t + lambda sum_t |theta_t - mean|^2, one network per task",
    {
        **PLAIN,
        "sharing": "Separate",
        "regularization": {"class": "MeanRegularized", "strength": 1e-3},
    },
)


def default_members(config: RunConfig, problem: Problem) -> list[Member]:
    """Returns the members of a comparison that names none: one of each kind that fits the problem.

    Uncertainty weights, UPGrad and FAMO over one encoder; MMoE; cross-stitch; the first penalty
    connection that fits the tasks, of Hint and Consistency; mean-regularised networks. One that
    this encoder or these tasks cannot have is left out.
    """
    penalty = next((each for each in PENALTIES if fits(each, config, problem)), None)
    wanted = [*CHOSEN, *([penalty] if penalty else []), TIED]
    return [each for each in wanted if fits(each, config, problem)]


def fits(member: Member, config: RunConfig, problem: Problem) -> bool:
    """Returns whether the runs of a member can be built, on the encoder and tasks of a problem."""
    try:
        build_job(validate(merge(config.described(), member.settings)), Path(), problem=problem)
    except PlaitError:
        return False
    return True
