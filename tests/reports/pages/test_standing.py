"""Mean rank and improvability are those of the means over the seeds."""

import math
from dataclasses import replace

import pytest

from plait.reports.pages.standing import standings
from tests.reports.words.made import of_members, of_tasks


def test_ranks_are_over_all_metrics_and_distances_over_the_main_ones() -> None:
    found = standings(of_tasks(a=[10.0, -10.0], b=[-20.0]))
    # values: single 0.5, 0.5, 0.5; x 0.55, 0.45, 0.4
    assert found["single"].mean_rank == pytest.approx((2 + 1 + 1) / 3)
    assert found["x"].mean_rank == pytest.approx((1 + 2 + 2) / 3)
    assert found["single"].improvability == pytest.approx((100 * 0.05 / 0.55 + 0) / 2)
    assert found["x"].improvability == pytest.approx((0 + 20) / 2)


def test_of_several_seeds_the_means_are_compared() -> None:
    found = standings(of_members(x=[0.0, 20.0], y=[10.0, 10.0]))
    assert found["x"].mean_rank == found["y"].mean_rank  # 0.55 in a, 0.45 in b
    assert found["single"].mean_rank == pytest.approx((3 + 1) / 2)


def test_lower_errors_stand_in_front() -> None:
    found = of_tasks(a=[10.0])
    info = replace(found.metrics["a"]["m0"], higher_is_better=False)
    assert standings(replace(found, metrics={"a": {"m0": info}}))["single"].mean_rank == 1


def test_what_has_no_value_comes_last_and_has_no_distance() -> None:
    found = standings(of_members(x=math.nan, y=1.0))
    assert found["x"].mean_rank == 3
    assert math.isnan(found["x"].improvability)
