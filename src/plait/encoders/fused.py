"""One encoder of all the inputs of a table: pictures, sounds, sentences, and a row of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from plait.core.arguments import checked
from plait.core.columns import Column, inputs_of
from plait.core.errors import ConfigError, unknown
from plait.core.features import FeatureShape
from plait.core.options import Count
from plait.core.structure import Masked
from plait.encoders.inputs import (
    Carry,
    Concatenate,
    Lay,
    chosen,
    encoder_for,
    example_for,
    pointwise,
    told_by,
)
from plait.networks import channel_dim_of, encode, infer_shape, reads_codes, stages_of


class Fused(nn.Module):
    """Reads all inputs of a table, each through an encoder of its own, and brings them together.

        z = trunk([pool(f_1(x_1)), ..., pool(f_n(x_n))])

    Of one input it is that input's encoder, stage for stage. Of several, each is pooled to a
    vector, the vectors are laid one after the other (late concatenation), and the trunk is a
    network over them. With `dense`, one input keeps its positions, the pixels of a picture or the
    words of a sentence, so that tasks can predict for each of them: at its first stage the vectors
    of the other inputs are brought to `beside` channels, which all its stages hand on.

    Args:
        columns: the columns of the table, `Column` objects or mappings of their properties, as
            `Column.plain` gives them. All numbers and categories are one input, "row"; each
            picture, sound and sentence is one by the name of its column.
        encoders: `{input: encoder}`: a module, the name of an encoder of plait, or a mapping
            ``{"class": name, **options}``. What the column knows (channels, rate, codes, columns)
            need not be said. Inputs that are left out get `ConvEncoder` with batch normalisation
            (three blocks, four for pictures above 64 pixels), `AudioEncoder`, `TextEncoder` or
            `TabularEncoder`.
        widths: units of each layer of the trunk; by default one of 128 where there are several
            inputs, and none for one. With `dense` the layers act at every position alike.
        dense: the input that keeps its positions; without it, several inputs become one vector.
        beside: channels that the other inputs take beside each position.

    Attributes:
        inputs: names of the inputs, in order.

    Shapes:
        one input as it is (a tensor, or `Masked`), several as `{input: batch}`, to `[B, C]`, or
        with `dense`, and for one input, to the positions of its encoder. The first stage reads all
        inputs; with `dense` each stage of its encoder is one; then each layer of the trunk.

    Raises:
        ConfigError: an unknown input or encoder, or `dense` names an input whose encoder gives a
            vector.
        ShapeError: an encoder cannot read its column.

    Cost: that of the encoders.

    Example:
        >>> import torch
        >>> from plait.core import Masked
        >>> photo = {"name": "photo", "kind": "image", "size": [16, 16], "channels": 3}
        >>> title = {"name": "title", "kind": "text", "values": ["a", "red", "car"]}
        >>> encoder = Fused([photo, title], {"title": {"class": "TextEncoder", "width": 8}})
        >>> words = torch.tensor([[[2], [3], [4]], [[2], [4], [0]]])
        >>> inputs = {"photo": torch.zeros(2, 3, 16, 16), "title": Masked(words, words[..., 0] > 0)}
        >>> encoder(inputs).shape
        torch.Size([2, 128])

    Reference: Baltrusaitis, Ahuja, Morency, "Multimodal Machine Learning: A Survey and Taxonomy",
        IEEE Transactions on Pattern Analysis and Machine Intelligence 41, 2019.
    """

    @checked
    def __init__(
        self,
        columns: Sequence[Mapping[str, Any] | Column],
        encoders: Mapping[str, Any] | None = None,
        *,
        widths: Sequence[Count] | None = None,
        dense: str | None = None,
        beside: Count = 32,
    ) -> None:
        super().__init__()
        known = inputs_of(map(Column.of, columns))
        if not known:
            raise ConfigError("`columns` must have at least one column; found none.")
        if dense is not None and dense not in known:
            raise ConfigError(unknown("input that is `dense`", dense, known))
        self.columns = [Column.of(column).plain() for column in columns]
        self.encoders = chosen(encoders, known)
        self.widths = None if widths is None else tuple(widths)
        self.dense = dense
        self.beside = beside
        self.inputs = tuple(known)
        made = {name: encoder_for(self.encoders[name], own) for name, own in known.items()}
        self.encoders = {
            name: told_by(self.encoders[name], made[name], known[name]) for name in made
        }
        shapes = {name: infer_shape(made[name], example_for(own)) for name, own in known.items()}
        kept = self.inputs[0] if len(known) == 1 else dense
        self.channel_dim = 1 if kept is None else channel_dim_of(made[kept])
        self._reduces = None if kept is None else getattr(made[kept], "reduce_mask", None)
        self.masked = kept is None or getattr(made[kept], "masked", True)
        # gates read the features, not a dict
        self.reads_codes = len(known) > 1 or any(map(reads_codes, made.values()))
        self.stages = nn.ModuleList(self._stages(made, shapes, kept))
        self.stages.extend(self._trunk(shapes, kept))

    def positions(self, inputs: Any) -> Any:
        """Returns the input whose positions the features have; None where they have none."""
        if len(self.inputs) == 1:
            return inputs
        return None if self.dense is None else inputs[self.dense]

    def reduce_mask(self, mask: Tensor) -> Tensor:
        """Returns the padding mask of the features, by that of the input that keeps its places."""
        return mask if self._reduces is None else self._reduces(mask)

    def forward(self, inputs: Any, mask: Tensor | None = None) -> Tensor:
        """Returns the last stage's output."""
        if isinstance(inputs, Tensor) and mask is not None:
            inputs = Masked(inputs, mask)
        return encode(self, inputs).levels[-1]

    def _stages(
        self,
        made: Mapping[str, nn.Module],
        shapes: Mapping[str, FeatureShape],
        kept: str | None,
    ) -> list[Any]:
        """Makes the stages before the trunk."""
        if kept is None:
            return [Concatenate(made)]
        if len(made) == 1:
            return [_module(stage) for stage in stages_of(made[kept])]
        shape = shapes[kept]
        if len(shape.levels[-1]) == 1:
            raise ConfigError(
                f"`dense` must name an input whose encoder keeps its positions; that of {kept!r} "
                "gives one vector. Leave it out, or choose another encoder."
            )
        others = {name: each for name, each in made.items() if name != kept}
        first, *later = stages_of(made[kept])
        fan_in = sum(shapes[name].channels() for name in others)
        stages: list[nn.Module] = [Lay(kept, first, self.channel_dim, others, fan_in, self.beside)]
        for level, stage in enumerate(later):
            stages.append(Carry(stage, shape.channels(level), self.channel_dim))
        return stages

    def _trunk(self, shapes: Mapping[str, FeatureShape], kept: str | None) -> list[nn.Module]:
        """Makes the layers behind what the inputs have become."""
        several = len(shapes) > 1
        widths = self.widths if self.widths is not None else (128,) if several else ()
        if kept is None:
            total = sum(each.channels() for each in shapes.values())
            shape = FeatureShape(((total,),))
        else:
            shape = shapes[kept]
            total = shape.channels() + (self.beside if several else 0)
        return [pointwise(shape, *pair) for pair in pairwise([total, *widths])]


def _module(stage: Any) -> nn.Module:
    """Returns a stage as a module, which a function is not."""
    return stage if isinstance(stage, nn.Module) else _Function(stage)


class _Function(nn.Module):
    """A function without weights as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Applies the function."""
        return self.function(*inputs, **options)
