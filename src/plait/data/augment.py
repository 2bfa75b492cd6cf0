"""Random augmentation that moves an image and its labels together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from plait.core.errors import ConfigError, DataError, ShapeError, unknown


@dataclass(frozen=True, kw_only=True)
class Augment:
    """Flips, crops, turns and recolours an image, and moves its mask, box and points with it.

        p_in = A (p_out - h) + c,    A = s R(angle) F

    p: a position (x, y) in pixels, where pixel i covers [i, i + 1]; h = (W, H) / 2; c: the centre
    of the window that is kept; s: its side as a share of the image's; F: diag(-1, 1) with
    probability `flip`, else the identity. Image and labels are all moved by this one map, in
    float64; the image keeps its size. A window never leaves the image; only a rotation shows what
    is outside of it.

    Every call makes the same draws, whatever is switched off: one option changes nothing else.

    Args:
        flip: probability of a mirror image, left to right; 0..1; 0.5 by default. Labels that name a
            side ("left eye") do not change places: set 0 for them.
        crop: the largest share of the side that is cut off; 0 <= crop < 1; 0.3 by default. The side
            that is kept is uniform in [1 - crop, 1], with the image's aspect, anywhere in it.
        rotation: the largest angle in degrees, either way; 0..180; 0 (off) by default. A turned box
            is the upright box around its corners, and therefore wider than the object.
        brightness: factor on all values, uniform in [1 - b, 1 + b]; 0..1; 0.2 by default.
        contrast: the same, on the distance to the image's mean grey.
        saturation: the same, on the distance to the pixel's own grey.
        min_visible: a box of whose area less than this share is left has no label (NaN); 0..1; 0.2
            by default, ours: less of a head is seldom recognised. At 0 only boxes out of sight go.
        outside: label of mask pixels from outside the image; -100 by default, which is what
            `Segmentation` ignores.

    Differs:
        from torchvision's `ColorJitter`: the order of the three colour steps is fixed, and values
        are clamped once, at the end.

    Cost:
        about 5 ms for an image of 3 x 224 x 224 with its mask and box on one core.

    Example:
        >>> mirror = Augment(flip=1, crop=0, brightness=0, contrast=0, saturation=0)
        >>> image, labels = torch.rand(3, 4, 6), {"eye": torch.tensor([1.0, 2.0])}
        >>> moved, labels = mirror(image, labels, {"eye": "point"}, torch.Generator())
        >>> bool((moved == image.flip(-1)).all()), labels["eye"].tolist()
        (True, [4.0, 2.0])
    """

    flip: float = 0.5
    crop: float = 0.3
    rotation: float = 0.0
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    min_visible: float = 0.2
    outside: int = -100

    def __post_init__(self) -> None:
        if not 0 <= self.crop < 1:
            raise ConfigError(
                f"`crop` must be in [0, 1); found {self.crop}. 0.3 cuts off up to 30 %."
            )
        highest = {"flip": 1, "rotation": 180, "min_visible": 1}
        highest |= {"brightness": 1, "contrast": 1, "saturation": 1}
        for option, high in highest.items():
            if not 0 <= getattr(self, option) <= high:
                raise ConfigError(
                    f"`{option}` must be in [0, {high}]; found {getattr(self, option)}. "
                    "0 switches it off."
                )

    def __call__(
        self,
        image: Tensor,
        targets: Mapping[str, Tensor],
        geometry: Mapping[str, str],
        generator: torch.Generator,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns one random view of the image, and the labels that hold for it.

        Args:
            image: values in [0, 1]; bilinear; black where the view shows what is outside.
            targets: `{task: label}`. Tasks that are not in `geometry` are handed on untouched.
            geometry: `{task: kind}`; a task without a label here is skipped. The kinds are

                - "mask": integer labels of the pixels; nearest;
                - "map": numbers per pixel; bilinear, so NaN spreads to its neighbours; NaN outside;
                - "box": (xmin, ymin, xmax, ymax) as fractions of width and height, clipped to the
                  image; NaN where too little is visible (`min_visible`);
                - "point": (x, y) in pixels, (0, 0) is the centre of the first pixel; NaN where it
                  is out of the picture.

                A box or point with NaN is a missing label and becomes NaN as a whole.
            generator: a generator of the CPU, the only source of randomness.

        Shapes: image `[C, H, W]`; mask `[H, W]`, map `[K, H, W]`, box `[..., 4]`, point `[..., 2]`.

        Raises:
            ConfigError: a kind is unknown, or `outside` does not fit into the mask's type.
            DataError: the image or a label is not in its range or type.
            ShapeError: a mask or map is not on the image's grid, or a shape is none of the above.
        """
        self.check(geometry)
        if image.dim() != 3 or not image.is_floating_point():
            raise ShapeError(
                "`image` must be a float tensor [C, H, W]; "
                f"found {image.dtype} {list(image.shape)}. Divide whole numbers by 255."
            )
        draws = torch.rand(8, generator=generator, dtype=torch.float64).tolist()
        view = self._view(draws[:5], height=image.shape[1], width=image.shape[2])
        recoloured = self._recolour(image, draws[5:])
        moved = {
            task: _MOVES[geometry[task]](self, view, label, task) if task in geometry else label
            for task, label in targets.items()
        }
        return _fill(_bilinear(recoloured, view), view, 0.0), moved

    def check(self, geometry: Mapping[str, str]) -> None:
        """Raises `ConfigError` if `geometry` holds an unknown kind."""
        for kind in geometry.values():
            if kind not in _MOVES:
                raise ConfigError(unknown("geometry", kind, _MOVES))

    def _view(self, draws: list[float], *, height: int, width: int) -> _View:
        mirror = -1.0 if draws[0] < self.flip else 1.0
        side = 1 - self.crop * draws[1]
        angle = math.radians(self.rotation * (2 * draws[4] - 1))
        cos, sin = side * math.cos(angle), side * math.sin(angle)
        size = torch.tensor([width, height], dtype=torch.float64)
        room = torch.tensor(draws[2:4], dtype=torch.float64) * (1 - side)
        matrix = torch.tensor([[cos * mirror, -sin], [sin * mirror, cos]], dtype=torch.float64)
        return _View(matrix, centre=(room + side / 2) * size, size=size)

    def _recolour(self, image: Tensor, draws: list[float]) -> Tensor:
        amounts = (self.brightness, self.contrast, self.saturation)
        if not any(amounts):
            return image
        low, high = image.aminmax()
        if not (low >= 0 and high <= 1):
            raise DataError(
                f"`image` must have values in [0, 1]; found {float(low):.4g} to {float(high):.4g}. "
                "Augment first, normalise afterwards."
            )
        brightness, contrast, saturation = (
            1 + amount * (2 * draw - 1) for amount, draw in zip(amounts, draws, strict=True)
        )
        image = image * brightness
        image = torch.lerp(_grey(image).mean().expand_as(image), image, contrast)
        return torch.lerp(_grey(image).expand_as(image), image, saturation).clamp(0, 1)


