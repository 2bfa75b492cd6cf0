"""Weights on the simplex of the tasks present."""

import numpy as np

from plait.balancing.memory.simplex import SimplexState


def test_weights_are_equal_at_first() -> None:
    assert SimplexState().read(["a", "b", "c"]).tolist() == [1 / 3] * 3


def test_what_was_written_is_read() -> None:
    state = SimplexState()
    state.write(["a", "b", "c"], np.array([0.5, 0.2, 0.3]))
    np.testing.assert_allclose(state.read(["c", "a", "b"]), [0.3, 0.5, 0.2], rtol=1e-15)


def test_the_tasks_present_share_what_they_have_together() -> None:
    state = SimplexState()
    state.write(["a", "b", "c"], np.array([0.5, 0.2, 0.3]))
    np.testing.assert_allclose(state.read(["a", "c"]), [0.5 / 0.8, 0.3 / 0.8], rtol=1e-15)
    state.write(["a", "c"], np.array([0.25, 0.75]))
    np.testing.assert_allclose(state.read(["a", "b", "c"]), [0.2, 0.2, 0.6], rtol=1e-15)


def test_tasks_that_lost_everything_to_absent_ones_start_again() -> None:
    state = SimplexState()
    state.write(["a", "b", "c"], np.array([0.0, 1.0, 0.0]))
    assert state.read(["a", "c"]).tolist() == [0.5, 0.5]
    state.write(["a", "c"], np.array([0.25, 0.75]))
    assert state.read(["a", "c"]).tolist() == [0.25, 0.75]
