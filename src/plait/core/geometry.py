"""The geometry of labels on their input: augmentation moves it, reports draw it."""

from __future__ import annotations

from typing import Literal

Geometry = Literal[
    "class",  # one class for the whole example
    "labels",  # several yes-or-no labels for the whole example
    "numbers",  # one number, or several, for the whole example
    "tags",  # a class for each token, in the tokens' order
    "mask",  # a class for each pixel, [H, W]
    "map",  # numbers for each pixel, [K, H, W]
    "point",  # (x, y) in pixels; the centre of the first pixel is (0, 0)
    "box",  # (xmin, ymin, xmax, ymax) as fractions of width and height
    "other",  # known to the task alone
]