class _View:
    """What is kept of an image: a map of positions, and for each output pixel where it comes from.

    Attributes:
        x, y: position in the image, in pixels, `[H, W]`, of each output pixel's centre.
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

    def moved(self, positions: Tensor) -> Tensor:
        """Returns where positions `[..., 2]` of the image, in pixels, are in the view."""
        backwards: Tensor = torch.linalg.inv(self.matrix)
        return (positions - self.centre) @ backwards.T + self.size / 2


def _grey(image: Tensor) -> Tensor:
    if image.shape[0] != 3:
        return image.mean(0, keepdim=True)
    luma = image.new_tensor([0.299, 0.587, 0.114])  # ITU-R BT.601, as in Pillow
    return (image * luma.view(3, 1, 1)).sum(0, keepdim=True)


def _fill(values: Tensor, view: _View, value: float) -> Tensor:
    return values if view.outside is None else values.masked_fill(view.outside, value)


def _bilinear(values: Tensor, view: _View) -> Tensor:
    """Reads `[K, H, W]` at the view's positions; beyond the outermost pixel centres it is flat."""
    height, width = values.shape[-2:]
    x, y = (view.x - 0.5).clamp(0, width - 1), (view.y - 0.5).clamp(0, height - 1)
    left, top = x.int(), y.int()
    across, down = (x - left).to(values.dtype), (y - top).to(values.dtype)
    # On a pixel centre there is no step: a neighbour of weight 0, which may be NaN, is not read.
    right, below = (across > 0).int(), (down > 0).int() * width
    first = top * width + left
    flat = values.flatten(-2)

    def read(index: Tensor) -> Tensor:
        return flat.index_select(-1, index.flatten()).view_as(values)

    upper = read(first).lerp_(read(first + right), across)
    lower = read(first + below).lerp_(read(first + below + right), across)
    return upper.lerp_(lower, down)


