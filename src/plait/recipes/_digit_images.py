"""The 1,797 real digits that scikit-learn ships: in which split, scaled, rotated, halved."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
_POOL_SEED = 1797


@cache
def digit_images() -> tuple[Floats, Indices]:
    """Loads the digits of scikit-learn: ink `[1797, 8, 8]` in 0..1, and classes `[1797]`."""
    # Imported here: it takes seconds, and only the recipes need scikit-learn.
    from sklearn.datasets import load_digits  # type: ignore[import-untyped, unused-ignore]

    images, labels = load_digits(return_X_y=True)
    ink = (images.reshape(-1, 8, 8) / 16).astype(np.float32)
    ink.setflags(write=False)
    return ink, labels.astype(np.int64)


@cache
def digit_pools() -> dict[str, Indices]:
    """Divides the 1,797 digit images into pools for the splits, with about equal class shares.

    The split is by image (70 / 10 / 20 %). The data do not say who wrote a digit, so the hand of
    a test digit can be known from training.

    Returns:
        `{"train": indices, "val": indices, "test": indices}`, int64, ascending, read-only.
    """
    _, labels = digit_images()
    rng = np.random.default_rng(_POOL_SEED)
    edges = np.cumsum(list(SHARES.values()))[:-1]
    parts: list[list[Indices]] = []
    for label in range(10):
        members = rng.permutation(np.flatnonzero(labels == label))
        parts.append(np.split(members, np.rint(edges * len(members)).astype(np.int64)))
    pools = {
        split: np.sort(np.concatenate(part))
        for split, part in zip(SHARES, zip(*parts, strict=True), strict=True)
    }
    for pool in pools.values():
        pool.setflags(write=False)
    return pools


def warp(digit: Floats, side: float, degrees: float) -> Floats:
    """Scales an 8x8 image to `side` pixels, rotates it, and cuts out the box that holds its ink.

    Bilinear: ink(u, v) = sum_ij digit[i, j] hat(v - i) hat(u - j), hat(t) = max(0, 1 - |t|), with
    (u, v) the source position of a pixel; it fades to 0 within one source pixel of the edge.

    Args:
        digit: ink `[8, 8]`, not all 0.
        side: of the scaled image before it is turned, in pixels.
        degrees: the angle, either way.
    """
    padded = np.zeros((12, 12), np.float32)
    padded[2:10, 2:10] = digit
    step = 8 / side
    cos, sin = math.cos(math.radians(degrees)) * step, math.sin(math.radians(degrees)) * step
    reach = math.ceil(4.5 / step**2 * (abs(cos) + abs(sin)))
    middle = reach + 0.5  # Pillow puts the corner of the image, not a pixel's centre, at 0
    inverse = (cos, sin, 6 - middle * (cos + sin), -sin, cos, 6 - middle * (cos - sin))
    window = (2 * reach + 1, 2 * reach + 1)
    ink = Image.fromarray(padded).transform(
        window, Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR
    )
    return np.asarray(ink.crop(ink.getbbox()))


def half(digit: Floats, rng: np.random.Generator) -> Floats:
    """Keeps the half (upper, lower, left or right) of a digit that holds less ink; the rest is 0.

    Less ink, since nearly all of a 1 can lie in one half.
    """
    part = digit.copy()
    turned = part if rng.random() < 0.5 else part.T
    lower = turned[4:].sum() < turned[:4].sum()
    turned[:4] *= not lower
    turned[4:] *= lower
    return part
