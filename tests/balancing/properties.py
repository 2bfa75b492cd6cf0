"""What each Gramian method promises, as data: one entry is all that a further method adds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from plait.balancing import (
    IMTLG,
    MGDA,
    AlignedMTL,
    CAGrad,
    ConFIG,
    DualProj,
    FairGrad,
    GramianBalancer,
    NashMTL,
    UPGrad,
)

Jacobian = np.ndarray
Direction = np.ndarray


def itself(gradient: np.ndarray) -> Direction:
    return gradient


def unit(gradient: np.ndarray) -> Direction:
    found: Direction = gradient / np.linalg.norm(gradient)
    return found


def root(gradient: np.ndarray) -> Direction:
    """FairGrad with alpha = 2: w |g|^2 = w^(-1/2)."""
    found: Direction = gradient * np.linalg.norm(gradient) ** (-4 / 3)
    return found


@dataclass(frozen=True)
class Promise:
    """What holds for a method.

    Attributes:
        make: gives the method, with the options that the promises are for.
        degree: d(s J) = s^degree d(J) for s > 0.
        continuous: d is a continuous function of J, so that rounding may not change it by much.
        by_rows: with J -> diag(c) J, c > 0, d does "not" change, changes its "length" alone, is
            "linear" in c, or None of it.
        one_task: d for a single gradient.
        benign: where no two gradients conflict d is their "mean", their "sum", or None of it.
        dependent: gradients of more tasks than parameters still give a direction.
        nonnegative: no weight is below 0.
        stops: d = 0 where 0 is a convex combination of all rows, with positive weights.
        descends: J d >= 0 always.
        degenerate: `{kind of input: d}` for the inputs of the table in `test_degenerate`.
    """

    make: Callable[[], GramianBalancer]
    degree: float = 1.0
    continuous: bool = True
    by_rows: str | None = None
    one_task: Callable[[np.ndarray], Direction] = itself
    benign: str | None = None
    dependent: bool = True
    nonnegative: bool = True
    stops: bool = False
    descends: bool = False
    degenerate: Mapping[str, Callable[[Jacobian], Direction]] = field(default_factory=dict)

    def weights(self, jacobian: Jacobian) -> np.ndarray:
        gramian = torch.from_numpy(jacobian @ jacobian.T)
        found: np.ndarray = self.make().weights(gramian).numpy()
        return found

    def direction(self, jacobian: Jacobian) -> Direction:
        found: Direction = self.weights(jacobian) @ jacobian
        return found


def nothing(jacobian: Jacobian) -> Direction:
    return np.zeros(jacobian.shape[1])


def first(jacobian: Jacobian) -> Direction:
    found: Direction = jacobian[0]
    return found


def mean(jacobian: Jacobian) -> Direction:
    found: Direction = jacobian.mean(axis=0)
    return found


def times(factor: float, what: Callable[[Jacobian], Direction]) -> Callable[[Jacobian], Direction]:
    return lambda jacobian: factor * what(jacobian)


def nash_of_equal(jacobian: Jacobian) -> Direction:
    found: Direction = len(jacobian) ** 0.5 * unit(jacobian[0])
    return found


def fair_of_equal(jacobian: Jacobian) -> Direction:
    """T w |g|^2 = w^(-1/2) for each of them, with alpha = 2."""
    tasks, square = len(jacobian), jacobian[0] @ jacobian[0]
    found: Direction = tasks * (tasks * square) ** (-2 / 3) * jacobian[0]
    return found


PROMISES: dict[str, Promise] = {
    "MGDA": Promise(
        MGDA,
        stops=True,
        descends=True,
        degenerate={"equal": first, "opposite": nothing, "around zero": nothing},
    ),
    "UPGrad": Promise(
        UPGrad,
        by_rows="linear",
        benign="mean",
        stops=True,
        descends=True,
        degenerate={"equal": first, "opposite": nothing, "around zero": nothing},
    ),
    "DualProj": Promise(
        DualProj,
        benign="mean",
        stops=True,
        descends=True,
        degenerate={"equal": first, "opposite": nothing, "around zero": nothing},
    ),
    "CAGrad": Promise(
        lambda: CAGrad(c=0.5, rescale=0),
        continuous=False,  # at a mean of zero
        one_task=times(1.5, itself),
        degenerate={"equal": times(1.5, first), "opposite": times(0.5, mean)},
    ),
    "NashMTL": Promise(
        NashMTL,
        degree=0.0,
        continuous=False,  # at a Pareto-stationary point
        by_rows="not",
        one_task=unit,
        stops=True,
        descends=True,
        degenerate={"equal": nash_of_equal, "opposite": nothing, "around zero": nothing},
    ),
    "IMTLG": Promise(
        IMTLG,
        continuous=False,  # at a change of rank
        by_rows="length",
        dependent=False,
        nonnegative=False,
        degenerate={"equal": first, "opposite": nothing, "around zero": nothing},
    ),
    "ConFIG": Promise(
        ConFIG,
        continuous=False,  # at a change of rank
        by_rows="length",
        nonnegative=False,
        degenerate={"equal": times(3.0, first), "opposite": nothing},
    ),
    "AlignedMTL": Promise(
        AlignedMTL,
        continuous=False,  # at a change of rank
        nonnegative=False,
        degenerate={"equal": times(3.0, first), "opposite": times(-2.0, first)},
    ),
    "FairGrad": Promise(
        lambda: FairGrad(alpha=2.0),
        degree=-1 / 3,
        continuous=False,  # at a Pareto-stationary point
        one_task=root,
        stops=True,
        descends=True,
        degenerate={"equal": fair_of_equal, "opposite": nothing, "around zero": nothing},
    ),
}
