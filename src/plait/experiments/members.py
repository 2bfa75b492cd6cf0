"""Ready-made lists of joint networks to compare with single-task ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Member:
    """One joint network of a comparison.

    Attributes:
        name: short and unique; names its run folder.
        title: in full, for the report; what stands behind a colon is its short form.
        formula: what it minimises; empty where the title says enough.
        settings: laid on those of the comparison; empty for none of its own.
    """

    name: str
    title: str
    formula: str
    settings: Mapping[str, Any]


JOINT = (Member("joint", "Joint", "", {}),)
"""The network of the comparison's own settings, alone."""

FAMILIES = (
    Member(
        "shared",
        "Shared parameters: Hard",
        "min sum_t L_t, one encoder for all tasks",
        {"sharing": "Hard"},
    ),
    Member(
        "tied",
        "Inter-task regularisation: PairwiseL2",
        "min sum_t L_t + lambda sum_{s<t} |theta_s - theta_t|^2, one network per task",
        {
            "sharing": "Separate",
            "regularization": {"class": "PairwiseL2", "strength": 1e-3},
        },
    ),
    Member(
        "connected",
        "Inter-task connections: CrossStitch",
        "min sum_t L_t, x_t <- sum_s alpha_st x_s after each stage, one network per task",
        {"sharing": "Separate", "connections": "CrossStitch"},
    ),
)
"""One network of each way in which tasks share information."""
