"""Golden cases of the Gramian methods that remember something of earlier steps."""

from typing import Any

import numpy as np
import torch

from plait.balancing import CRMOGM, GradNorm, GradVac, GramianBalancer, Info
from tests.balancing.adapters.files import Case, refuse_unknown


def names(count: int) -> tuple[str, ...]:
    return tuple(f"task {position}" for position in range(count))


def gradvac(header: Case, case: Case) -> None:
    known = {"id", "params", "J_steps", "orders", "weights_steps", "vector_steps", "tol"}
    refuse_unknown(case, known | {"phi_target_steps"}, "fields")
    assert header["compare"] == "|vector - expected|_2 <= tol * max_i |g_i| at every step"
    params = dict(case["params"])
    assert params.pop("eps") == 0
    balancer = GradVac(**params)
    for step, rows in enumerate(case["J_steps"]):
        jacobian = np.array(rows)
        tasks = names(len(jacobian))
        gramian = torch.from_numpy(jacobian @ jacobian.T)
        weights = balancer.weights(gramian, Info(tasks), orders=case["orders"][step]).numpy()
        size = np.linalg.norm(jacobian, axis=1).max()
        error = np.linalg.norm(weights @ jacobian - np.array(case["vector_steps"][step]))
        assert error <= case["tol"] * size
        np.testing.assert_allclose(weights, case["weights_steps"][step], rtol=case["tol"])
        targets = balancer.targets.get(tasks)
        np.testing.assert_allclose(targets, case["phi_target_steps"][step], atol=case["tol"])


def gradnorm(header: Case, case: Case) -> None:
    known = {"id", "params", "grad_norms_steps", "losses_steps", "weights_after_steps", "tol"}
    refuse_unknown(case, known, "fields")
    assert float(header["compare"]) == case["tol"]
    params = dict(case["params"])
    assert params.pop("optimizer") == "Adam"
    initial = params.pop("initial_losses")
    tasks = names(len(initial))
    balancer = GradNorm(initial_losses=dict(zip(tasks, initial, strict=True)), **params)
    expected = [np.ones(len(tasks)), *case["weights_after_steps"]]  # a step uses those before it
    for step, norms in enumerate(case["grad_norms_steps"]):
        losses = torch.tensor(case["losses_steps"][step], dtype=torch.float64)
        gramian = torch.tensor(norms, dtype=torch.float64).square().diag()
        weights = balancer.weights(gramian, Info(tasks, losses))
        np.testing.assert_allclose(weights, expected[step], atol=case["tol"])
    after = balancer.learned.get(tasks, torch.zeros((), dtype=torch.float64))
    np.testing.assert_allclose(after, expected[-1], atol=case["tol"])


class Replay(GramianBalancer):
    """Gives recorded weights, one row in a step."""

    equal_weight = "mean"

    def __init__(self, recorded: list[list[float]]) -> None:
        super().__init__()
        self.recorded = iter(recorded)

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        return np.array(next(self.recorded))


def cr_mogm(header: Case, case: Case) -> None:
    known = {"id", "params", "raw_weights_steps", "weights_steps", "tol"}
    refuse_unknown(case, known, "fields")
    assert header["compare"] == "exact up to rounding"
    params = dict(case["params"])
    start, raw = params.pop("initial_weights"), case["raw_weights_steps"]
    count = len(raw[0])
    assert start is None or start == [1 / count] * count, "an unknown start"
    balancer = CRMOGM(Replay(raw), initial="first" if start is None else "equal", **params)
    for expected in case["weights_steps"]:
        weights = balancer.weights(torch.eye(count), Info(names(count)))
        np.testing.assert_allclose(weights, expected, rtol=0, atol=case["tol"])


METHODS = {"GradVac": gradvac, "GradNorm": gradnorm, "CR-MOGM": cr_mogm}
