"""What a model returns, and what its losses and penalties are kept in."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from plait.core.features import Features


class Outputs(dict[str, Tensor]):
    """`{task: prediction}` with what the penalties read.

    Attributes:
        features: `{task: Features}` that the heads read.
        terms: auxiliary scalars by name, such as a gate's entropy.
    """

    def __init__(
        self,
        predictions: Mapping[str, Tensor],
        *,
        features: Mapping[str, Features] | None = None,
        terms: Mapping[str, Tensor] | None = None,
    ) -> None:
        super().__init__(predictions)
        self.features = dict(features or {})
        self.terms = dict(terms or {})


class Losses(dict[str, Tensor]):
    """`{task: static weight times L_t}` of the tasks that are present.

    Attributes:
        raw: `{task: L_t}`, before the static weights.
        counts: `{task: n}`, the mass of the valid labels behind each loss.
    """

    def __init__(
        self,
        weighted: Mapping[str, Tensor],
        *,
        raw: Mapping[str, Tensor],
        counts: Mapping[str, float],
    ) -> None:
        super().__init__(weighted)
        self.raw = dict(raw)
        self.counts = dict(counts)


class Penalties(dict[str, Tensor]):
    """`{name: strength times term}`: what is added to the balanced objective, never a row of it.

    Attributes:
        raw: `{name: term}`, before the strengths.
    """

    def __init__(
        self, scaled: Mapping[str, Tensor] | None = None, *, raw: Mapping[str, Tensor] | None = None
    ) -> None:
        super().__init__(scaled or {})
        self.raw = dict(raw or scaled or {})
