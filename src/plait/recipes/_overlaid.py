"""Two images laid over each other, and divided for training, validation and test.

The construction is that of Sener, Koltun, "Multi-Task Learning as Multi-Objective Optimization",
NeurIPS 2018, after Sabour, Frosst, Hinton, "Dynamic Routing between Capsules", NeurIPS 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from plait.core.seeding import derive_seed
from plait.data.tables import Array
from plait.recipes._image_arrays import SIDE, Labelled

CANVAS = 36
SHIFT = 6  # rows and columns by which the second image is moved
HELD_OUT = 6  # one in so many training images, the last ones, are for validation


class Overlaid(NamedTuple):
    """Pairs of images, one over the other.

    Attributes:
        images: `[N, 28, 28]`, uint8.
        first: `[N]`, the classes of the images at the top left.
        second: `[N]`, those of the images at the bottom right.
    """

    images: Array
    first: Array
    second: Array


def overlay(first: Array, second: Array) -> Array:
    """Lays images over each other: `[N, 28, 28]`, uint8.

    On a canvas of 36 x 36 the first lies at (0, 0) and the second at (6, 6), and the brighter of
    both is seen at each pixel; the canvas is then resized to 28 x 28 by the nearest pixel.

    Args:
        first: `[N, 28, 28]`, uint8.
        second: `[N, 28, 28]`, uint8.
    """
    canvas = np.zeros((len(first), CANVAS, CANVAS), np.uint8)
    canvas[:, :SIDE, :SIDE] = first
    place = canvas[:, SHIFT : SHIFT + SIDE, SHIFT : SHIFT + SIDE]
    np.maximum(place, second, out=place)
    nearest = (2 * np.arange(SIDE) + 1) * CANVAS // (2 * SIDE)  # of the middles of the new pixels
    return np.ascontiguousarray(canvas[:, nearest[:, None], nearest])


def overlaid(images: Mapping[str, Labelled], *, most: int | None, seed: int) -> dict[str, Overlaid]:
    """Makes one pair of each image, with another of the same split as the second.

    Args:
        images: those for training and for the test. The last sixth of those for training is for
            validation, so that no image is in two splits.
        most: pairs for training, at most; None for one of each image.
        seed: of which images come together.

    Returns:
        `{"train": ..., "val": ..., "test": ...}`.
    """
    train = images["train"]
    held = max(2, len(train.labels) // HELD_OUT)
    fitted = Labelled(*(each[:-held] for each in train))
    parts = {
        "train": fitted if most is None else Labelled(*(each[:most] for each in fitted)),
        "val": Labelled(*(each[-held:] for each in train)),
        "test": images["test"],
    }
    return {split: _paired(part, derive_seed(seed, split)) for split, part in parts.items()}


def _paired(part: Labelled, seed: int) -> Overlaid:
    """Makes a pair of each image and the one after it in a random order: never with itself."""
    order = np.random.default_rng(seed).permutation(len(part.labels))
    second = np.empty_like(order)
    second[order] = np.roll(order, -1)
    labels = part.labels
    return Overlaid(overlay(part.images, part.images[second]), labels, labels[second])
