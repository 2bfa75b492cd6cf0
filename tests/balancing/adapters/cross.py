"""Golden cases of the methods that read several batches."""

import numpy as np
import torch

from plait.balancing import CrossGramianBalancer, MoDo, SDMGrad
from tests.balancing.adapters.files import Adapter, Case, jacobian_of, refuse_unknown


def step(
    balancer: CrossGramianBalancer, *batches: list[list[float]]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the weights for A = J_1 J_2^T, and the direction from what each batch counts."""
    rows = [np.array(batch) for batch in batches]
    weights = balancer.weights(torch.from_numpy(rows[0] @ rows[1].T)).numpy()
    assert len(rows) == balancer.batches == len(balancer.applied)
    vectors = [share * (weights @ j) for share, j in zip(balancer.applied, rows, strict=True)]
    return weights, np.sum(vectors, axis=0)


def sdmgrad(header: Case, case: Case) -> None:
    assert header["compare"] == "w_steps, vector_steps to tol (relative to max row norm)"
    # official_* and libmtl_* are runs with another scale and another learning rate
    variants = {"official_w_steps", "official_vector_steps", "libmtl_lr5_vector_steps"}
    known = {"id", "params", "J_zeta", "J_xi1", "J_xi2", "w_steps", "vector_steps", "tol"}
    refuse_unknown(case, known | variants, "fields")
    params = dict(case["params"])
    balancer = SDMGrad(lam=params.pop("lambda"), solver="sgd", eps=1e-8, **params)
    for position, zeta in enumerate(case["J_zeta"]):
        weights, vector = step(balancer, case["J_xi1"][position], case["J_xi2"][position], zeta)
        w = weights * (1 + balancer.lam) - balancer.lam / len(weights)
        np.testing.assert_allclose(w, case["w_steps"][position], rtol=0, atol=case["tol"])
        size = np.linalg.norm(np.array(zeta), axis=1).max()
        error = np.linalg.norm(vector - np.array(case["vector_steps"][position]))
        assert error <= case["tol"] * size


def sdmgrad_exact(header: Case, case: Case) -> None:
    assert header["compare"] == "|vector - expected|_2 <= tol * max_i |g_i|"
    known = {"id", "input", "J", "params", "w", "weights", "weights_unique", "vector", "tol"}
    refuse_unknown(case, known | {"convention"}, "fields")
    refuse_unknown(case["params"], {"lambda"}, "parameters")
    jacobian = jacobian_of(case)
    rows = "drop" if "convention" in case else "keep"
    balancer = SDMGrad(lam=case["params"]["lambda"], zero_rows=rows)
    weights = balancer.weights(torch.from_numpy(jacobian @ jacobian.T)).numpy()
    size = np.linalg.norm(jacobian, axis=1).max()
    assert np.linalg.norm(weights @ jacobian - np.array(case["vector"])) <= case["tol"] * size
    if case["weights_unique"]:
        np.testing.assert_allclose(weights, case["weights"], rtol=0, atol=1e-7)


def modo(header: Case, case: Case) -> None:
    assert header["compare"] == "to tol"
    known = {"id", "params", "J1", "J2", "J3", "weights_steps", "tol"}
    vectors = {"vector_two_sample_sum_steps", "vector_three_sample_steps"}
    refuse_unknown(case, known | vectors, "fields")
    two, three = MoDo(**case["params"]), MoDo(batches=3, **case["params"])
    for position, expected in enumerate(case["weights_steps"]):
        one, other, third = (case[name][position] for name in ("J1", "J2", "J3"))
        for balancer, batches, factor, kind in (
            (two, (one, other), 2, "two_sample_sum"),  # ours is the mean of the two
            (three, (one, other, third), 1, "three_sample"),
        ):
            weights, vector = step(balancer, *batches)
            np.testing.assert_allclose(weights, expected, rtol=0, atol=case["tol"])
            wanted = case[f"vector_{kind}_steps"][position]
            np.testing.assert_allclose(factor * vector, wanted, rtol=0, atol=case["tol"])


METHODS: dict[str, Adapter] = {
    "SDMGrad": sdmgrad,
    "SDMGrad, deterministic sub-problem solved exactly": sdmgrad_exact,
    "MoDo": modo,
}
