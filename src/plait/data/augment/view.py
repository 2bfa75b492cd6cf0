"""One view of an image: a map of positions, and for each pixel of the view where it comes from."""

from __future__ import annotations

import torch
from torch import Tensor


class View:
    """The part of an image that is kept, mirrored, scaled and turned.

        p_in = matrix (p_out - size / 2) + centre

    p: a position (x, y) in pixels, where pixel i covers [i, i + 1]. Image and view have one size.

    Args:
        matrix: `[2, 2]`, from steps in the view to steps in the image.
        centre: (x, y) in the image of the view's middle.
        size: width and height in pixels.

    Attributes:
        x, y: position in the image of the centre of each pixel of the view, `[H, W]`.
        outside: which of them are not in the image, `[H, W]`; None where all are.
    """

    def __init__(self, matrix: Tensor, *, centre: Tensor, size: Tensor) -> None:
        self.matrix, self.centre, self.size = matrix, centre, size
        width, height = (int(length) for length in size)
        columns = torch.arange(width, dtype=torch.float64) + 0.5 - size[0] / 2
        rows = torch.arange(height, dtype=torch.float64).unsqueeze(1) + 0.5 - size[1] / 2
        self.x = matrix[0, 0] * columns + matrix[0, 1] * rows + centre[0]
        self.y = matrix[1, 0] * columns + matrix[1, 1] * rows + centre[1]
        ranges = (self.x.aminmax(), width), (self.y.aminmax(), height)
        self.outside: Tensor | None = None
        if any(low < 0 or high > length for (low, high), length in ranges):
            self.outside = (self.x < 0) | (self.x > width) | (self.y < 0) | (self.y > height)

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width in pixels."""
        width, height = (int(length) for length in self.size)
        return height, width

    def moved(self, positions: Tensor) -> Tensor:
        """Maps positions `[..., 2]` of the image, in pixels, to positions in the view."""
        backwards: Tensor = torch.linalg.inv(self.matrix)
        return (positions - self.centre) @ backwards.T + self.size / 2

    def nearest(self, classes: Tensor, *, outside: int) -> Tensor:
        """Returns `[H, W]` as the view shows it, each pixel the nearest one of the image.

        Args:
            classes: whole numbers, one for each pixel.
            outside: the number for what is not in the image.
        """
        height, width = classes.shape
        row, column = self.y.int().clamp(0, height - 1), self.x.int().clamp(0, width - 1)
        places = (row * width + column).flatten()
        return self._filled(classes.flatten().index_select(0, places).view_as(classes), outside)

    def bilinear(self, values: Tensor, *, outside: float) -> Tensor:
        """Returns `[K, H, W]` as the view shows it, between the four nearest pixels of the image.

        Beyond the outermost pixel centres the image is flat; NaN spreads to its neighbours.

        Args:
            values: numbers, K for each pixel.
            outside: the number for what is not in the image.
        """
        height, width = values.shape[-2:]
        x, y = (self.x - 0.5).clamp(0, width - 1), (self.y - 0.5).clamp(0, height - 1)
        left, top = x.int(), y.int()
        across, down = (x - left).to(values.dtype), (y - top).to(values.dtype)
        # On a pixel centre there is no step: a neighbour of weight 0, which may be NaN, is not read
        right, below = (across > 0).int(), (down > 0).int() * width
        first = top * width + left
        flat = values.flatten(-2)

        def read(index: Tensor) -> Tensor:
            return flat.index_select(-1, index.flatten()).view_as(values)

        upper = read(first).lerp_(read(first + right), across)
        lower = read(first + below).lerp_(read(first + below + right), across)
        return self._filled(upper.lerp_(lower, down), outside)

    def _filled(self, values: Tensor, value: float) -> Tensor:
        return values if self.outside is None else values.masked_fill(self.outside, value)
