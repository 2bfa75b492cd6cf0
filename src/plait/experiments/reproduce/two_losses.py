"""Two losses of two parameters: a problem on which plain gradient descent gets stuck.

Above the horizontal axis each loss has a narrow valley, in which the one gradient is large and
turns quickly; the descents begin there, or just below it. Far below lies the Pareto front.

References: Liu, Liu, Jin, Stone, Liu, "Conflict-Averse Gradient Descent for Multi-task Learning",
    NeurIPS 2021 (the losses); Navon, Shamsian, Achituve, Maron, Kawaguchi, Chechik, Fetaya,
    "Multi-Task Learning as a Bargaining Game", ICML 2022 (the starts, and the smaller first loss).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

STARTS = ((-8.5, 7.5), (0.0, 0.0), (9.0, 9.0), (-7.5, -0.5), (9.0, -1.0))
TASKS = ("first", "second")
LOWEST = 20.0  # neither loss is ever below -20
END = 7.0  # the front reaches from -7 to 7 in the first parameter
_FLAT = 5e-6  # what the logarithms read is at least this

Array = np.ndarray[Any, Any]


def two_losses(point: Tensor) -> Tensor:
    """Returns both losses, `[..., 2]`, at points `[..., 2]`.

        L_1 = c (log |(-a - 7) / 2 + tanh b| + 6)      + d ((a - 7)^2 + (b + 8)^2 / 10) / 10 - 20 d
        L_2 = c (log |(-a + 3) / 2 - tanh b + 2| + 6)  + d ((a + 7)^2 + (b + 8)^2 / 10) / 10 - 20 d

    with c = max(tanh(b / 2), 0) and d = max(tanh(-b / 2), 0); the logarithms are cut off below.
    """
    a, b = point.unbind(-1)
    bend, half = torch.tanh(b), torch.tanh(b / 2)
    above, below = half.clamp(min=0), (-half).clamp(min=0)
    valleys = ((-a - 7) / 2 + bend, (3 - a) / 2 - bend + 2)
    bowls = ((a - 7) ** 2, (a + 7) ** 2)
    depth = 0.1 * (b + 8) ** 2
    return torch.stack(
        [
            above * (valley.abs().clamp(min=_FLAT).log() + 6)
            + below * ((bowl + depth) / 10 - LOWEST)
            for valley, bowl in zip(valleys, bowls, strict=True)
        ],
        dim=-1,
    )


def values_and_slopes(a: float, b: float) -> tuple[tuple[float, float], Array]:
    """Returns both losses at a point, and their gradients `[2, 2]`, a row for each loss.

    The same as `two_losses` and its gradients in closed form: a long descent takes a third of the
    time.
    """
    bend, half = math.tanh(b), math.tanh(b / 2)
    turn, rise = 1 - bend**2, (1 - half**2) / 2
    valleys = ((-a - 7) / 2 + bend, turn), ((3 - a) / 2 - bend + 2, -turn)
    values, slopes = [0.0, 0.0], np.zeros((2, 2))
    for loss, ((valley, along), middle) in enumerate(zip(valleys, (END, -END), strict=True)):
        if half >= 0:
            level = math.log(max(abs(valley), _FLAT)) + 6
            steep = half / valley if abs(valley) >= _FLAT else 0.0
            values[loss] += half * level
            slopes[loss] += (-steep / 2, steep * along + rise * level)
        if half <= 0:
            level = ((a - middle) ** 2 + 0.1 * (b + 8) ** 2) / 10 - LOWEST
            values[loss] -= half * level
            slopes[loss] -= (half * (a - middle) / 5, half * (b + 8) / 50 + rise * level)
    return (values[0], values[1]), slopes


def front(points: int = 1401) -> Array:
    """Returns points of the Pareto front, `[points, 2]`, evenly spaced in the first parameter.

    Below the axis w L_1 + (1 - w) L_2 is least at a = 14 w - 7, for every b. What is left is

        tanh(-b / 2) (19.6 w (1 - w) - 20 + (b + 8)^2 / 100),

    whose slope is 0 at one b between -10 and -8, found by halving. Above the axis no loss is below
    -6.21, and there is a point with -15 for both: nothing there is on the front. Multiplying a loss
    by a constant does not change it.
    """
    a = np.linspace(-END, END, points)
    w = (a + END) / (2 * END)
    level = 19.6 * w * (1 - w) - LOWEST
    low, high = np.full(points, -10.0), np.full(points, -8.0)
    for _ in range(60):
        middle = (low + high) / 2
        half = np.tanh(-middle / 2)
        slope = half * (middle + 8) / 50 - (1 - half**2) / 2 * (level + (middle + 8) ** 2 / 100)
        low, high = np.where(slope < 0, middle, low), np.where(slope < 0, high, middle)
    return np.stack([a, (low + high) / 2], axis=-1)


def distance(points: Array) -> Array:
    """Returns the distance of each point `[n, 2]` to the front, in the plane of the parameters."""
    curve = front()
    place = np.clip(np.rint((points[:, 0] + END) / (2 * END) * (len(curve) - 1)), 0, len(curve) - 1)
    # The front is level to 0.1 over its length of 14: the nearest point is right below or above
    nearest: Array = curve[place.astype(int)]
    gaps: Array = np.linalg.norm(points - nearest, axis=-1)
    return gaps
