"""Strokes, backgrounds and noise of a painted scene, and free places in it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def place(rng: np.random.Generator, ink: Floats, size: int) -> tuple[slice, slice]:
    """Draws where the ink goes, uniformly over the places that are fully inside the scene.

    Args:
        rng: the scene's generator.
        ink: `[height, width]`, no larger than the scene.
        size: side of the scene in pixels.

    Returns:
        its rows and its columns.
    """
    top, left = (int(rng.integers(size - extent + 1)) for extent in ink.shape)
    return slice(top, top + ink.shape[0]), slice(left, left + ink.shape[1])


def shared(box: tuple[slice, slice], other: tuple[slice, slice]) -> float:
    """Returns the share of `box` that `other` covers, 0..1; both are (rows, columns)."""
    share = 1.0
    for a, b in zip(box, other, strict=True):
        share *= max(0, min(a.stop, b.stop) - max(a.start, b.start)) / (a.stop - a.start)
    return share


def paint(canvas: Floats, ink: Floats, level: float) -> None:
    """Blends the grey `level` into the canvas, in place, as opaque as the ink (0..1)."""
    canvas += ink * (level - canvas)


def background(rng: np.random.Generator, size: int) -> Floats:
    """Draws a smooth surface `[size, size]`: a random quadratic in x and in y, about 0..0.45."""
    t = np.linspace(-1, 1, size, dtype=np.float32)
    powers = np.stack([t**0, t, t * t], axis=1)
    weights = rng.uniform(-0.06, 0.06, (3, 3)).astype(np.float32)
    weights[0, 0] = rng.uniform(0.1, 0.35)
    surface: Floats = powers @ weights @ powers.T
    return surface


def noise(rng: np.random.Generator, size: int) -> Floats:
    """Draws normal noise `[size, size]`; its strength, 0.02..0.07, differs between scenes."""
    return rng.standard_normal((size, size), np.float32) * rng.uniform(0.02, 0.07)


def stroke(rng: np.random.Generator, size: int) -> Floats:
    """Draws the ink `[size, size]` of a line or arc, 1 to 2.5 pixels wide: 1 on it, 0 off it.

    With d the distance of a pixel to the curve, ink = clip(width / 2 + 1/2 - d, 0, 1).
    """
    unit = size / 64
    x = np.arange(size, dtype=np.float32) - rng.uniform(0, size)
    y = (np.arange(size, dtype=np.float32) - rng.uniform(0, size))[:, None]
    heading = rng.uniform(0, 2 * math.pi)
    cos, sin = math.cos(heading), math.sin(heading)
    along, beside = cos * x + sin * y, cos * y - sin * x
    if rng.random() < 0.5:
        past_end = np.maximum(np.abs(along) - rng.uniform(6, 24) * unit, 0)
        distance = np.sqrt(past_end * past_end + beside * beside)
    else:
        # An arc spans up to three quarters of a turn: a closed ring would read as a 0.
        radius = np.sqrt(along * along + beside * beside)
        outside = along < radius * math.cos(rng.uniform(0.25, 0.75) * math.pi)
        distance = np.where(outside, size, np.abs(radius - rng.uniform(6, 20) * unit))
    ink: Floats = np.clip(rng.uniform(1, 2.5) * unit / 2 + 0.5 - distance, 0, 1)
    return ink
