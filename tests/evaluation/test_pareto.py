import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plait.evaluation import pareto_front

POINTS = arrays(
    float,
    st.tuples(st.integers(0, 8), st.integers(1, 4)),
    elements=st.one_of(st.integers(0, 3).map(float), st.just(math.nan)),
)


def on_front(points: list[list[float]], place: int) -> bool:
    """As it is defined, pair by pair."""
    own = points[place]
    if any(map(math.isnan, own)):
        return False
    return not any(
        all(a <= b for a, b in zip(other, own, strict=True))
        and any(a < b for a, b in zip(other, own, strict=True))
        for other in points
        if not any(map(math.isnan, other))
    )


@given(POINTS)
def test_it_is_the_front_as_it_is_defined(points: np.ndarray) -> None:
    rows = points.tolist()
    expected = [on_front(rows, place) for place in range(len(rows))]
    assert pareto_front(points).tolist() == expected
    assert pareto_front(-points, [True] * points.shape[1]).tolist() == expected


def test_equal_points_are_on_it_together() -> None:
    assert pareto_front([[1, 2], [1, 2], [1, 3]]).tolist() == [True, True, False]


def test_many_points_take_a_moment() -> None:
    points = np.random.default_rng(0).random((20_000, 2))
    front = points[pareto_front(points)]
    order = front[front[:, 0].argsort()]
    assert (np.diff(order[:, 1]) < 0).all()
    assert (points >= order[:, None].min(axis=0)).all()
