"""Digits in clutter: scenes with a class, a mask and a position to predict from one image.

Every scene holds one whole handwritten digit over strokes, halves of other digits, a smooth
background and pixel noise. The digits are the 1,797 real 8x8 images that scikit-learn ships, so
nothing is downloaded.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from plait.core.errors import ConfigError, unknown

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

_SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
_POOL_SEED = 1797
_SIDE = (20, 32)  # of the 8x8 image, in pixels of a scene of 64; clutter scales likewise
_TURN = 30  # degrees; much more would turn a 6 into a 9
_MAX_SHARED_BOX = 0.1  # more of the digit's box under a fragment could turn a 3 into an 8


@dataclass(frozen=True)
class Scenes:
    """Scenes with their three labels.

    Shapes:
        images: uint8 [N, size, size], grey levels 0 (black) to 255 (white).
        digit: int64 [N], class 0..9.
        mask: uint8 [N, size, size], 1 where the digit's scaled and rotated ink is at least half of
            the darkest ink that the digits data can hold, else 0.
        centre: float32 [N, 2], (x, y) centre of mass of ``mask`` in pixels; the centre of the
            top left pixel is (0, 0).
    """

    images: NDArray[np.uint8]
    digit: Indices
    mask: NDArray[np.uint8]
    centre: Floats


class Scene(NamedTuple):
    """One scene, and the digit images it is made of: the whole digit first, then fragments."""

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    sources: tuple[int, ...]


def make_scenes(split: str, count: int, *, size: int = 64, seed: int = 0) -> Scenes:
    """Make the first ``count`` scenes of a split.

    Scene i depends on (split, seed, size, i) alone: a longer call begins with the same scenes.
    Global random state is neither read nor changed. NumPy keeps its random streams within a
    version only, so another version may make other scenes and pools.

    Args:
        split: the pool of digit images for digits and fragments: "train", "val" or "test".
        count: number of scenes N, at least 1.
        size: height and width in pixels, 32..128; 64 by default. Digits and clutter scale with it.
        seed: non-negative; another seed makes other scenes from the same pool.

    Shapes:
        returns a ``Scenes`` with images [N, size, size], digit [N], mask [N, size, size] and
        centre [N, 2].

    Raises:
        ConfigError: ``split`` is unknown, or ``count``, ``size`` or ``seed`` is out of range.

    Example:
        >>> scenes = make_scenes("train", 2)
        >>> scenes.images.shape, scenes.centre.shape
        ((2, 64, 64), (2, 2))

    Cost:
        about 0.8 ms and 8 KiB per scene of 64 pixels on one core.
    """
    check_scenes(split, count, size, seed)
    _, labels = _digits()
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


@cache
def digit_pools() -> dict[str, Indices]:
    """Split the 1,797 digit images into disjoint pools, each with about the same class shares.

    The split is by image (70 / 10 / 20 %). The data do not say who wrote a digit, so the hand of
    a test digit can be known from training.

    Shapes:
        returns {"train", "val", "test"} -> ascending indices int64 [pool size], read-only.
    """
    _, labels = _digits()
    rng = np.random.default_rng(_POOL_SEED)
    edges = np.cumsum(list(_SHARES.values()))[:-1]
    parts: list[list[Indices]] = []
    for label in range(10):
        members = rng.permutation(np.flatnonzero(labels == label))
        parts.append(np.split(members, np.rint(edges * len(members)).astype(np.int64)))
    pools = {
        split: np.sort(np.concatenate(part))
        for split, part in zip(_SHARES, zip(*parts, strict=True), strict=True)
    }
    for pool in pools.values():
        pool.setflags(write=False)
    return pools


def render_scene(split: str, index: int, *, size: int, seed: int) -> Scene:
    """Draw scene ``index`` of (split, seed, size); see `make_scenes` for the arguments."""
    stream = np.random.SeedSequence(seed, spawn_key=(list(_SHARES).index(split), index))
    rng = np.random.default_rng(stream)
    digits, _ = _digits()
    sources = rng.choice(digit_pools()[split], 1 + rng.integers(1, 4), replace=False)
    low, high = (side * size / 64 for side in _SIDE)

    ink = _warp(digits[sources[0]], rng.uniform(low, high), rng.uniform(-_TURN, _TURN))
    box = _place(rng, ink, size)
    canvas = _background(rng, size)
    level = rng.uniform(0.75, 1.0)
    for _ in range(rng.integers(1, 5)):
        _paint(canvas, _stroke(rng, size), level * rng.uniform(0.5, 0.9))
    used = [int(sources[0])]
    for source in sources[1:]:
        part = _warp(_half(digits[source], rng), rng.uniform(low, high), rng.uniform(-180, 180))
        places = (_place(rng, part, size) for _ in range(8))
        clear = (place for place in places if _shared(box, place) <= _MAX_SHARED_BOX)
        if (place := next(clear, None)) is not None:
            _paint(canvas[place], part, level * rng.uniform(0.5, 0.9))
            used.append(int(source))
    # The digit is painted last: clutter may touch it, but never hides it.
    _paint(canvas[box], ink, level)
    canvas += _noise(rng, size)
    image = np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8)
    mask = np.zeros((size, size), np.uint8)
    mask[box] = ink >= 0.5
    return Scene(image, mask, tuple(used))


def _warp(digit: Floats, side: float, degrees: float) -> Floats:
    """Scale an 8x8 image to ``side`` pixels, rotate it, and cut the box that holds its ink.

    Bilinear: ink(u, v) = sum_ij digit[i, j] hat(v - i) hat(u - j), hat(t) = max(0, 1 - |t|), with
    (u, v) the source position of a pixel; it fades to 0 within one source pixel of the edge.
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


