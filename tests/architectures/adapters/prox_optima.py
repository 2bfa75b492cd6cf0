"""Proximal operators of the regularizers, and the optima that they lead to."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from plait.regularization import (
    L21,
    Dirty,
    GraphLaplacian,
    MeanRegularized,
    PairwiseL2,
    ParameterRegularizer,
    Robust,
    TaskRelationship,
    TraceNorm,
)
from plait.regularization.algebra.capped_simplex import capped
from tests.architectures.adapters.files import Adapter, Golden
from tests.architectures.adapters.regularizers import columns, tied


def _prox(golden: Golden) -> None:
    golden.know("d", "T", "eta", "adjacency")
    point, step = golden.tensor(golden.inputs["V"]), golden.config["eta"]
    methods: dict[str, ParameterRegularizer] = {
        "trace_norm": TraceNorm(strength=1.0),
        "l21": L21(strength=1.0),
        "mean_l2": MeanRegularized(strength=1.0),
        "pairwise_l2": PairwiseL2(strength=1.0),
        "laplacian": GraphLaplacian(strength=1.0, graph=golden.config["adjacency"]),
    }
    for name, regularizer in methods.items():
        tied(regularizer, point).prox(step)
        golden.check(columns(regularizer), name)
    low = columns(methods["trace_norm"])
    golden.check(torch.linalg.svdvals(low), "trace_norm_singular_values")
    dirty = Dirty(strength=1.0)
    golden.check(dirty.shrink_own(point.T, step).T, "l1")
    golden.check(dirty.shrink_shared(point.T, step).T, "l1inf")
    values = golden.tensor(golden.inputs["capped_simplex_in"])
    golden.check(capped(values, torch.ones_like(values), 2), "capped_simplex_k2")


class Problem:
    """``sum_t 1/2 |y_t - X_t w_t|^2 + ridge/2 |W|^2``."""

    def __init__(self, golden: Golden, ridge: float = 0.0) -> None:
        self.inputs = golden.tensor(golden.inputs["X"])  # [T, n, d]
        self.targets = golden.tensor(golden.inputs["Y"])  # [T, n]
        self.ridge = ridge
        self.grams = self.inputs.mT @ self.inputs
        self.steps = 2000 if golden.dtype == torch.float64 else 400  # at most
        self.start = torch.zeros_like(self.inputs[:, 0]).T  # [d, T]

    def value(self, weights: Tensor) -> Tensor:
        errors = torch.einsum("tnd,dt->tn", self.inputs, weights) - self.targets
        return errors.square().sum() / 2 + self.ridge / 2 * weights.square().sum()

    def gradient(self, weights: Tensor) -> Tensor:
        errors = torch.einsum("tnd,dt->tn", self.inputs, weights) - self.targets
        return torch.einsum("tnd,tn->dt", self.inputs, errors) + self.ridge * weights

    def step(self) -> float:
        return 1 / float(torch.linalg.eigvalsh(self.grams).max() + self.ridge)


def put(regularizer: ParameterRegularizer, weights: Tensor) -> None:
    (layer,) = regularizer.groups
    with torch.no_grad():
        for parameter, column in zip(layer, weights.T, strict=True):
            parameter.copy_(column)


def minimise(
    problem: Problem,
    regularizer: Any,
    strength: float | Callable[[Tensor], float],
) -> Tensor:
    """Accelerated proximal gradient with restarts, by the proximal step of the regularizer.

    Args:
        problem: the smooth part.
        regularizer: has its weights left at the minimiser.
        strength: rho, or a function of the weights that is asked in each step.
    """
    weights = extrapolated = problem.start
    size, momentum = problem.step(), 1.0
    tied(regularizer, weights)
    for _ in range(problem.steps):
        put(regularizer, extrapolated - size * problem.gradient(extrapolated))
        regularizer.prox(size * (strength(weights) if callable(strength) else strength))
        new = columns(regularizer)
        if settled(extrapolated, new):
            break
        if ((extrapolated - new) * (new - weights)).sum() > 0:
            momentum = 1.0
        following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        extrapolated = new + (momentum - 1) / following * (new - weights)
        weights, momentum = new, following
    put(regularizer, new)
    return new


def settled(before: Tensor, after: Tensor) -> bool:
    """Whether a step has changed nothing; slow progress is lost in rounding before it ends."""
    small = 1e-12 if after.dtype == torch.float64 else 0.0
    return float((after - before).abs().max()) <= small


def block_minimise(problem: Problem, regularizer: Any, strength: float) -> Tensor:
    """Plain proximal gradient, for a regularizer that remembers how it has split the weights."""
    tied(regularizer, problem.start)
    size = problem.step()
    for _ in range(4 * problem.steps):
        weights = columns(regularizer)
        put(regularizer, weights - size * problem.gradient(weights))
        regularizer.prox(size * strength)
        if settled(weights, columns(regularizer)):
            break
    return columns(regularizer)


def _optima(golden: Golden) -> None:
    golden.know("n", "d", "T", "adjacency")
    problem, tasks = Problem(golden), golden.config["T"]
    # before any estimate, R of MTRL is T |W|^2
    methods: dict[str, tuple[ParameterRegularizer, float]] = {
        "ridge": (TaskRelationship(strength=1.0), 1 / tasks),
        "mean_l2": (MeanRegularized(strength=1.0), 1.0),
        "pairwise_l2": (PairwiseL2(strength=1.0), 1.0),
        "laplacian": (GraphLaplacian(strength=1.0, graph=golden.config["adjacency"]), 1.0),
        "trace_norm": (TraceNorm(strength=1.0), 1.0),
        "l21": (L21(strength=1.0), 1.0),
    }
    for name, (regularizer, factor) in methods.items():
        strength = factor * golden.expected(name, "rho")
        weights = minimise(problem, regularizer, strength)
        golden.skip(name, "rho", reason="given")
        _compare(golden, name, weights, problem.value(weights) + strength * regularizer.cost())
    _pooled(golden, problem)
    _lasso(golden, problem)
    _splits(golden, problem)
    _mtrl(golden)


def _compare(golden: Golden, name: str, weights: Tensor, objective: Tensor | None) -> None:
    tolerance = golden.expected(name, "W_tol")
    golden.check(weights, name, "W", atol=tolerance)
    golden.skip(name, "W_tol", reason="a tolerance")
    if objective is not None:
        golden.check(objective, name, "objective")


def _pooled(golden: Golden, problem: Problem) -> None:
    regularizer = MeanRegularized(strength=1.0)
    weights = minimise(problem, regularizer, golden.expected("mean_l2_large_rho", "rho"))
    _compare(golden, "mean_l2_large_rho", weights, None)
    for column in weights.T:
        golden.check(column, "mean_l2_large_rho", "pooled", atol=1e-6)
    golden.skip("mean_l2_large_rho", "rho", reason="given")


def _lasso(golden: Golden, problem: Problem) -> None:
    """The dirty model with a common part that costs far too much."""
    rho, dear = golden.expected("lasso", "rho"), 1e3
    regularizer = Dirty(strength=1.0, ratio=1 / dear)
    weights = block_minimise(problem, regularizer, dear * rho)
    assert not regularizer.shared.any()
    _compare(golden, "lasso", weights, problem.value(weights) + dear * rho * regularizer.cost())
    golden.skip("lasso", "rho", reason="given")


def _splits(golden: Golden, problem: Problem) -> None:
    parts = {"dirty": (Dirty, "rho_l1inf", "rho_l1"), "robust": (Robust, "rho_trace", "rho_cols")}
    for name, (method, of_shared, of_own) in parts.items():
        strength = golden.expected(name, of_shared)
        regularizer = method(strength=1.0, ratio=golden.expected(name, of_own) / strength)
        weights = block_minimise(problem, regularizer, strength)
        _compare(golden, name, weights, problem.value(weights) + strength * regularizer.cost())
        golden.skip(name, of_shared, reason="given")
        golden.skip(name, of_own, reason="given")


def _mtrl(golden: Golden) -> None:
    """The reduced problem: at its Omega, R is the square of the trace norm."""
    given = golden.expected("mtrl")
    problem, half = Problem(golden, given["lambda1"]), given["lambda2"] / 2

    def slope(weights: Tensor) -> float:
        return 2 * half * float(torch.linalg.svdvals(weights).sum())

    weights = minimise(problem, TraceNorm(strength=1.0), slope)
    regularizer = tied(TaskRelationship(strength=1.0, eps=0.0), weights)
    regularizer.estimate()
    _compare(golden, "mtrl", weights, problem.value(weights) + half * regularizer.cost())
    golden.check(regularizer.relation(), "mtrl", "Omega", atol=given["W_tol"])
    golden.check(torch.linalg.svdvals(weights), "mtrl", "singular_values", atol=given["W_tol"])
    golden.check(_alternate(golden, problem, half), "mtrl", "alternating_objective_trace")
    for key in ("lambda1", "lambda2"):
        golden.skip("mtrl", key, reason="given")


def _alternate(golden: Golden, problem: Problem, half: float) -> Tensor:
    """The best weights for Omega and the best Omega for the weights, in turn, from the ridge's."""
    regularizer = tied(
        TaskRelationship(strength=1.0, eps=1e-10), golden.tensor(golden.expected("ridge", "W"))
    )
    size, tasks = problem.start.shape
    eye = torch.eye(size, dtype=golden.dtype)
    smooth = torch.block_diag(*(problem.grams + problem.ridge * eye))
    target = torch.einsum("tnd,tn->td", problem.inputs, problem.targets).flatten()
    wanted = [int(step) for step, _ in golden.expected("mtrl", "alternating_objective_trace")]
    found = []
    regularizer.estimate()
    for step in range(1, wanted[-1] + 1):
        precision = torch.linalg.inv(regularizer.relation()).to(golden.dtype).contiguous()
        weights = torch.linalg.solve(smooth + 2 * half * torch.kron(precision, eye), target)
        put(regularizer, weights.view(tasks, size).T)
        regularizer.estimate()
        if step in wanted:
            norm = tied(TraceNorm(strength=1.0), columns(regularizer)).cost().detach()
            objective = problem.value(columns(regularizer)) + half * norm.square()
            found.append([step, float(objective)])
    return golden.tensor(found)


METHODS: dict[str, Adapter] = {"prox": _prox, "linear_optima": _optima}
