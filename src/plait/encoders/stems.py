"""Stems of several data sets in front of one trunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from plait.core.arguments import checked
from plait.core.errors import ConfigError, DataError, ShapeError, unknown
from plait.core.features import Features
from plait.core.keys import safe_key
from plait.core.structure import Masked
from plait.networks import channel_dim_of, encode, stages_of
from plait.networks.grids import pool
from plait.networks.stages import Stage, one_tensor, positions_of, remaining, run_stage


class Stems(nn.Module):
    """Reads the inputs of several data sets, each by a stem of its own, with a trunk in common.

        z = trunk(neck_s(stem_s(x_s)))

    The inputs of a batch are a dict with one key, the name s of their source, as a mixture with
    ``stems=True`` gives them. The example that a model is made with has the inputs of all sources:
    all stems then run, and the trunk has to be able to read what each of them gives.

    Args:
        stems: `{source: module}`, any encoders.
        trunk: any encoder of what they give; without one, the stems are all there is.
        pooled: whether the last level of each stem is averaged over its positions, so that images,
            sounds and sentences all give the trunk a vector `[B, C]`; no by default.
        necks: `{source: module}`, what stands between a stem and the trunk: such as a layer that
            brings the vectors of stems of different widths to one. They belong to the first stage.

    Shapes:
        inputs ``{source: inputs of its stem}``; the first stage is the stem, those after it are the
        trunk's. Features of all stems have the same number of axes and channels.

    Raises:
        ConfigError: there is no stem.

    Raises (when a model is made, or reads inputs):
        ConfigError: stems that are not pooled have their channels on different axes.
        ShapeError: the stems give features of different shapes that the trunk cannot read.
        DataError: inputs that are no such dict, or of a source without a stem.

    Example:
        >>> import torch
        >>> from plait.encoders import ConvEncoder, MLPEncoder
        >>> stems = {
        ...     "photos": ConvEncoder(widths=(8, 16)),
        ...     "rows": MLPEncoder(in_features=5, widths=(16,)),
        ... }
        >>> encoder = Stems(stems, MLPEncoder(in_features=16, widths=(32,)), pooled=True)
        >>> encoder({"rows": torch.zeros(2, 5)}).shape
        torch.Size([2, 32])
        >>> encoder({"photos": torch.zeros(4, 3, 32, 32)}).shape
        torch.Size([4, 32])
    """

    @checked
    def __init__(
        self,
        stems: Mapping[str, nn.Module],
        trunk: nn.Module | None = None,
        *,
        pooled: bool = False,
        necks: Mapping[str, nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if not stems:
            raise ConfigError("Stems needs a stem for each source: {'NAME': encoder, ...}.")
        for name in necks or {}:
            if name not in stems:
                raise ConfigError(unknown("source of `necks`", name, stems))
        self.stems = dict(stems)
        self.trunk = trunk
        self.pooled = pooled
        self.necks = None if necks is None else dict(necks)
        self.entry = Entry(self.stems, necks or {}, pooled=pooled)

    @property
    def stages(self) -> list[Stage]:
        """The stem of a batch's source, and the stages of the trunk."""
        return [self.entry, *([] if self.trunk is None else stages_of(self.trunk))]

    @property
    def channel_dim(self) -> int:
        """The axis of the channels: that of the trunk, or of the stems without one."""
        if self.trunk is not None:
            return channel_dim_of(self.trunk)
        return 1 if self.pooled else channel_dim_of(self.entry.stem(next(iter(self.stems))))

    def positions(self, inputs: Any) -> Any:
        """Returns the input whose positions the features have: that of the stem; None if pooled.

        Of the inputs of several sources, the trunk is run on what each stem gives, to check that it
        can read them all.
        """
        source = self.entry.source(inputs)
        if len(inputs) > 1:
            self._check(inputs)
        if self.pooled:
            return None
        stem = self.entry.stem(source)
        placed = positions_of(inputs[source], stem)
        if not isinstance(placed, Masked):
            return placed
        return Masked(placed.values, _left(placed.mask, stem))

    def reduce_mask(self, mask: Tensor) -> Tensor:
        """Returns the padding mask of the trunk's features, from that of the stem's."""
        return mask if self.trunk is None else _left(mask, self.trunk)

    def forward(self, inputs: Mapping[str, Any]) -> Tensor:
        """Returns the trunk's features of the inputs of one source."""
        return encode(self, inputs).levels[-1]

    def _check(self, inputs: Mapping[str, Any]) -> None:
        """Checks what the stems give: the same axes and channels, which the trunk can read."""
        axes = {name: channel_dim_of(self.entry.stem(name)) for name in inputs}
        found = {name: self.entry.features(name, inputs[name]) for name in inputs}
        first = next(iter(inputs))
        shape = found[first].levels[-1].shape
        for name, features in found.items():
            own = features.levels[-1].shape
            if not self.pooled and len(own) > 2 and axes[name] != axes[first]:
                raise ConfigError(
                    f"the stems of {first!r} and {name!r} must have their channels on one axis; "
                    f"found {axes[first]} and {axes[name]}. Pool them: `pooled=True`."
                )
            if len(own) != len(shape) or own[axes[name]] != shape[axes[first]]:
                way = "or give them `necks`"
                if len(own) != len(shape):
                    way = "give them `necks`, or pool them: `pooled=True`"
                raise ShapeError(
                    "all stems must give the trunk as many axes and channels; found "
                    f"{_told(shape)} of {first!r} and {_told(own)} of {name!r}. Set their widths, "
                    f"{way}."
                )
            if own[1:] != shape[1:]:
                self._try(name, features, first, shape)

    def _try(self, name: str, features: Features, first: str, shape: Any) -> None:
        """Runs the trunk on features of other positions than those of the first stem."""
        hidden: Any = features.levels[-1]
        try:
            for stage in self.stages[1:]:
                hidden = run_stage(stage, hidden, features.mask)
        except (RuntimeError, ValueError, IndexError) as error:
            raise ShapeError(
                f"the trunk cannot read what the stem of {name!r} gives, "
                f"{_told(features.levels[-1].shape)}, where that of {first!r} gives "
                f"{_told(shape)}: {error}. Let the stems give one shape, or pool them: "
                "`pooled=True`."
            ) from error


