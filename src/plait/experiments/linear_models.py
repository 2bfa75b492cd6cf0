"""Ridge and logistic regression whose strength is chosen from the data, for missing labels too."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray[Any, Any]

ALPHAS = np.logspace(-3, 7, 31)  # strengths of ridge regression
STRENGTHS = np.logspace(-4, 3, 8)  # 1 / strengths of logistic regression, the strong ones first
FOLDS = 5
FEW = 2e6  # rows x inputs up to which all folds are used; one of them beyond


@dataclass(frozen=True)
class Solution:
    """A linear model ``y = W x + b``.

    Attributes:
        weight: W `[K, k]`.
        bias: b `[K]`.
    """

    weight: Tensor
    bias: Tensor

    @classmethod
    def of_yes_no(cls, logits: Sequence[Solution]) -> Solution:
        """Returns the log-odds of yes of several models of two classes, one for each label."""
        weight = torch.stack([each.weight[1] - each.weight[0] for each in logits])
        return cls(weight, torch.stack([each.bias[1] - each.bias[0] for each in logits]))


def ridge(inputs: Tensor, labels: Tensor, mass: Tensor) -> Solution:
    """Fits ridge regression to each column of labels, with the strength that leaves one out best.

        min sum_i m_i (w x_i + b - y_i)^2 + alpha |w|^2

    Args:
        inputs: `[N, k]`.
        labels: `[N, K]`.
        mass: `[N, K]`, 0 where a label is missing.
    """
    from sklearn.linear_model import RidgeCV

    weight = torch.zeros(labels.shape[1], inputs.shape[1], dtype=torch.float64)
    bias = torch.zeros(labels.shape[1], dtype=torch.float64)
    x, y, m = inputs.numpy(), labels.numpy(), mass.numpy()
    for number in range(labels.shape[1]):
        kept = m[:, number] > 0
        if kept.sum() < 3 or np.ptp(y[kept, number]) == 0:  # nothing to fit but the mean
            bias[number] = float(y[kept, number].mean()) if kept.any() else 0.0
            continue
        alike = np.ptp(m[kept, number]) == 0
        model = RidgeCV(ALPHAS).fit(
            x[kept], y[kept, number], sample_weight=None if alike else m[kept, number]
        )
        weight[number] = torch.from_numpy(model.coef_)
        bias[number] = float(model.intercept_)
    return Solution(weight, bias)


def logistic(
    inputs: Tensor, labels: Tensor, mass: Tensor, classes: int, *, seed: int = 0
) -> Solution:
    """Fits logistic regression, with the strength that predicts held-out rows best.

    Beginning with the strongest, strengths are tried until the held-out loss has become worse
    twice. A class without a label is given the odds of one in twice as many rows as there are.

    Args:
        inputs: `[N, k]`.
        labels: `[N]`, whole numbers below `classes`.
        mass: `[N]`, 0 where a label is missing.
        classes: K.
        seed: of the folds.
    """
    kept = mass.numpy() > 0
    x, y, m = inputs.numpy()[kept], labels.numpy()[kept], mass.numpy()[kept]
    there, places = np.unique(y, return_inverse=True)
    weight = torch.zeros(classes, inputs.shape[1], dtype=torch.float64)
    bias = torch.full((classes,), -np.log(2.0 * max(len(y), 1)), dtype=torch.float64)
    if len(there) < 2:
        bias[torch.from_numpy(there)] = 0.0
        return Solution(weight, bias)
    c = _strength(x, places, m, seed)
    coefficients, intercepts = _fit(x, places, m, c)
    at = torch.from_numpy(there)
    weight[at] = torch.from_numpy(coefficients)
    bias += float(np.log(np.exp(intercepts - intercepts.max()).sum()) + intercepts.max())
    bias[at] = torch.from_numpy(intercepts)
    return Solution(weight, bias)


def _strength(x: Array, y: Array, m: Array, seed: int) -> float:
    """Returns the inverse strength of the smallest loss on rows that were held out."""
    best, found, worse = np.inf, float(STRENGTHS[0]), 0
    folds = list(_folds(y, seed))
    folds = [each for each in folds if len(np.unique(y[~each])) > 1]
    if x.size > FEW:
        folds = folds[:1]
    for c in STRENGTHS.tolist():
        if not folds:
            return found
        loss = sum(_loss(x, y, m, fold, c) for fold in folds)
        if loss < best:
            best, found, worse = loss, c, 0
        else:
            worse += 1
        if worse == 2:
            break
    return found


def _folds(y: Array, seed: int) -> Iterator[Array]:
    """Yields masks of held-out rows, with the classes spread over them."""
    order = np.random.default_rng(seed).permutation(len(y))
    number = np.empty(len(y), dtype=int)
    number[order[np.argsort(y[order], kind="stable")]] = np.arange(len(y)) % FOLDS
    for fold in range(min(FOLDS, len(y))):
        yield number == fold


def _loss(x: Array, y: Array, m: Array, held: Array, c: float) -> float:
    """Returns the cross-entropy of held-out rows, of those whose class is among the others."""
    there, places = np.unique(y[~held], return_inverse=True)
    weight, bias = _fit(x[~held], places, m[~held], c)
    rows = held & np.isin(y, there)
    logits = torch.from_numpy(x[rows] @ weight.T + bias)
    target = torch.from_numpy(np.searchsorted(there, y[rows]))
    losses = torch.nn.functional.cross_entropy(logits, target, reduction="none")
    return float((losses * torch.from_numpy(m[rows])).sum())


def _fit(x: Array, y: Array, m: Array, c: float) -> tuple[Array, Array]:
    """Returns weights `[C, k]` and biases `[C]`; of two classes, those of the first are 0."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a start need not be exact
        model = LogisticRegression(C=c, max_iter=300).fit(
            x, y, sample_weight=None if np.ptp(m) == 0 else m
        )
    coefficients, intercepts = model.coef_, model.intercept_
    if len(intercepts) == 1:
        coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
        intercepts = np.concatenate([np.zeros(1), intercepts])
    return coefficients, intercepts
