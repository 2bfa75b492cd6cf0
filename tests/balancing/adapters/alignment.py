"""Golden cases of the Gramian methods whose files tell more than weights and vector."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from plait.balancing import IMTLG, AlignedMTL, ConFIG, GramianBalancer, Krum
from tests.balancing.adapters.files import Case, jacobian_of, refuse_unknown

SCALE = "|vector - expected|_2 <= tol * max(|expected|, 1e-3 max_i |g_i|)"


def weights_of(balancer: GramianBalancer, jacobian: np.ndarray) -> np.ndarray:
    found: np.ndarray = balancer.weights(torch.from_numpy(jacobian @ jacobian.T)).numpy()
    assert (found[~jacobian.any(axis=1)] == 0).all()  # a row of zeros is dropped
    return found


def compare_vector(header: Case, case: Case, vector: np.ndarray, sign: float = 1.0) -> None:
    assert header["compare"] == SCALE
    expected, norms = np.array(case["vector"]), np.linalg.norm(jacobian_of(case), axis=1)
    size = max(float(np.linalg.norm(expected)), 1e-3 * norms.max())
    assert np.linalg.norm(vector - sign * expected) <= case["tol"] * size


def compare_weights(case: Case, weights: np.ndarray, sign: float = 1.0) -> None:
    if case["weights_unique"]:
        active = jacobian_of(case).any(axis=1)
        expected = sign * np.array(case["weights"])
        scale = max(float(np.abs(expected).max()), 1e-3)
        np.testing.assert_allclose(
            weights[active], expected[active], rtol=1e-7, atol=case["tol"] * scale
        )


def imtl_g(header: Case, case: Case) -> None:
    known = {"id", "input", "J", "params", "convention", "weights", "weights_unique", "vector"}
    known |= {"tol", "kind", "equal_projection", "nonzero_equal_projection_exists"}
    refuse_unknown(case, known | {"projections", "note", "second_solver_rel_diff"}, "fields")
    refuse_unknown(case["params"], set(), "parameters")
    jacobian = jacobian_of(case)
    norms = np.linalg.norm(jacobian, axis=1)
    sign = 1.0 if case.get("equal_projection", 1.0) > 0 else -1.0
    for strict in (True, False):
        turned = 1.0 if strict else sign
        balancer = IMTLG(strict=strict)
        weights = weights_of(balancer, jacobian)
        vector = weights @ jacobian
        compare_vector(header, case, vector, turned)
        compare_weights(case, weights, turned)
        projections = (jacobian @ vector)[norms > 0] / norms[norms > 0]
        if "equal_projection" in case:
            expected = turned * np.array(case["equal_projection"])
            np.testing.assert_allclose(projections, expected, rtol=1e-6)
        else:
            expected = np.array(case["projections"])[norms > 0]
            atol = case["tol"] * norms.max()
            np.testing.assert_allclose(projections, expected, rtol=1e-6, atol=atol)
        exists = case.get("nonzero_equal_projection_exists", True)
        assert (balancer.flag is None) == (exists and sign > 0)


def aligned_mtl(header: Case, case: Case) -> None:
    known = {"id", "input", "J", "params", "weights", "weights_unique", "vector", "tol", "rank"}
    refuse_unknown(case, known | {"official_rank", "official_rel_diff"}, "fields")
    jacobian = jacobian_of(case)
    balancer = AlignedMTL(**case["params"])
    weights = weights_of(balancer, jacobian)
    compare_vector(header, case, weights @ jacobian)
    compare_weights(case, weights)
    active = int(jacobian.any(axis=1).sum())
    dropped = None if case["rank"] == active else f"rank {case['rank']} of {active}"
    assert balancer.flag == (dropped if weights.any() else "the aligned gradients cancel")


def config(header: Case, case: Case) -> None:
    known = {"id", "input", "J", "params", "kind", "direction", "vector", "cosines", "tol", "note"}
    refuse_unknown(case, known, "fields")
    refuse_unknown(case["params"], set(), "parameters")
    jacobian = jacobian_of(case)
    vector = weights_of(ConFIG(), jacobian) @ jacobian
    compare_vector(header, case, vector)
    length = np.linalg.norm(vector)
    if not np.any(case["vector"]):
        assert length == 0
        return
    rows = jacobian[jacobian.any(axis=1)]
    # The projections may add up to less than 0: then the vector is opposite to the direction
    unit = vector / length * np.sign(np.array(case["direction"]) @ case["vector"])
    np.testing.assert_allclose(unit, case["direction"], atol=10 * case["tol"])
    cosines = rows @ unit / np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(cosines, case["cosines"], atol=10 * case["tol"])


def krum(header: Case, case: Case) -> None:
    known = {"id", "input", "J", "params", "scores", "selected", "weights", "vector", "tie", "tol"}
    refuse_unknown(case, known, "fields")
    assert header["compare"] == "selected set exact unless tie"
    jacobian = jacobian_of(case)
    weights = weights_of(Krum(**case["params"]), jacobian)
    scores, selected = np.array(case["scores"]), set(np.flatnonzero(weights).tolist())
    wanted = case["selected"]
    np.testing.assert_allclose(scores[sorted(selected)].sum(), scores[wanted].sum(), rtol=1e-12)
    if not case["tie"]:
        assert selected == set(wanted)
        np.testing.assert_allclose(weights, case["weights"], atol=case["tol"])
        size = np.linalg.norm(jacobian, axis=1).max()
        np.testing.assert_allclose(weights @ jacobian, case["vector"], atol=case["tol"] * size)


METHODS: dict[str, Callable[[Any, Any], None]] = {
    "IMTL-G": imtl_g,
    "Aligned-MTL": aligned_mtl,
    "ConFIG": config,
    "Krum / Multi-Krum": krum,
}
