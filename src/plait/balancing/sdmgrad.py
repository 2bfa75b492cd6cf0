"""The shortest combination of gradients that lean towards their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np

from plait.balancing.algebra.cosines import rounding
from plait.balancing.base import CrossGramianBalancer
from plait.balancing.contract.info import Info
from plait.balancing.memory.simplex import SimplexState
from plait.balancing.memory.task import grouped
from plait.balancing.solvers.min_norm import min_norm
from plait.balancing.solvers.simplex import project_simplex
from plait.core.errors import ConfigError
from plait.core.options import Above, AtLeast, check_options, refuse_unused


@dataclass(frozen=True)
class _Descent:
    """The stochastic solver's options, with the authors' defaults (`eps`: ours)."""

    niter: Annotated[int, AtLeast(1)] = 20
    lr: Annotated[float, Above(0)] = 10.0
    momentum: Annotated[float, AtLeast(0)] = 0.5
    eps: Annotated[float, AtLeast(0)] = 0.0

    def __post_init__(self) -> None:
        check_options(self)
        if not self.momentum < 1:
            raise ConfigError(f"`momentum` must be in [0, 1); found {self.momentum}.")


class SDMGrad(CrossGramianBalancer):
    """Takes the min-norm direction of MGDA, with a preference for the mean g0 of the gradients.

        d = (J^T w + lam g0) / (1 + lam),    w = argmin over the simplex of |J^T w + lam g0|^2

    ``lam = 0`` is MGDA, and a large `lam` the mean. With ``solver="exact"`` the problem is solved
    on the Gramian of one batch: w is the min-norm point of the hull of the rows g_i + lam g0.

    With ``solver="sgd"`` it is the paper's stochastic method, on three independent batches: in
    each step, `niter` projected steps of SGD with momentum on the cross Gramian ``A = J_1 J_2^T``,
    divided by ``(mean_i sqrt(A_ii))^2 + eps``, start from the w of the last step; the direction
    is taken on J_3. With the authors' `lr` these steps do not converge: w jumps between the corners
    of the simplex, and rounding can change which one is next.

    Args:
        lam: lambda, at least 0; 0.3 (the authors' runs).
        solver: "exact" or "sgd".
        niter: of "sgd" alone, as are the next three: steps in each call, at least 1; 20 (the
            authors').
        lr: their learning rate, positive; 10 (the authors').
        momentum: in [0, 1); 0.5 (the authors').
        eps: makes a difference for gradients of such a squared length, not negative; 0 (ours: the
            method does not depend on the scale of all losses then). Implementations have 1e-8 or
            1e-4.
        zero_rows: "drop" leaves a task with a gradient of zero out; "keep" is the literal problem,
            in which such a task has a part in the mean and attracts the weight.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, positive if `lam` is, with sum 1.

    Raises:
        ConfigError: an option is outside its range, or has no effect with "exact".

    Example: MGDA of orthogonal rows of length 2 and 1 weights them 1/4 : 1.
        >>> import torch
        >>> SDMGrad(lam=0.0).weights(torch.tensor([[4.0, 0.0], [0.0, 1.0]]))
        tensor([0.2000, 0.8000], dtype=torch.float64)

    Differs: "exact" is ours. The authors multiply the direction by T, as ``scale="sum"`` does.

    Cost: "exact": T backward passes and a small solve; one `[T, P]` buffer. "sgd": T backward
        passes for each of three batches, and a buffer for each.

    Reference: Xiao, Ban, Ji, "Direction-oriented Multi-objective Learning: Simple and Provable
        Stochastic Algorithms", NeurIPS 2023, algorithm 1.
    """

    equal_weight = "mean"

    def __init__(
        self,
        *,
        lam: float = 0.3,
        solver: Literal["exact", "sgd"] = "exact",
        niter: int | None = None,
        lr: float | None = None,
        momentum: float | None = None,
        eps: float | None = None,
        zero_rows: Literal["drop", "keep"] = "drop",
    ) -> None:
        super().__init__()
        if not lam >= 0:
            raise ConfigError(f"`lam` must not be negative; found {lam}.")
        if solver not in ("exact", "sgd"):
            raise ConfigError(f"`solver` must be 'exact' or 'sgd'; found {solver!r}.")
        if zero_rows not in ("drop", "keep"):
            raise ConfigError(f"`zero_rows` must be 'drop' or 'keep'; found {zero_rows!r}.")
        self.lam, self.solver, self.zero_rows = lam, solver, zero_rows
        self.niter, self.lr, self.momentum, self.eps = niter, lr, momentum, eps
        self._descent = _Descent()
        if solver == "sgd":
            given: dict[str, Any] = {"niter": niter, "lr": lr, "momentum": momentum, "eps": eps}
            self._descent = _Descent(**{k: v for k, v in given.items() if v is not None})
        else:
            refuse_unused("with solver='exact'", niter=niter, lr=lr, momentum=momentum, eps=eps)
        self.batches = 3 if solver == "sgd" else 1
        self.applied = (0.0, 0.0, 1.0) if solver == "sgd" else (1.0,)
        self.learned = SimplexState()

    def active(self, gramian: np.ndarray) -> np.ndarray:
        """Returns the tasks with a gradient; all tasks to `keep` those without, if any has one."""
        found = super().active(gramian)
        return np.full_like(found, found.any()) if self.zero_rows == "keep" else found

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Finds w, and returns the weights of the gradients in the direction."""
        if self.solver == "sgd":
            tasks = grouped([info.tasks[position] for position in active], info.group)
            w = self._descend(gramian, self.learned.read(tasks))
            self.learned.write(tasks, w)
        else:
            w = self._exact(gramian, rounding(info, len(gramian)))
        weights: np.ndarray = (w + self.lam / len(w)) / (1 + self.lam)
        return weights

    def _exact(self, gramian: np.ndarray, noise: float) -> np.ndarray:
        """Returns the min-norm weights of the rows g_i + lam g0."""
        count = len(gramian)
        lean = np.eye(count) + self.lam / count
        leaning = lean @ (gramian / np.diag(gramian).max()) @ lean.T
        w = min_norm(leaning, noise)
        if w @ leaning @ w <= noise * np.diag(leaning).max():
            self.flag = "Pareto-stationary"
        return w

    def _descend(self, cross: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Returns w after `niter` projected steps of SGD with a fresh momentum."""
        made = self._descent
        scale = np.sqrt(np.maximum(np.diag(cross), 0.0)).mean() ** 2 + made.eps
        matrix = cross / (scale if scale > 0 else np.abs(cross).max())
        velocity = np.zeros(len(w))
        for _ in range(made.niter):
            velocity = made.momentum * velocity + matrix @ (w + self.lam / len(w))
            w = project_simplex(w - made.lr * velocity)
        return w
