"""The weights of several objectives that have to make room for a constraint."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from plait.balancing.solvers.min_norm import min_norm

ITERATIONS = 100  # about ten are the rule
TOLERANCE = 1e-14  # relative to the lengths of the rows, which are 1

Solution = tuple[np.ndarray, float]  # w, and b^T w


def dynamic_barrier(gramian: np.ndarray, inner: np.ndarray, phi: float) -> np.ndarray:
    """Returns the weights w of gradients g_i beside the gradient q of a constraint, |q| = 1.

        min over w on the simplex, nu >= max(0, phi - b^T w) of  |J^T w + nu q|^2 - phi nu

    With G the Gramian and b the inner products with q. For a given w the best nu is its bound. Up
    to a constant that leaves ``w^T (G - b b^T) w + psi(b^T w)``, psi(t) = phi t for t <= phi and
    t^2 above: convex, with a kink at phi. Where psi has the slope p at t = b^T w, w minimises
    ``|J^T w + kappa q|^2`` for ``kappa = p/2 - t``: it is a nearest point of a hull, and kappa the
    root of a function of one variable. There are three cases: t > phi, where kappa = 0; t = phi;
    and t < phi, where kappa = phi/2 - t.

    Args:
        gramian: G, `[n, n]`, of rows of length about 1.
        inner: b, `[n]`.
        phi: the share of the constraint's gradient that the direction has to follow; positive.
    """

    def nearest(kappa: float) -> Solution:
        shift = kappa * inner
        weights = min_norm(gramian + shift[:, None] + shift[None, :] + kappa**2)
        return weights, float(inner @ weights)

    weights, t = nearest(0.0)
    if t >= phi:
        return weights
    weights, t = nearest(-phi / 2)
    if t >= phi:
        return _root(nearest, lambda kappa, t: phi - t, -phi / 2, 0.0)
    return _root(
        nearest, lambda kappa, t: t + kappa - phi / 2, -phi / 2, phi / 2 - float(inner.min())
    )


def _root(
    solve: Callable[[float], Solution],
    excess: Callable[[float, float], float],
    low: float,
    high: float,
) -> np.ndarray:
    """Returns the weights at which `excess`, which rises from low to high, is zero (Illinois)."""
    (first, t_low), (last, t_high) = solve(low), solve(high)
    below, above = excess(low, t_low), excess(high, t_high)
    scale_below = scale_above = 1.0  # halved for an end that stays, or it would stay for ever
    for _ in range(ITERATIONS):
        if min(-below, above) <= TOLERANCE or high - low <= TOLERANCE * (1 + abs(low)):
            break
        left, right = scale_below * below, scale_above * above
        kappa = (low * right - high * left) / (right - left)
        weights, t = solve(kappa)
        value = excess(kappa, t)
        if value < 0:
            low, below, first = kappa, value, weights
            scale_below, scale_above = 1.0, scale_above / 2
        else:
            high, above, last = kappa, value, weights
            scale_above, scale_below = 1.0, scale_below / 2
    if above - below <= 0:
        return last
    share = min(max(-below / (above - below), 0.0), 1.0)
    return (1 - share) * first + share * last
