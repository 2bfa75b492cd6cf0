"""Golden cases of the methods that read the Gramian."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from plait.balancing import (
    MGDA,
    CAGrad,
    DualProj,
    FairGrad,
    GramianBalancer,
    Info,
    NashMTL,
    PCGrad,
    UPGrad,
)
from plait.balancing.solvers import project_simplex
from tests.balancing.adapters import alignment, sequences
from tests.balancing.adapters.files import FILES, Adapter, Case, jacobian_of, refuse_unknown

EXPECTED = {"id", "input", "J", "params", "weights", "weights_unique", "vector", "tol"}
REMARKS = {"note", "convention", "clarabel_rel_diff", "residual"}  # nothing to compare with
GLOBAL_SCALES = (2.0**-40, 1.0, 2.0**40)  # about 1e-12 and 1e12, and exact in floating point

Check = Callable[[Case, np.ndarray, np.ndarray], None]  # of case, Jacobian and weights


def exactly(params: Case) -> float:
    """The direction has the scale of the gradients."""
    return 1.0


@dataclass(frozen=True)
class OfGramian:
    """How to run the cases of a Gramian method.

    Attributes:
        method: its class.
        options: `{parameter in the file: argument of the class}`.
        fixed: arguments that the file's definition fixes.
        draws: fields of a case that are given to `weights`.
        relative: the tolerance is relative to the expected vector, not to the longest gradient.
        keeps_zero_rows: a gradient of zero may have weight.
        degree: to which power of a common factor of the gradients the direction is proportional.
        checks: what to compare with further fields of a case.
    """

    method: type[GramianBalancer]
    options: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    draws: tuple[str, ...] = ()
    relative: bool = False
    keeps_zero_rows: bool = False
    degree: Callable[[Case], float] = exactly
    checks: Mapping[str, Check] = field(default_factory=dict)

    def __call__(self, header: Case, case: Case) -> None:
        reference = "tol * |expected|" if self.relative else "tol * max_i |g_i|"
        assert header["compare"].startswith(f"|vector - expected|_2 <= {reference}")
        refuse_unknown(case, EXPECTED | REMARKS | {*self.draws, *self.checks}, "fields")
        refuse_unknown(case["params"], {*self.options}, "parameters")
        jacobian = jacobian_of(case)
        if case["vector"] is None:  # there is no solution
            assert not self.weights_of(case, jacobian).any()
            return
        for scale in GLOBAL_SCALES:
            weights = self.weights_of(case, scale * jacobian)
            weights /= scale ** (self.degree(case["params"]) - 1)
            self.compare(case, jacobian, weights)

    def weights_of(self, case: Case, jacobian: np.ndarray) -> np.ndarray:
        options = {self.options[key]: value for key, value in case["params"].items()}
        balancer = self.method(**self.fixed, **options)
        return run(balancer, case, jacobian, **{name: case[name] for name in self.draws})

    def compare(self, case: Case, jacobian: np.ndarray, weights: np.ndarray) -> None:
        norms, vector = np.linalg.norm(jacobian, axis=1), np.array(case["vector"])
        error = np.linalg.norm(weights @ jacobian - vector)
        assert error <= case["tol"] * (np.linalg.norm(vector) if self.relative else norms.max())
        rows = norms >= 0 if self.keeps_zero_rows else norms > 0
        assert (weights[~rows] == 0).all()  # a row of zeros is dropped, whatever its weight
        if case["weights_unique"]:
            np.testing.assert_allclose(weights[rows], np.array(case["weights"])[rows], rtol=1e-7)
        for name, check in self.checks.items():
            if case.get(name) is not None:
                check(case, jacobian, weights)


def run(balancer: GramianBalancer, case: Case, jacobian: np.ndarray, **draws: object) -> np.ndarray:
    """The weights of a balancer, told of the losses where the case has some."""
    stored = FILES["inputs"]["inputs"].get(case.get("input"), {})
    losses = torch.tensor(stored["losses"], dtype=torch.float64) if "losses" in stored else None
    names = tuple(str(row) for row in range(len(jacobian)))
    info = Info(names, losses=losses)
    found: np.ndarray = balancer.weights(
        torch.from_numpy(jacobian @ jacobian.T), info, **draws
    ).numpy()
    return found


def shortest(case: Case, jacobian: np.ndarray, weights: np.ndarray) -> None:
    """The length of MGDA's vector, of the rows that it was solved for."""
    rows = jacobian / normalizers(case, jacobian)[:, None]
    length = np.linalg.norm(weights @ rows)
    assert abs(length - case["min_norm"]) <= case["tol"] * np.linalg.norm(rows, axis=1).max()


