"""The settings that a study tries next: those it starts from, points spread evenly, then TPE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plait.core.extras import need
from plait.core.seeding import derive_seed
from plait.experiments.config import RunConfig
from plait.experiments.search.defaults import Refused
from plait.experiments.search.journal import PURPOSE
from plait.experiments.search.space import Space
from plait.experiments.search.trials import MOST_DRAWN, drawn

START = 10  # trials that are spread evenly; all others follow from the scores so far


class Proposals:
    """Proposes the settings of one trial after the other, by their number alone.

    So a search that was killed goes on as it would have gone on, and no two processes draw the same
    numbers.

    Args:
        space: what is searched.
        config: the settings that the search starts from.
        seed: of all that is drawn.
        why: tells why a run cannot have some settings.
    """

    def __init__(self, space: Space, config: RunConfig, seed: int, why: Refused) -> None:
        self.seed = seed
        self.untuned = space.point_of(config)
        self.most = space.size + (self.untuned is None)
        self._points: Iterator[tuple[dict[str, Any], RunConfig]] = drawn(
            space, config, seed=seed, why=why, most=MOST_DRAWN * START
        )
        self._drawn: list[dict[str, Any]] = []

    def point(self, count: int) -> dict[str, Any] | None:
        """Returns the point of a trial by how many there are before it; None where TPE has it."""
        if count == 0:
            return self.untuned or {}
        while count < START and len(self._drawn) < count:
            found = next(self._points, None)
            if found is None:
                return None
            self._drawn.append(found[0])
        return self._drawn[count - 1] if count < START else None

    def sampler(self, number: int) -> Any:
        """Returns the sampler of one trial, a tree-structured Parzen estimator (TPE).

        Reference: J. Bergstra, R. Bardenet, Y. Bengio and B. Kegl, "Algorithms for Hyper-Parameter
        Optimization", NeurIPS 2011.
        """
        samplers = need("optuna.samplers", extra="app", purpose=PURPOSE)
        seed = derive_seed(self.seed, f"trial {number}") % 2**32
        return samplers.TPESampler(seed=seed, n_startup_trials=1, constant_liar=True)
