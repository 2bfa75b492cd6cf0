"""Random augmentation that moves an image and its labels together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from plait.core.errors import ConfigError, ShapeError
from plait.data.augment.colour import recolour
from plait.data.augment.labels import Placed, move
from plait.data.augment.view import View


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

    Raises:
        ConfigError: an option is outside its range.

    Differs:
        from torchvision's `ColorJitter`: the order of the three colour steps is fixed, and values
        are clamped once, at the end.

    Cost:
        about 5 ms for an image of 3 x 224 x 224 with its mask and box on one core.

    Example:
        >>> from plait.tasks import Regression
        >>> mirror = Augment(flip=1, crop=0, brightness=0, contrast=0, saturation=0)
        >>> eye = Regression("eye", outputs=2, vector=True, geometry="point")
        >>> image, labels = torch.rand(3, 4, 6), {"eye": torch.tensor([1.0, 2.0])}
        >>> moved, labels = mirror(image, labels, {"eye": eye}, torch.Generator())
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
        tasks: Mapping[str, Placed],
        generator: torch.Generator,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Draws one random view of the image, and moves the labels to it.

        Args:
            image: values in [0, 1]; bilinear; black where the view shows what is outside.
            targets: `{task: label}`; one that is not among `tasks` is handed on untouched.
            tasks: `{name: task}`; a task without a label here is skipped. Its `geometry` says how
                its labels move:

                - "mask": nearest; the task's missing label outside;
                - "map": bilinear, so NaN spreads to its neighbours; NaN outside;
                - "box": clipped to the image; NaN where too little is visible (`min_visible`);
                - "point": NaN where it is out of the picture;
                - any other: not at all.

                A box or point with NaN is a missing label and becomes NaN as a whole.
            generator: a generator of the CPU, the only source of randomness.

        Shapes: image `[C, H, W]`; mask `[H, W]`, map `[K, H, W]`, box `[..., 4]`, point `[..., 2]`.

        Raises:
            ConfigError: the missing label of a task does not fit into its mask's type.
            DataError: the image or a label is not in its range or type.
            ShapeError: a mask or map is not on the image's grid, or a shape is none of the above.
        """
        if image.dim() != 3 or not image.is_floating_point():
            raise ShapeError(
                "`image` must be a float tensor [C, H, W]; "
                f"found {image.dtype} {list(image.shape)}. Divide whole numbers by 255."
            )
        draws = torch.rand(8, generator=generator, dtype=torch.float64).tolist()
        view = self._view(draws[:5], height=image.shape[1], width=image.shape[2])
        recoloured = self._recoloured(image, draws[5:])
        moved = {
            name: move(view, label, tasks[name], min_visible=self.min_visible)
            if name in tasks
            else label
            for name, label in targets.items()
        }
        return view.bilinear(recoloured, outside=0.0), moved

    def _view(self, draws: list[float], *, height: int, width: int) -> View:
        mirror = -1.0 if draws[0] < self.flip else 1.0
        side = 1 - self.crop * draws[1]
        angle = math.radians(self.rotation * (2 * draws[4] - 1))
        cos, sin = side * math.cos(angle), side * math.sin(angle)
        size = torch.tensor([width, height], dtype=torch.float64)
        room = torch.tensor(draws[2:4], dtype=torch.float64) * (1 - side)
        matrix = torch.tensor([[cos * mirror, -sin], [sin * mirror, cos]], dtype=torch.float64)
        return View(matrix, centre=(room + side / 2) * size, size=size)

    def _recoloured(self, image: Tensor, draws: list[float]) -> Tensor:
        amounts = (self.brightness, self.contrast, self.saturation)
        if not any(amounts):
            return image
        brightness, contrast, saturation = (
            1 + amount * (2 * draw - 1) for amount, draw in zip(amounts, draws, strict=True)
        )
        return recolour(image, brightness=brightness, contrast=contrast, saturation=saturation)
