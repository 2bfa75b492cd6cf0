"""The ways of merging: each grid holds what makes no difference to the papers' own choice."""

import pytest

from plait import merging
from plait.experiments.baselines.merging_ways import MERGING, MergingWay


def test_every_function_of_merging_is_a_way() -> None:
    assert {way.merge.__name__ for way in MERGING.values()} == set(merging.__all__)  # type: ignore[attr-defined]


@pytest.mark.parametrize("way", MERGING.values(), ids=MERGING)
def test_a_grid_holds_the_default_strength(way: MergingWay) -> None:
    (default,) = [v for k, v in way.merge.__kwdefaults__.items() if k == "strength"]  # type: ignore[attr-defined]
    assert default in way.strengths
    assert sorted(set(way.strengths)) == list(way.strengths)