class Entry(nn.Module):
    """The first stage of `Stems`: the stem of the source that a batch is from.

    Args:
        stems: `{source: module}`.
        necks: `{source: module}`, what follows some of them.
        pooled: whether features are averaged over their positions.
    """

    def __init__(
        self, stems: Mapping[str, nn.Module], necks: Mapping[str, nn.Module], *, pooled: bool
    ) -> None:
        super().__init__()
        self.by_key = nn.ModuleDict({safe_key(name): stem for name, stem in stems.items()})
        self.necks = nn.ModuleDict({safe_key(name): neck for name, neck in necks.items()})
        self.names = list(stems)
        self.pooled = pooled

    def stem(self, source: str) -> nn.Module:
        """Returns the stem of a source."""
        return self.by_key[safe_key(source)]

    def source(self, inputs: Any) -> str:
        """Returns the source of a batch, the first one of several.

        Raises:
            DataError: the inputs are no dict by sources, or one has no stem.
        """
        if not isinstance(inputs, Mapping) or not inputs:
            raise DataError(
                "the inputs of Stems must be a dict {source: inputs}; found "
                f"{type(inputs).__name__}. Mix the sources with `Mixture(..., stems=True)`."
            )
        for name in inputs:
            if name not in self.names:
                raise DataError(unknown("source of Stems", name, self.names))
        return str(next(iter(inputs)))

    def features(self, source: str, inputs: Any) -> Features:
        """Returns the features of the stem of a source, behind its neck; pooled, of one level."""
        features = encode(self.stem(source), inputs)
        if self.pooled:
            features = Features((pool(features),))
        if safe_key(source) not in self.necks:
            return features
        last = encode(self.necks[safe_key(source)], features.levels[-1]).levels[-1]
        return replace(features, levels=(last,))

    def forward(self, inputs: Mapping[str, Any]) -> Tensor:
        """Returns the last level of the stem of a batch's source."""
        source = self.source(inputs)
        return one_tensor(self.features(source, inputs[source]).levels[-1], 0, self)


def _left(mask: Tensor, encoder: nn.Module) -> Tensor:
    """Returns the padding mask of an encoder's features."""
    found = remaining(mask, encoder)
    assert found is not None
    return found


def _told(shape: Any) -> str:
    return f"[{', '.join(['B', *map(str, shape[1:])])}]"
