"""Features that another task's features are drawn to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from plait.connections.base import Detach
from plait.connections.bases.penalty import PenaltyConnection
from plait.connections.edges.alpha import AlphaLike
from plait.connections.edges.graph import Edge, key_of
from plait.connections.edges.wiring import Wiring
from plait.connections.signals.channel_map import ChannelMap, onto, precise
from plait.core.errors import ConfigError, ShapeError
from plait.core.features import FeatureShape
from plait.core.outputs import Outputs
from plait.core.seeding import seeded
from plait.networks.grids import mean_over


class Hint(PenaltyConnection):
    """Draws the features of one task to those of another (representation alignment).

        C_st = mean (r_st(h_s) - h_t)^2

    over the examples, positions and channels, with h a level of the features as the heads read
    them, and r a linear map of the channels (a convolution 1x1 on maps).

    Args:
        at: the level of the features, counted from 0, or from the end below 0; the last by default.
        map: r: "linear"; "identity", for equal shapes; "auto" is the identity where the shapes
            agree, else linear.
        edges: pairs [source, target]; by default the chain in the order of the tasks.
        alpha: the weights; see `Alpha`. With a fixed 0 the term is skipped.
        detach: None moves both tasks; "source" or "target" holds that side fixed.

    Shapes: maps, tokens or vectors. Where grids or positions differ, h_s is averaged onto those of
        h_t. Padded tokens are left out.

    Raises:
        ConfigError: an unknown option, or a level that the features do not have.
        ShapeError: map "identity" of features that differ in shape.

    Differs: in the paper h_t is a trained teacher, held fixed, and h_s a student (here:
        ``detach="target"``), the term trains the lower layers first, and the sum of squares is
        halved. With no side fixed, features that shrink lower C: keep alpha small.

    Cost: one linear map for each edge.

    Reference: Romero, Ballas, Kahou, Chassang, Gatta, Bengio, "FitNets: Hints for Thin Deep Nets",
        ICLR 2015.
    """

    def __init__(
        self,
        *,
        at: int = -1,
        map: Literal["auto", "linear", "identity"] = "auto",
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        detach: Detach = None,
    ) -> None:
        super().__init__(edges=edges, alpha=alpha, detach=detach)
        if map not in ("auto", "linear", "identity"):
            raise ConfigError(f"`map` must be 'auto', 'linear' or 'identity'; found {map!r}.")
        self.at = at
        self.map = map
        self.maps = nn.ModuleDict()

    def setup(self, wiring: Wiring) -> None:
        """Makes r where it is needed."""
        super().setup(wiring)
        for edge in self.active:
            theirs, own = (self._checked(task, wiring.shapes[task]) for task in edge)
            alike = (theirs.levels[self.at], theirs.channel_dim) == (
                own.levels[self.at],
                own.channel_dim,
            )
            if self.map == "identity" and not alike:
                raise ShapeError(
                    f"map 'identity' of Hint needs features of one shape; found "
                    f"{list(theirs.levels[self.at])} of task {edge[0]!r} and "
                    f"{list(own.levels[self.at])} of {edge[1]!r}. Use map='linear'."
                )
            if self.map == "linear" or not alike:
                with seeded(wiring.seed, "connection", "Hint", *edge):
                    self.maps[key_of(edge)] = ChannelMap(
                        theirs.channels(self.at), own.channels(self.at), own.channel_dim
                    )

    def cost(self, edge: Edge, outputs: Outputs) -> Tensor:
        """Returns the mean squared difference."""
        theirs, own = (outputs.features[task] for task in edge)
        source, target = self.held(theirs.levels[self.at], own.levels[self.at])
        source = onto(source, theirs.channel_dim, target, own.channel_dim, theirs.mask)
        if key_of(edge) in self.maps:
            source = self.maps[key_of(edge)](source)
        difference = precise(source) - precise(target)
        return mean_over(difference.square(), own.channel_dim, own.mask)

    def _checked(self, task: str, shape: FeatureShape) -> FeatureShape:
        number = len(shape.levels)
        if not -number <= self.at < number:
            raise ConfigError(
                f"`at` of Hint must name a level of the features of task {task!r}, which has "
                f"{number}; found {self.at}."
            )
        return shape
