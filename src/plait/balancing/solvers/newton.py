"""Damped Newton for the weights of proportional and alpha-fair bargaining."""

from __future__ import annotations

import numpy as np

from plait.balancing.solvers.min_norm import zero_in_hull

STEPS = 300  # 6 to 10 are the rule; towards no solution the weights grow by a share in each
BOUNDARY = 0.95  # share of the way to the nearest zero weight that one step may go
NEAR = 0.25  # relative change of the Hessian up to which a full step converges by itself
FINAL = 1e-8  # relative step after which quadratic convergence leaves rounding alone
NULL = 1e-6  # the square of what is added up, relative, below which the start may be anywhere
LOST = 100.0  # how many times its rounding an equation has to be
SURE = 0.1  # relative error of an equation, of rounding in M, up to which it counts as met
TINY = 1e-9  # gain, relative to the length of the direction, that counts as 0
LEAST = 4e-12  # what is added to the diagonal at least where the equations are lost in rounding
SLOPE = 1e-4  # share of the promised decrease that a step has to bring


def newton(
    matrix: np.ndarray, preference: np.ndarray, power: float, rounding: float = 0.0
) -> tuple[np.ndarray | None, bool]:
    """Solves ``M w = p w^-beta`` (element by element) for w > 0.

    w is the minimiser of the strictly convex

        f(w) = w^T M w / 2 - sum_i p_i phi(w_i),    phi'(w) = w^-beta

    Newton runs on relative steps r = dw / w, for weights of very different size. The start solves
    the equations of the diagonal alone, times the one factor that minimises f. There is a w for
    each p unless ``M v = 0`` for some v >= 0, v != 0: then f falls without end along v. Once the
    weights are so large that an equation is lost in rounding, non-negative least squares tells.

    The answer is checked against the equations. Where it does not meet them, because w is so large
    that ``M w`` is rounding, it is that for M + 4 e I, e the relative error of M: nearly stationary
    rows then have gains of about 0.

    Args:
        matrix: M, symmetric positive semi-definite `[n, n]`, float64, with a diagonal of 1.
        preference: p, positive, `[n]`.
        power: beta, positive.
        rounding: relative error of M.

    Returns:
        w, or None if there is none; and whether w meets the equations. It does for beta from 0.15
        to 50, but where rows nearly have 0 in their hull; below, it may not where M has more than
        some ten rows or p differs by powers of ten.

    Example:
        >>> newton(np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([1.5, 1.5]), power=1.0)[0].round(9)
        array([1., 1.])

    Reference: Boyd, Vandenberghe, "Convex Optimization", 2004, section 9.5; the equations are those
        of Navon et al., ICML 2022 (beta = 1), and Ban, Ji, ICML 2024 (beta = 1 / alpha).
    """
    w, ended = _search(matrix, preference, power, rounding)
    if w is None or _meets(w, matrix, preference, power):
        return w, ended
    added = max(4 * rounding, LEAST)
    return _search(matrix + added * np.eye(len(w)), preference, power, 0.0)[0], False


def _meets(w: np.ndarray, matrix: np.ndarray, preference: np.ndarray, power: float) -> bool:
    """Tells whether w solves the equations, but for gains that are as good as 0."""
    gains, wanted = matrix @ w, preference * w**-power
    allowed = SURE * wanted + TINY * np.sqrt(max(w @ gains, 0.0))
    return bool((np.abs(gains - wanted) <= allowed).all())


def _search(
    matrix: np.ndarray, preference: np.ndarray, power: float, rounding: float
) -> tuple[np.ndarray | None, bool]:
    """Returns w after the last step, None if there is none, and whether the search ended."""
    exponent = 1 / (1 + power)
    size = preference.max()
    share = preference / size
    w = share**exponent
    w *= ((share @ w ** (1 - power)) / max(w @ matrix @ w, NULL * w.sum() ** 2)) ** exponent
    null_64 = len(w) * float(np.finfo(float).eps)
    null = 4 * max(rounding, null_64)
    step, checked = np.inf, False
    for _ in range(STEPS):
        scaled = matrix * (w[:, None] * w)
        image, pull = scaled.sum(axis=1), share * w ** (1 - power)
        if not checked and (pull <= LOST * null * w.sum() * w).any():
            if zero_in_hull(matrix, null):
                return None, True
            checked = True
        hessian = scaled.copy()
        # Rounding of a singular M may be larger than a small pull, and must not turn a sign
        hessian.flat[:: len(w) + 1] += power * pull + null_64 * scaled.diagonal()
        # Weights of very different size make rows of very different size
        unit = np.sqrt(hessian.diagonal())
        relative = np.linalg.solve(hessian / (unit[:, None] * unit), (pull - image) / unit) / unit
        before, step = step, float(np.abs(relative).max())
        near = step * (1 + power) <= NEAR
        length = 1.0 if near else _damp(scaled, image, pull, power, relative)
        w = w * (1 + length * relative)
        if near and (step <= FINAL or 2 * step > before):  # what does not shrink is rounding
            return w * size**exponent, True
    return w * size**exponent, False


def _damp(
    scaled: np.ndarray, image: np.ndarray, pull: np.ndarray, power: float, relative: np.ndarray
) -> float:
    """Returns a length in (0, 1] of a Newton step at which f falls and no weight reaches zero."""
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
