"""Digits in clutter: scenes with a class, a mask and a position to predict from one image.

Every scene holds one whole handwritten digit over strokes, halves of other digits, a smooth
background and pixel noise. The digits are the 1,797 real 8x8 images that scikit-learn ships, so
nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from plait.core.errors import ConfigError, unknown
from plait.recipes._clutter import background, noise, paint, place, shared, stroke
from plait.recipes._digit_images import (
    SHARES,
    Floats,
    Indices,
    digit_images,
    digit_pools,
    half,
    warp,
)

SIDE = (20, 32)  # of the 8x8 image, in pixels of a scene of 64; clutter scales likewise
TURN = 30  # degrees; much more would turn a 6 into a 9
_MAX_SHARED_BOX = 0.1  # more of the digit's box under a fragment could turn a 3 into an 8


@dataclass(frozen=True)
class Scenes:
    """N scenes with their three labels.

    Attributes:
        images: uint8 `[N, size, size]`, grey levels 0 (black) to 255 (white).
        digit: int64 `[N]`, class 0..9.
        mask: uint8 `[N, size, size]`, 1 where the digit's scaled and rotated ink is at least half
            of the darkest ink that the digits data can hold, else 0.
        centre: float32 `[N, 2]`, (x, y) centre of mass of `mask` in pixels; the centre of the top
            left pixel is (0, 0).
    """

    images: NDArray[np.uint8]
    digit: Indices
    mask: NDArray[np.uint8]
    centre: Floats


class Scene(NamedTuple):
    """One scene, and what it is made of.

    Attributes:
        image: uint8 `[size, size]`.
        mask: uint8 `[size, size]`, as in `Scenes`.
        sources: indices of the digit images: the whole digit first, then fragments.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    sources: tuple[int, ...]


def make_scenes(split: str, count: int, *, size: int = 64, seed: int = 0) -> Scenes:
    """Makes the first `count` scenes of a split.

    Scene i depends on (split, seed, size, i) alone: a longer call begins with the same scenes.
    Global random state is neither read nor changed. NumPy keeps its random streams within a
    version only, so another version may make other scenes and pools.

    Args:
        split: the pool of digit images for digits and fragments: "train", "val" or "test".
        count: number of scenes N, at least 1.
        size: height and width in pixels, 32..128; 64 by default. Digits and clutter scale with it.
        seed: non-negative; another seed makes other scenes from the same pool.

    Raises:
        ConfigError: `split` is unknown, or `count`, `size` or `seed` is out of range.

    Example:
        >>> scenes = make_scenes("train", 2)
        >>> scenes.images.shape, scenes.centre.shape
        ((2, 64, 64), (2, 2))

    Cost:
        about 0.8 ms and 8 KiB per scene of 64 pixels on one core.
    """
    check_scenes(split, count, size, seed)
    _, labels = digit_images()
    images = np.empty((count, size, size), np.uint8)
    mask = np.empty_like(images)
    digit = np.empty(count, np.int64)
    centre = np.empty((count, 2), np.float32)
    for index in range(count):
        images[index], mask[index], sources = render_scene(split, index, size=size, seed=seed)
        digit[index] = labels[sources[0]]
        rows, columns = np.nonzero(mask[index])
        centre[index] = columns.mean(), rows.mean()
    return Scenes(images, digit, mask, centre)


def render_scene(split: str, index: int, *, size: int, seed: int) -> Scene:
    """Draws scene `index` of (split, seed, size); see `make_scenes` for the arguments."""
    stream = np.random.SeedSequence(seed, spawn_key=(list(SHARES).index(split), index))
    rng = np.random.default_rng(stream)
    digits, _ = digit_images()
    sources = rng.choice(digit_pools()[split], 1 + rng.integers(1, 4), replace=False)
    low, high = (side * size / 64 for side in SIDE)

    ink = warp(digits[sources[0]], rng.uniform(low, high), rng.uniform(-TURN, TURN))
    box = place(rng, ink, size)
    canvas = background(rng, size)
    level = rng.uniform(0.75, 1.0)
    for _ in range(rng.integers(1, 5)):
        paint(canvas, stroke(rng, size), level * rng.uniform(0.5, 0.9))
    used = [int(sources[0])]
    for source in sources[1:]:
        part = warp(half(digits[source], rng), rng.uniform(low, high), rng.uniform(-180, 180))
        places = (place(rng, part, size) for _ in range(8))
        clear = (window for window in places if shared(box, window) <= _MAX_SHARED_BOX)
        if (window := next(clear, None)) is not None:
            paint(canvas[window], part, level * rng.uniform(0.5, 0.9))
            used.append(int(source))
    # The digit is painted last: clutter may touch it, but never hides it.
    paint(canvas[box], ink, level)
    canvas += noise(rng, size)
    image = np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8)
    mask = np.zeros((size, size), np.uint8)
    mask[box] = ink >= 0.5
    return Scene(image, mask, tuple(used))


def check_scenes(
    split: str, count: int, size: int, seed: int, *, counted: str = "count", usual: int = 64
) -> None:
    """Raises `ConfigError` for arguments of `make_scenes` that are out of range.

    Args:
        split, count, size, seed: as there.
        counted: what the caller's users know `count` by, for messages.
        usual: the caller's default of `size`, for messages.
    """
    if split not in SHARES:
        raise ConfigError(unknown("split", split, SHARES))
    for name, value in ((counted, count), ("size", size), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise ConfigError(f"`{name}` must be a whole number; found {value!r}.")
    if count < 1:
        raise ConfigError(
            f"`{counted}` must be at least 1; found {count}. Ask for one scene or more."
        )
    if not 32 <= size <= 128:
        raise ConfigError(
            f"`size` must be in 32..128 pixels; found {size}. The default is {usual}."
        )
    if seed < 0:
        raise ConfigError(f"`seed` must not be negative; found {seed}. The default is 0.")
