"""Members of a comparison, and ready-made lists of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plait.runs.comparison_member import Kind


@dataclass(frozen=True, eq=False)
class Member:
    """One way of predicting all tasks.

    Attributes:
        name: short and unique; names its run folders.
        title: in full, for the report; what stands behind a colon is its short form.
        formula: what it minimises; empty where the title says enough.
        settings: laid on those of the comparison; empty for none of its own.
        kind: whether it is one network of all tasks, or something else.
    """

    name: str
    title: str
    formula: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind = "joint"


SINGLE = Member("single", "Single-task networks", "min L_t, one network per task", kind="single")
"""A network for each task: what all else is compared to."""

PLAIN: dict[str, Any] = {
    "sharing": "Hard",
    "balancing": "Equal",
    "regularization": None,
    "connections": None,
}
"""The methods of the plain sum: one encoder, nothing weighted, tied or connected."""

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
