"""Random Jacobians for property tests, the awkward ones included."""

import numpy as np
from hypothesis import strategies as st

Jacobian = np.ndarray


@st.composite
def jacobians(draw: st.DrawFn, min_tasks: int = 1, max_tasks: int = 6, spread: int = 0) -> Jacobian:
    """A Jacobian `[T, P]` that may have too few columns, and equal, opposite and zero rows.

    Args:
        draw: is given by hypothesis.
        min_tasks: fewest rows.
        max_tasks: most rows.
        spread: rows are scaled by up to 10^spread and down to 10^-spread, each by its own factor.
    """
    tasks = draw(st.integers(min_tasks, max_tasks))
    columns = draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = rng.standard_normal((tasks, columns))
    if draw(st.booleans()):
        rows = np.round(rows)  # ties, and rows that are dependent exactly
    for kind in draw(st.lists(st.sampled_from(["equal", "opposite", "zero", "sum"]), max_size=2)):
        source, target = rng.integers(tasks, size=2)
        if source != target or kind == "zero":
            rows[target] = {
                "equal": rows[source],
                "opposite": -rng.uniform(0.1, 10) * rows[source],
                "zero": np.zeros(columns),
                "sum": rows.sum(axis=0) - rows[target],
            }[kind]
    exponents = rng.uniform(-spread, spread, size=(tasks, 1)) if spread else np.zeros((tasks, 1))
    return rows * 10.0**exponents


def scales() -> st.SearchStrategy[float]:
    """Factors from 1e-12 to 1e12."""
    return st.floats(-12, 12).map(lambda exponent: 10.0**exponent)