def _half(digit: Floats, rng: np.random.Generator) -> Floats:
    """Keep the half (upper, lower, left or right) of a digit that holds less ink, blank the rest.

    Less ink, since nearly all of a 1 can lie in one half.
    """
    part = digit.copy()
    turned = part if rng.random() < 0.5 else part.T
    lower = turned[4:].sum() < turned[:4].sum()
    turned[:4] *= not lower
    turned[4:] *= lower
    return part


def _place(rng: np.random.Generator, ink: Floats, size: int) -> tuple[slice, slice]:
    """Draw where the ink goes, uniformly over the places that are fully inside the scene."""
    top, left = (int(rng.integers(size - extent + 1)) for extent in ink.shape)
    return slice(top, top + ink.shape[0]), slice(left, left + ink.shape[1])


def _shared(box: tuple[slice, slice], other: tuple[slice, slice]) -> float:
    """Return the share of ``box`` that ``other`` covers, 0..1."""
    share = 1.0
    for a, b in zip(box, other, strict=True):
        share *= max(0, min(a.stop, b.stop) - max(a.start, b.start)) / (a.stop - a.start)
    return share


def _paint(canvas: Floats, ink: Floats, level: float) -> None:
    """Blend grey ``level`` into the canvas, in place, as opaque as the ink (0..1)."""
    canvas += ink * (level - canvas)


def _background(rng: np.random.Generator, size: int) -> Floats:
    """Return a smooth surface of grey levels: a random quadratic in x and in y, about 0..0.45."""
    t = np.linspace(-1, 1, size, dtype=np.float32)
    powers = np.stack([t**0, t, t * t], axis=1)
    weights = rng.uniform(-0.06, 0.06, (3, 3)).astype(np.float32)
    weights[0, 0] = rng.uniform(0.1, 0.35)
    surface: Floats = powers @ weights @ powers.T
    return surface


def _noise(rng: np.random.Generator, size: int) -> Floats:
    """Return independent normal pixel noise; its strength differs between scenes."""
    return rng.standard_normal((size, size), np.float32) * rng.uniform(0.02, 0.07)


def _stroke(rng: np.random.Generator, size: int) -> Floats:
    """Return the ink of a random line or arc, 1 to 2.5 pixels wide: 1 on it, 0 off it.

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


@cache
def _digits() -> tuple[Floats, Indices]:
    """Return ink [1797, 8, 8] in 0..1 and labels [1797] of scikit-learn's digits."""
    # Imported here: it takes seconds, and only the recipes need scikit-learn.
    from sklearn.datasets import load_digits  # type: ignore[import-untyped, unused-ignore]

    images, labels = load_digits(return_X_y=True)
    ink = (images.reshape(-1, 8, 8) / 16).astype(np.float32)
    ink.setflags(write=False)
    return ink, labels.astype(np.int64)


def check_scenes(split: str, count: int, size: int, seed: int) -> None:
    """Refuse arguments of `make_scenes` that are out of range."""
    if split not in _SHARES:
        raise ConfigError(unknown("split", split, _SHARES))
    for name, value in (("count", count), ("size", size), ("seed", seed)):
        if not isinstance(value, int | np.integer):
            raise ConfigError(f"`{name}` of scenes must be a whole number; found {value!r}.")
    if count < 1:
        raise ConfigError(f"`count` must be at least 1; found {count}. Ask for one scene or more.")
    if not 32 <= size <= 128:
        raise ConfigError(f"`size` must be in 32..128 pixels; found {size}. The default is 64.")
    if seed < 0:
        raise ConfigError(f"`seed` must not be negative; found {seed}. The default is 0.")
