"""Predictions that have to agree with those that another task's prediction implies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor, nn

from plait.connections.base import Detach
from plait.connections.bases.penalty import PenaltyConnection
from plait.connections.edges.alpha import AlphaLike
from plait.connections.edges.graph import Edge, key_of, written
from plait.connections.edges.wiring import Wiring
from plait.connections.signals.channel_map import ChannelMap, onto, precise
from plait.connections.signals.readings import readable
from plait.core.errors import ConfigError, ShapeError, unknown
from plait.core.options import refuse_unused
from plait.core.outputs import Outputs
from plait.core.seeding import seeded
from plait.networks.grids import mean_over

Distance = Literal["absolute", "squared"]


HIDDEN = 32


class Consistency(PenaltyConnection):
    """Asks a task's prediction to agree with that of another task, sent through a map.

        C_st = d(s(y_t), s(g_st(s(y_s))))

    with s what a prediction says (softmax of classes, sigmoid of labels, numbers as they are), g_st
    a network from what s says to a prediction of t, and d the mean absolute or squared difference.

    Args:
        maps: the networks g: "linear", a linear map of the channels; "mlp", with a hidden layer,
            the same for each pixel or token; or, in code, ``{"s -> t": module}`` for all edges,
            such as networks that were trained to predict y_t from y_s. A module of your own is
            given what the prediction of s says, in its shape, and gives a prediction of t.
        hidden: of "mlp" alone: width of its hidden layer, at least 1; 32 by default (ours).
        frozen: whether the given networks are held as they are.
        distance: d, "absolute" by default, as in the paper, or "squared".
        edges: pairs [source, target]; by default the chain in the order of the tasks.
        alpha: the weights; see `Alpha`. With a fixed 0 the term is skipped.
        detach: None moves both tasks; "source" or "target" holds that side fixed.

    Shapes: "linear" and "mlp" average the prediction of the source onto the positions of the
        target's. Padded tokens are left out.

    Raises:
        ConfigError: an unknown option, or one without effect; an edge without its network; frozen
            networks that were not given.
        ShapeError: a network gives another shape than that of the target's prediction.

    Differs: the paper's networks are trained before, on labels, and held (``frozen=True``);
        networks that learn with the tasks follow what is easiest to predict. The paper's weighting
        of paths by the size of their losses is left to alpha.

    Cost: a pass of g for each edge.

    Reference: Zamir, Sax, Cheerla, Suri, Cao, Malik, Guibas, "Robust Learning Through Cross-Task
        Consistency", CVPR 2020.
    """

    def __init__(
        self,
        *,
        maps: Literal["linear", "mlp"] | Mapping[str, nn.Module] = "linear",
        hidden: int | None = None,
        frozen: bool = False,
        distance: Distance = "absolute",
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        detach: Detach = None,
    ) -> None:
        super().__init__(edges=edges, alpha=alpha, detach=detach)
        if not isinstance(maps, Mapping) and maps not in ("linear", "mlp"):
            raise ConfigError(
                f"`maps` must be 'linear', 'mlp' or {{'s -> t': module}}; found {maps!r}."
            )
        if frozen and not isinstance(maps, Mapping):
            raise ConfigError(
                f"networks that are held have to be given; found `maps` {maps!r}, which start at "
                "random. Give trained ones, or leave out `frozen`."
            )
        if distance not in ("absolute", "squared"):
            raise ConfigError(f"`distance` must be 'absolute' or 'squared'; found {distance!r}.")
        if maps != "mlp":
            refuse_unused("without maps='mlp'", hidden=hidden)
        if hidden is not None and hidden < 1:
            raise ConfigError(f"`hidden` must be at least 1; found {hidden}.")
        self.maps: Any = maps
        self.hidden = hidden
        self.frozen = frozen
        self.distance: Distance = distance
        self.nets = nn.ModuleDict()

    def setup(self, wiring: Wiring) -> None:
        """Makes the networks, or takes those that were given."""
        super().setup(wiring)
        given = self.maps if isinstance(self.maps, Mapping) else None
        known = {written(edge): edge for edge in self.links}
        for name in given or {}:
            if name not in known:
                raise ConfigError(unknown("edge of `maps`", name, known))
        for edge in self.active:
            if given is not None and written(edge) not in given:
                raise ConfigError(
                    f"`maps` of Consistency has no network for the edge {written(edge)}. Give one, "
                    "or leave the edge out."
                )
            net = self._made(edge, wiring) if given is None else given[written(edge)]
            self.nets[key_of(edge)] = net.requires_grad_(False) if self.frozen else net
        self.train(self.training)

    def train(self, mode: bool = True) -> Consistency:
        """Sets the mode; networks that are held stay in eval mode."""
        super().train(mode)
        if self.frozen:
            self.nets.eval()
        return self

    def cost(self, edge: Edge, outputs: Outputs) -> Tensor:
        """Returns the mean difference."""
        source, target = self.held(*(readable(outputs[task], self.kinds[task]) for task in edge))
        mask = outputs.features[edge[1]].mask if edge[1] in outputs.features else None
        theirs, own = (self.kinds[task] for task in edge)
        if not isinstance(self.maps, Mapping):
            source = onto(source, theirs.axis, target, own.axis, mask)
        implied = readable(self.nets[key_of(edge)](source), own)
        if implied.shape != target.shape:
            raise ShapeError(
                f"the network of the edge {written(edge)} must give the shape of the prediction of "
                f"{edge[1]!r}, {list(target.shape)}; found {list(implied.shape)}."
            )
        difference = (precise(implied) - precise(target)).abs()
        difference = difference.square() if self.distance == "squared" else difference
        return mean_over(difference, own.axis, mask)

    def _made(self, edge: Edge, wiring: Wiring) -> nn.Module:
        one, two = (self.kinds[task].size(wiring.predictions[task]) for task in edge)
        axis = self.kinds[edge[1]].axis
        with seeded(wiring.seed, "connection", "Consistency", *edge):
            if self.maps == "linear":
                return ChannelMap(one, two, axis)
            width = HIDDEN if self.hidden is None else self.hidden
            return nn.Sequential(
                ChannelMap(one, width, axis), nn.ReLU(), ChannelMap(width, two, axis)
            )