def _on_grid(view: _View, label: Tensor, task: str, dims: int) -> None:
    width, height = (int(length) for length in view.size)
    if label.dim() != dims or label.shape[-2:] != (height, width):
        grid = f"[{height}, {width}]" if dims == 2 else f"[K, {height}, {width}]"
        raise ShapeError(
            f"the label of {task!r} must be {grid} like the image; found {list(label.shape)}. "
            "Resize both to the same size first."
        )


def _numbers(label: Tensor, task: str, length: int | None = None) -> None:
    if not label.is_floating_point():
        raise DataError(
            f"the label of {task!r} must be floating point, so that NaN can say missing; "
            f"found {label.dtype}. Convert it with .float()."
        )
    if length is not None and label.shape[-1:] != (length,):
        raise ShapeError(
            f"the label of {task!r} must be [..., {length}]; found {list(label.shape)}. "
            "A box has 4 numbers, a point 2."
        )


def _move_mask(options: Augment, view: _View, label: Tensor, task: str) -> Tensor:
    _on_grid(view, label, task, 2)
    height, width = label.shape
    row, column = view.y.int().clamp(0, height - 1), view.x.int().clamp(0, width - 1)
    moved = label.flatten().index_select(0, (row * width + column).flatten()).view_as(label)
    if (
        view.outside is not None
        and int(torch.tensor(options.outside).to(label.dtype)) != options.outside
    ):
        raise ConfigError(
            f"`outside` = {options.outside} does not fit into the mask of {task!r}, which is "
            f"{label.dtype}. Convert the mask with .long(), or set another label."
        )
    return _fill(moved, view, options.outside)


def _move_map(options: Augment, view: _View, label: Tensor, task: str) -> Tensor:
    _numbers(label, task)
    _on_grid(view, label, task, 3)
    return _fill(_bilinear(label, view), view, math.nan)


def _move_point(options: Augment, view: _View, label: Tensor, task: str) -> Tensor:
    _numbers(label, task, 2)
    moved = view.moved(label.double() + 0.5)
    seen = ((moved >= 0) & (moved <= view.size)).all(-1, keepdim=True)
    return (moved - 0.5).masked_fill(~seen, math.nan).to(label.dtype)


def _move_box(options: Augment, view: _View, label: Tensor, task: str) -> Tensor:
    _numbers(label, task, 4)
    corners = label.double()[..., torch.tensor([[0, 1], [2, 1], [0, 3], [2, 3]])]
    moved = view.moved(corners * view.size) / view.size
    low, high = moved.amin(-2), moved.amax(-2)
    seen_low, seen_high = low.clamp(0, 1), high.clamp(0, 1)
    area, seen = (high - low).prod(-1), (seen_high - seen_low).prod(-1)
    # The tolerance is for rounding: a box that is wholly visible stays, at min_visible = 1 as well.
    gone = (seen <= 0) | (seen < options.min_visible * area * (1 - 1e-9))
    box = torch.cat([seen_low, seen_high], -1)
    return box.masked_fill(gone.unsqueeze(-1), math.nan).to(label.dtype)


_MOVES: dict[str, Callable[[Augment, _View, Tensor, str], Tensor]] = {
    "box": _move_box,
    "map": _move_map,
    "mask": _move_mask,
    "point": _move_point,
}
