"""Masks and maps as pictures to be laid over an example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.data.masks import COLOURS, colour
from plait.runs.gallery import Box, MaskClass

OPACITY = 150  # of a mask over its picture, of 255; its outline is opaque
SMALL = 0.01  # share of a picture below which a class gets frames around its places
MOST_FRAMES = 8  # of a class; its largest places have them
SIDE = 1024  # pixels of a drawn mask or map
STRIPES, EDGES = 40, 200  # of their widths side by side fill the longer side of a mask
ROOM = 0.015  # between a place and its frame, as a share of the picture's sides

Array = np.ndarray[Any, Any]


def mask_overlays(true: Array, predicted: Array) -> list[Array]:
    """Draws class numbers `[H, W]` in colours, clear where they are negative: `[H, W, 4]`.

    The inside of a class shows the picture through, its outline does not. Classes of one colour
    take turns in being striped. A large mask is drawn smaller, of every second pixel or fewer.
    """
    return [_drawn(_smaller(classes)) for classes in (true, predicted)]


def map_overlays(true: Array, predicted: Array) -> list[Array]:
    """Draws the first of K numbers for each pixel in grey on one scale, clear where it is NaN."""
    sides = [_smaller(true[0]), _smaller(predicted[0])]
    low, high = np.nanmin(sides), np.nanmax(sides)
    grey = [np.nan_to_num((side - low) / ((high - low) or 1) * 255) for side in sides]
    return [
        np.dstack([*[each] * 3, np.where(np.isnan(side), 0, 255)]).astype(np.uint8)
        for each, side in zip(grey, sides, strict=True)
    ]


def mask_view(true: Array | None, predicted: Array, names: Sequence[str] | None) -> dict[str, Any]:
    """Returns the legend of a mask, and the frames around places that are easily missed.

    Args:
        true: class numbers `[H, W]`, negative for what is left clear; None without a label.
        predicted: the same of the prediction.
        names: of the classes; their numbers by default.
    """
    sides = [predicted] if true is None else [true, predicted]
    found = [int(each) for each in np.unique(sides) if each >= 0]
    legend = [
        MaskClass(
            name=str(each) if names is None else names[each],
            colour="#" + colour(each).tobytes().hex(),
            hatched=_hatched(each),
            true=None if true is None else float((true == each).mean()),
            predicted=float((predicted == each).mean()),
        )
        for each in found
    ]
    return {
        "classes": legend,
        "small_true": [] if true is None else _frames(true, found),
        "small_predicted": _frames(predicted, found),
    }


def _smaller(side: Array) -> Array:
    """Returns every k-th row and column `[H / k, W / k]`, at most `SIDE` of each."""
    step = -(-max(side.shape) // SIDE)
    return side[::step, ::step]


def _drawn(classes: Array) -> Array:
    """Draws one side."""
    shown = classes >= 0
    table = np.stack([colour(each) for each in range(int(max(classes.max(), 0)) + 1)])
    alpha = np.where(shown, OPACITY, 0).astype(np.uint8)
    side = max(classes.shape)
    y, x = np.indices(classes.shape)
    second = (x + y) // max(2, side // STRIPES) % 2 == 1
    alpha[shown & second & _hatched(classes)] = OPACITY // 3
    edge = _at_an_edge(classes)
    if side > EDGES:
        from scipy import ndimage  # here: a run is not to wait for it until it is over

        edge = ndimage.binary_dilation(edge, iterations=side // EDGES)
    alpha[shown & edge] = 255
    return np.dstack([table[np.clip(classes, 0, None)], alpha])


def _hatched(number: Any) -> Any:
    """Returns whether a class is drawn in stripes: each second time that a colour comes."""
    return number // len(COLOURS) % 2 == 1


def _at_an_edge(classes: Array) -> Array:
    """Returns True where a pixel above, below or beside is of another class: `[H, W]`."""
    around = np.pad(classes, 1, mode="edge")
    edge: Array = (classes != around[:-2, 1:-1]) | (classes != around[2:, 1:-1])
    edge |= (classes != around[1:-1, :-2]) | (classes != around[1:-1, 2:])
    return edge


def _frames(classes: Array, found: list[int]) -> list[Box]:
    """Returns frames around the places of classes that cover little, as shares of the sides."""
    from scipy import ndimage  # as above

    height, width = classes.shape
    frames = []
    for each in found:
        where = classes == each
        if where.mean() >= SMALL:
            continue
        places, count = ndimage.label(where, np.ones((3, 3)))
        sizes = np.bincount(places.ravel(), minlength=count + 1)[1:]
        slices = ndimage.find_objects(places)
        for place in np.argsort(-sizes, kind="stable")[:MOST_FRAMES]:
            rows, columns = slices[place]
            frames.append(
                (
                    max(columns.start / width - ROOM, 0.0),
                    max(rows.start / height - ROOM, 0.0),
                    min(columns.stop / width + ROOM, 1.0),
                    min(rows.stop / height + ROOM, 1.0),
                )
            )
    return frames
