"""Damped Newton for the weights of proportional and alpha-fair bargaining."""

from __future__ import annotations

import numpy as np

STEPS = 300  # 6 to 10 are the rule; towards no solution the weights grow by a share in each
BOUNDARY = 0.95  # share of the way to the nearest zero weight that one step may go
NEAR = 0.25  # relative change of the Hessian up to which a full step converges by itself
FINAL = 1e-8  # relative step after which quadratic convergence leaves rounding alone
SLOPE = 1e-4  # share of the promised decrease that a step has to bring


def newton(
    matrix: np.ndarray, preference: np.ndarray, power: float, rounding: float = 0.0
) -> np.ndarray | None:
    """Returns the w > 0 with ``M w = p w^-beta`` (element by element), or None if there is none.

    w is the minimiser of the strictly convex

        f(w) = w^T M w / 2 - sum_i p_i phi(w_i),    phi'(w) = w^-beta

    Newton runs on relative steps r = dw / w, for weights of very different size. The start solves
    the equations of the diagonal alone, times the one factor that minimises f. There is a w for
    each p unless ``M v = 0`` for some v >= 0, v != 0: then f falls without end along v, and so do
    the iterates, until ``w / sum w`` is such a v up to rounding.

    Args:
        matrix: M, symmetric positive semi-definite `[n, n]`, float64, with a diagonal of 1.
        preference: p, positive, `[n]`.
        power: beta, positive.
        rounding: relative error of M.

    Example:
        >>> newton(np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([1.5, 1.5]), power=1.0).round(9)
        array([1., 1.])

    Reference: Boyd, Vandenberghe, "Convex Optimization", 2004, section 9.5; the equations are those
        of Navon et al., ICML 2022 (beta = 1), and Ban, Ji, ICML 2024 (beta = 1 / alpha).
    """
    exponent = 1 / (1 + power)
    size = preference.max()
    share = preference / size
    w = share**exponent
    null = 4 * max(rounding, len(w) * np.finfo(float).eps)
    step = np.inf
    for number in range(STEPS):
        scaled = matrix * (w[:, None] * w)
        image, pull = scaled.sum(axis=1), share * w ** (1 - power)
        total = image.sum()
        if total <= null * w.sum() ** 2:
            return None
        if number == 0:
            factor = (pull.sum() / total) ** exponent
            w, scaled, image = factor * w, factor**2 * scaled, factor**2 * image
            pull = factor ** (1 - power) * pull
        hessian = scaled.copy()
        hessian.flat[:: len(w) + 1] += power * pull
        relative = np.linalg.solve(hessian, pull - image)
        before, step = step, float(np.abs(relative).max())
        near = step * (1 + power) <= NEAR
        length = 1.0 if near else _damp(scaled, image, pull, power, relative)
        w = w * (1 + length * relative)
        if near and (step <= FINAL or 2 * step > before):  # what does not shrink is rounding
            break
    weights: np.ndarray = w * size**exponent
    return weights


def _damp(
    scaled: np.ndarray, image: np.ndarray, pull: np.ndarray, power: float, relative: np.ndarray
) -> float:
    """Returns how far to go along a Newton step, so that f falls and no weight reaches zero."""
    promised = (pull - image) @ relative
    curvature = relative @ scaled @ relative
    length = min(1.0, BOUNDARY / max(-float(relative.min()), BOUNDARY))
    while True:
        growth = np.log1p(length * relative)
        if power != 1:
            growth = np.expm1((1 - power) * growth) / (1 - power)
        change = length * (image @ relative) + length**2 * curvature / 2 - pull @ growth
        if change <= -SLOPE * length * promised or length < FINAL:
            return length
        length /= 2
