"""Golden cases of the methods that look ahead to the validation losses."""

from typing import Any

import numpy as np
import torch
from torch import nn

from plait.balancing import FORUM, MOML, AutoLambda, BilevelBalancer, Info
from tests.balancing.adapters.files import Adapter, Case, refuse_unknown
from tests.balancing.problems import Quadratic

FIELDS = {"id", "params", "tol", "train", "val", "theta0", "theta_steps"}


def problem_of(case: Case, **options: float) -> Quadratic:
    return Quadratic(case["train"], case["val"], case["theta0"], **options)


def close(found: Any, expected: Any, tolerance: float) -> None:
    """Equal up to a share of the largest entry, or of 1."""
    wanted = np.array(expected)
    size = max(1.0, np.abs(wanted).max())
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * size)


def watch(adam: nn.Module) -> list[torch.Tensor]:
    """Collects the gradients that an own Adam is given, as it is given them."""
    seen: list[torch.Tensor] = []
    step = adam.step

    def collecting(tasks: Any, values: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
        seen.append(gradients)
        moved: torch.Tensor = step(tasks, values, gradients)
        return moved

    adam.step = collecting  # type: ignore[assignment]
    return seen


def logits_of(balancer: BilevelBalancer, tasks: tuple[str, ...]) -> torch.Tensor:
    found: torch.Tensor = balancer.logits.get(tasks, torch.zeros((), dtype=torch.float64))
    return found


def auto_lambda(header: Case, case: Case) -> None:
    assert header["compare"] == "relative 1e-8"
    refuse_unknown(case, FIELDS | {"meta_grad_steps", "weights_steps"}, "fields")
    params = dict(case["params"])
    assert params.pop("meta_optimizer") == "Adam"
    primary = params.pop("primary")
    optimizer = {key: params.pop(key) for key in ("lr", "momentum", "weight_decay")}
    problem = problem_of(case, **optimizer)
    chosen = [task for task, counts in zip(problem.tasks, primary, strict=True) if counts]
    balancer = AutoLambda(primary=chosen, **params)
    meta_gradients = watch(balancer.adam)
    for step, expected in enumerate(case["weights_steps"]):
        weights, val = balancer.weights(problem)
        assert val is None
        close(meta_gradients[step], case["meta_grad_steps"][step], case["tol"])
        close(weights, expected, case["tol"])
        problem.step(weights)
        close(problem.theta.detach(), case["theta_steps"][step], case["tol"])


def moml(header: Case, case: Case) -> None:
    assert header["compare"] == "to tol"
    refuse_unknown(case, FIELDS | {"upper_jacobian_steps", "logits_steps"}, "fields")
    params = dict(case["params"])
    assert params.pop("outer_optimizer") == "Adam"
    problem = problem_of(case, lr=params.pop("lr"))
    balancer = MOML(**params)
    for step, expected in enumerate(case["logits_steps"]):
        logits = logits_of(balancer, problem.tasks)  # equal ones at first, whatever their value
        rows = balancer.upper_rows(problem, logits.softmax(dim=0).numpy())
        close(rows, case["upper_jacobian_steps"][step], case["tol"])
        weights, val = balancer.weights(problem)
        assert val is None
        close(logits_of(balancer, problem.tasks), expected, case["tol"])
        problem.step(weights)
        close(problem.theta.detach(), case["theta_steps"][step], case["tol"])


def forum(header: Case, case: Case) -> None:
    assert header["compare"] == "to tol"
    refuse_unknown(case, FIELDS | {"epoch_of_step", "lambda_steps", "logits_steps"}, "fields")
    params = dict(case["params"])
    assert params.pop("outer_optimizer") == "Adam"
    problem = problem_of(case, lr=params.pop("lr"))
    balancer = FORUM(**params)
    for step, epoch in enumerate(case["epoch_of_step"]):
        info = Info(problem.tasks, epoch=epoch)
        train, val = balancer.weights(problem, info)
        zero = torch.zeros((), dtype=torch.float64)
        multipliers = balancer.multipliers.get(problem.tasks, zero)
        close(multipliers, case["lambda_steps"][step], case["tol"])
        close(logits_of(balancer, problem.tasks), case["logits_steps"][step], case["tol"])
        problem.step(train, val)
        close(problem.theta.detach(), case["theta_steps"][step], case["tol"])


METHODS: dict[str, Adapter] = {
    "Auto-Lambda": auto_lambda,
    "FORUM": forum,
    "MOML (one inner step)": moml,
}
