"""Golden cases of the methods that read the rows."""

from typing import Any

import numpy as np
import torch

from plait.balancing import DBMTL, ExcessMTL, GradDrop, Info, JacobianBalancer, MoCo, TrimmedMean
from tests.balancing.adapters.files import Adapter, Case, jacobian_of, refuse_unknown


def close(found: Any, expected: Any, tolerance: float) -> None:
    """Equal up to a share of the largest entry."""
    wanted = np.array(expected)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


def info_of(case: Case, step: int) -> Info:
    losses = torch.tensor(case["losses_steps"][step], dtype=torch.float64)
    return Info(tuple(map(str, range(len(losses)))), losses=losses)


def steps_of(case: Case) -> list[torch.Tensor]:
    return [torch.tensor(rows, dtype=torch.float64) for rows in case["J_steps"]]


def weights_of(balancer: JacobianBalancer) -> torch.Tensor:
    assert balancer.last_weights is not None
    return balancer.last_weights


def excess_mtl(header: Case, case: Case) -> None:
    assert header["compare"] == "relative 1e-9"
    refuse_unknown(case, {"id", "params", "tol", "J_steps", "weights_steps"}, "fields")
    balancer = ExcessMTL(**case["params"])
    for jacobian, expected in zip(steps_of(case), case["weights_steps"], strict=True):
        direction = balancer.combine(jacobian)
        np.testing.assert_allclose(weights_of(balancer), expected, rtol=case["tol"])
        close(direction, np.array(expected) @ jacobian.numpy(), case["tol"])


def moco(header: Case, case: Case) -> None:
    """The paper's form, and that of LibMTL, on the same gradients."""
    assert header["compare"] == "to tol"
    params = {"params_paper": "paper", "params_libmtl": "libmtl"}
    steps = ("weights_steps", "vector_steps")
    known = {"id", "tol", "J_steps", "losses_steps", *params, *steps}
    refuse_unknown(case, known | {f"libmtl_{key}" for key in steps}, "fields")
    for key, variant in params.items():
        options = {name.removeprefix("MoCo_"): value for name, value in case[key].items()}
        balancer = MoCo(variant=variant, **options)
        prefix = "" if variant == "paper" else "libmtl_"
        for number, jacobian in enumerate(steps_of(case)):
            direction = balancer.combine(jacobian, info_of(case, number))
            weights = case[prefix + "weights_steps"][number]
            # LibMTL divides by |g| + 1e-8 where plait divides by |g|
            smallest = float(jacobian.norm(dim=1).min())
            tolerance = case["tol"] + (0 if variant == "paper" else 2e-8 / smallest)
            close(weights_of(balancer), weights, tolerance)
            close(direction, case[prefix + "vector_steps"][number], tolerance)


def db_mtl(header: Case, case: Case) -> None:
    assert header["compare"] == "to tol (relative)"
    known = {"id", "params", "tol", "J_steps", "losses_steps", "alpha_steps", "vector_steps"}
    refuse_unknown(case, known, "fields")
    balancer = DBMTL(**case["params"])
    for number, jacobian in enumerate(steps_of(case)):
        info = info_of(case, number)
        direction = balancer.combine(jacobian, info)
        assert info.losses is not None
        alpha = weights_of(balancer) * (info.losses + 1e-8)
        np.testing.assert_allclose(alpha, case["alpha_steps"][number], rtol=case["tol"])
        close(direction, case["vector_steps"][number], case["tol"])


def coordinate_wise(balancer: JacobianBalancer, case: Case, **draws: torch.Tensor) -> None:
    """Equal up to a share of the largest gradient."""
    jacobian = jacobian_of(case)
    direction = balancer.combine(torch.from_numpy(jacobian), **draws).numpy()
    error = np.abs(direction - np.array(case["vector"])).max()
    assert error <= case["tol"] * np.linalg.norm(jacobian, axis=1).max()


def graddrop(header: Case, case: Case) -> None:
    assert header["compare"] == "exact up to rounding"
    known = {"id", "input", "J", "params", "U", "vector", "tol", "famo_repo_rel_diff"}
    refuse_unknown(case, known, "fields")
    refuse_unknown(case["params"], {"leak"}, "parameters")
    leak = case["params"]["leak"]
    by_task = 0.0 if leak is None else {str(i): value for i, value in enumerate(leak)}
    draw = torch.tensor(case["U"], dtype=torch.float64)
    coordinate_wise(GradDrop(leak=by_task), case, U=draw)


def trimmed_mean(header: Case, case: Case) -> None:
    assert header["compare"] == "exact up to rounding"
    refuse_unknown(case, {"id", "input", "J", "params", "vector", "tol"}, "fields")
    balancer = TrimmedMean(**case["params"])
    coordinate_wise(balancer, case)
    assert balancer.flag is None


METHODS: dict[str, Adapter] = {
    "DB-MTL": db_mtl,
    "ExcessMTL": excess_mtl,
    "GradDrop": graddrop,
    "MoCo": moco,
    "Trimmed mean": trimmed_mean,
}