def of_normalized(case: Case, jacobian: np.ndarray, weights: np.ndarray) -> None:
    """MGDA's weights on the rows that it was solved for."""
    found = weights @ (jacobian / normalizers(case, jacobian)[:, None])
    np.testing.assert_allclose(found, case["vector_of_normalized"], rtol=0, atol=case["tol"])


def normalizers(case: Case, jacobian: np.ndarray) -> np.ndarray:
    """What MGDA divides the rows by."""
    norms = np.linalg.norm(jacobian, axis=1)
    losses = np.array(FILES["inputs"]["inputs"][case["input"]]["losses"])
    ones = np.ones_like(norms)
    choices = {"none": ones, "l2": norms, "loss": losses, "loss+": losses * norms}
    return choices[case["params"]["normalize"]]


def representation(header: Case, case: Case) -> None:
    """MGDA-UB is MGDA on gradients with respect to a representation, batch and features flat."""
    assert header["compare"] == "weights, vector to tol"
    known = EXPECTED - {"input", "J"} | {"Z", "libmtl_batch_summed_weights"}
    refuse_unknown(case, known, "fields")
    refuse_unknown(case["params"], set(), "parameters")
    assert case["weights_unique"]
    gradients = np.array(case["Z"])
    weights = run(MGDA(), case, gradients.reshape(len(gradients), -1))
    np.testing.assert_allclose(weights, case["weights"], rtol=0, atol=case["tol"])
    vector = np.einsum("t,tbd->bd", weights, gradients)
    np.testing.assert_allclose(vector, case["vector"], rtol=0, atol=case["tol"])


def dual(case: Case, jacobian: np.ndarray, weights: np.ndarray) -> None:
    """What CAGrad adds to the mean is proportional to the weights of its dual problem."""
    if not case["weights_unique"] or case["params"]["c"] == 0:
        return
    added = np.where(jacobian.any(axis=1), weights - 1 / len(weights), 0)
    np.testing.assert_allclose(added / added.sum(), case["dual_weights"], rtol=0, atol=1e-7)


def length(case: Case, jacobian: np.ndarray, weights: np.ndarray) -> None:
    """The length of Nash-MTL's vector."""
    found = np.linalg.norm(weights @ jacobian)
    np.testing.assert_allclose(found, case["vector_norm"], rtol=case["tol"])
    np.testing.assert_allclose(found**2, case["identity_norm_squared_equals_T"], rtol=case["tol"])


def clipped(case: Case, jacobian: np.ndarray, weights: np.ndarray) -> None:
    """Nash-MTL's vector with a largest length of 1."""
    found = run(NashMTL(max_norm=1.0), case, jacobian) @ jacobian
    error = np.linalg.norm(found - np.array(case["vector_clipped_to_1"]))
    assert error <= case["tol"]


def solvable(case: Case, jacobian: np.ndarray, weights: np.ndarray) -> None:
    """Cases without solution have no vector, and do not come here."""
    assert case["solution_exists"]


def projection(header: Case, case: Case) -> None:
    """Projection on the simplex."""
    refuse_unknown(case, {"id", "y", "x"}, "fields")
    found = project_simplex(np.array(case["y"]))
    np.testing.assert_allclose(found, case["x"], rtol=0, atol=float(header["compare"]))


def alpha_fair(params: Case) -> float:
    return (1 - params["alpha"]) / (1 + params["alpha"])


def unchanged(params: Case) -> float:
    return 0.0


METHODS: dict[str, Adapter] = {
    **alignment.METHODS,
    **sequences.METHODS,
    "CAGrad": OfGramian(CAGrad, {"c": "c"}, fixed={"rescale": 0}, checks={"dual_weights": dual}),
    "DualProj": OfGramian(DualProj, {"pref": "preference"}),
    "Euclidean projection on the simplex {x >= 0, sum x = 1}": projection,
    "FairGrad": OfGramian(
        FairGrad,
        {"alpha": "alpha"},
        relative=True,
        degree=alpha_fair,
        checks={"solution_exists": solvable},
    ),
    "MGDA": OfGramian(
        MGDA,
        {"normalize": "normalize"},
        fixed={"zero_rows": "keep"},
        keeps_zero_rows=True,
        checks={"min_norm": shortest, "vector_of_normalized": of_normalized},
    ),
    "MGDA-UB": representation,
    "Nash-MTL": OfGramian(
        NashMTL,
        relative=True,
        degree=unchanged,
        checks={
            "solution_exists": solvable,
            "vector_norm": length,
            "identity_norm_squared_equals_T": length,
            "vector_clipped_to_1": clipped,
        },
    ),
    "PCGrad": OfGramian(PCGrad, draws=("orders",)),
    "UPGrad": OfGramian(UPGrad, {"pref": "preference"}),
}
