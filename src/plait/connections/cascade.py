"""Features or predictions that are handed on from task to task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Literal

import torch
from torch import Tensor, nn

from plait.connections.base import Detach
from plait.connections.bases.forward import ForwardConnection
from plait.connections.edges.alpha import AlphaLike
from plait.connections.edges.graph import Edge, key_of
from plait.connections.edges.wiring import Shape, Wiring
from plait.connections.signals.channel_map import ChannelMap, onto, widened, with_last
from plait.connections.signals.readings import readable
from plait.core.errors import ConfigError, ShapeError, UnsupportedError
from plait.core.features import Features, FeatureShape
from plait.core.keys import safe_key
from plait.core.options import refuse_unused
from plait.core.seeding import seeded

Feed = Literal["features", "logits", "probabilities", "embedding"]
Into = Literal["features", "input"]
FEEDS = ("features", "logits", "probabilities", "embedding")


class Cascade(ForwardConnection):
    """Hands a task's features or prediction on to the tasks after it.

    With h_t the last level of the features of t, y_s the prediction of s, alpha the gate of an edge
    and the sums over the parents s of t:

        feed "features":    h_t <- h_t + sum_s alpha_st g_st(h_s)
        into "features":    the head of t reads [h_t, alpha_st s(y_s), ...], on the channels
        into "input":       a_t <- a_t + sum_s alpha_st U_st s(y_s)

    where h_s is what the head of s reads; s(y) is y itself ("logits"), what it says
    ("probabilities": softmax of classes, sigmoid of labels, numbers as they are), or the mean label
    embedding under these probabilities ("embedding"); and a_t is the value, before its activation,
    of the stage that maps the input of t. For a linear first layer, adding U s(y) is exactly to let
    it read [x, alpha s(y)] in place of x: U is the part of the wider weight matrix that meets s(y).
    For a convolution it is a 1x1 kernel on s(y).

    Predictions are laid onto the positions of what they join: of the same tokens or grid they are
    kept, maps are averaged onto another grid, and all else is averaged and given to every position.

    Args:
        feed: what is handed on: "features", "logits", "probabilities" or "embedding".
        into: where it goes: "features", or "input", for which the tasks run one after the other.
        map: g of fed features: "linear" (of the channels), or "identity", for equal shapes.
        width: length of the label embeddings of feed "embedding"; 16 by default.
        edges: pairs [source, target]; by default the chain in the order of the tasks.
        alpha: the gate; see `Alpha`. With a fixed 0 an edge is not there at all.
        detach: "source" lets no gradient of a task flow into those that it reads.

    Raises:
        ConfigError: an unknown option, or one that has no effect with this feed; features that are
            fed into an input.
        ShapeError: map "identity" of features that differ in shape.
        UnsupportedError: a prediction that says no probabilities; a network without parameters.

    Differs: the published label embedding is of words; here a dense prediction is embedded for each
        pixel. g and U start at torch's own default, the embeddings at N(0, 1).

    Cost: of fed features or predictions, a linear map of the channels for each edge; into "input"
        the encoders cannot run side by side.

    Reference (label embeddings): Hashimoto, Xiong, Tsuruoka, Socher, "A Joint Many-Task Model:
        Growing a Neural Network for Multiple NLP Tasks", EMNLP 2017.
    """

    def __init__(
        self,
        *,
        feed: Feed = "features",
        into: Into = "features",
        map: Literal["linear", "identity"] = "linear",
        width: int = 16,
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        detach: Detach = None,
    ) -> None:
        super().__init__(edges=edges, alpha=alpha, detach=detach)
        if feed not in FEEDS:
            raise ConfigError(f"`feed` must be one of {', '.join(FEEDS)}; found {feed!r}.")
        if into not in ("features", "input"):
            raise ConfigError(f"`into` must be 'features' or 'input'; found {into!r}.")
        if map not in ("linear", "identity"):
            raise ConfigError(f"`map` must be 'linear' or 'identity'; found {map!r}.")
        if width < 1:
            raise ConfigError(f"`width` must be at least 1; found {width}.")
        if feed == "features" and into == "input":
            raise ConfigError(
                "features are handed on to features: `into` must be 'features' where `feed` is "
                "'features'. Feed a prediction into the input."
            )
        if feed != "features":
            refuse_unused(f"with feed={feed!r}", map=None if map == "linear" else map)
        if feed != "embedding":
            refuse_unused(f"with feed={feed!r}", width=None if width == 16 else width)
        self.feed: Feed = feed
        self.into: Into = into
        self.map = map
        self.width = width
        self.enters_input = into == "input"
        self.maps = nn.ModuleDict()
        self.embeddings = nn.ParameterDict()

    def build(
        self,
        task: str,
        wiring: Wiring,
        shapes: Mapping[str, FeatureShape],
        predictions: Mapping[str, Shape],
    ) -> FeatureShape:
        """Makes g, U and the label embeddings of the edges into a task."""
        own, extra = shapes[task], 0
        for source in self.parents(task):
            edge = (source, task)
            if self.feed == "features":
                self._join(edge, shapes, wiring.seed)
                continue
            channels = self._channels(source, predictions[source], wiring.seed)
            if self.into == "features":
                extra += channels
            else:
                self._enter(edge, channels, wiring)
        return widened(own, extra) if extra else own

    def entering(self, task: str, predictions: Mapping[str, Tensor], body: Tensor) -> Tensor:
        """Returns the sum of the mapped signals of the parents."""
        axis = self.channel_dims[task]
        parts: list[Tensor] = []
        for source in self.parents(task):
            signal = self._signal(source, predictions[source], body, axis, None)
            signal = self.maps[key_of((source, task))](signal)
            parts.append(self.gated((source, task), signal))
        return reduce(add, parts)

    def features(
        self,
        task: str,
        raw: Mapping[str, Features],
        done: Mapping[str, Features],
        predictions: Mapping[str, Tensor],
    ) -> Features:
        """Returns the task's features, with the signals of its parents added or joined."""
        own, parents = raw[task], self.parents(task)
        if not parents or self.into == "input":
            return own
        last, axis = own.levels[-1], own.channel_dim
        parts: list[Tensor] = []
        for source in parents:
            if self.feed == "features":
                signal = self._mapped((source, task), done[source], own)
            else:
                signal = self._signal(source, predictions[source], last, axis, own.mask)
            parts.append(self.gated((source, task), signal))
        if self.feed == "features":
            return with_last(own, reduce(add, parts, last))
        return with_last(own, torch.cat([last, *parts], dim=axis))

    def _mapped(self, edge: Edge, theirs: Features, own: Features) -> Tensor:
        """Returns g of a parent's features, on the positions of the task's."""
        hidden = self.held(theirs.levels[-1])
        hidden = onto(hidden, theirs.channel_dim, own.levels[-1], own.channel_dim, theirs.mask)
        mapped: Tensor = hidden if self.map == "identity" else self.maps[key_of(edge)](hidden)
        return mapped

    def _signal(
        self, source: str, prediction: Tensor, like: Tensor, channel_dim: int, mask: Tensor | None
    ) -> Tensor:
        """Returns s(y) on the positions of another tensor."""
        kind = self.kinds[source]
        signal = self.held(prediction)
        signal = signal if self.feed == "logits" else readable(signal, kind)
        if self.feed == "embedding":
            table = self.embeddings[safe_key(source)]
            signal = torch.matmul(signal.movedim(kind.axis, -1), table).movedim(-1, kind.axis)
        return onto(signal, kind.axis, like, channel_dim, mask)

    def _join(self, edge: Edge, shapes: Mapping[str, FeatureShape], seed: int) -> None:
        """Makes g of one edge, or checks that none is needed."""
        theirs, own = (shapes[task] for task in edge)
        if self.map == "linear":
            with seeded(seed, "connection", "Cascade", *edge):
                g = ChannelMap(theirs.channels(), own.channels(), own.channel_dim)
            self.maps[key_of(edge)] = g
        elif (theirs.levels[-1], theirs.channel_dim) != (own.levels[-1], own.channel_dim):
            raise ShapeError(
                f"map 'identity' needs features of one shape; found {list(theirs.levels[-1])} of "
                f"task {edge[0]!r} and {list(own.levels[-1])} of {edge[1]!r}. Use map='linear'."
            )

    def _channels(self, source: str, shape: Shape, seed: int) -> int:
        """Returns the channels of s(y), and makes the label embedding if there is one."""
        kind = self.kinds[source]
        if self.feed != "logits" and kind.of == "other":
            raise UnsupportedError(
                f"task {source!r} does not say what its predictions are, so they cannot be read as "
                f"{self.feed}. Set its `kind`, or use feed='logits'."
            )
        size = kind.size(shape)
        if self.feed != "embedding":
            return size
        if kind.of == "numbers":
            raise UnsupportedError(
                f"task {source!r} predicts numbers, which have no labels to embed. Use "
                "feed='logits'."
            )
        if safe_key(source) not in self.embeddings:
            with seeded(seed, "connection", "Cascade", source):
                self.embeddings[safe_key(source)] = nn.Parameter(torch.randn(size, self.width))
        return self.width

    def _enter(self, edge: Edge, channels: int, wiring: Wiring) -> None:
        """Makes U of one edge."""
        task = edge[1]
        if not any(True for _ in wiring.networks[task].parameters()):
            raise UnsupportedError(
                f"the network of task {task!r} has no parameters, so nothing maps its input. Use "
                "into='features'."
            )
        body = wiring.bodies[task]
        with seeded(wiring.seed, "connection", "Cascade", *edge):
            self.maps[key_of(edge)] = ChannelMap(
                channels, body.channels(wiring.entries[task]), body.channel_dim, bias=False
            )
