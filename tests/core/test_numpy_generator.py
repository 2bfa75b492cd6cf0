"""NumPy's generator, swapped by reference, draws what it draws when its state is copied."""

from collections.abc import Iterator

import numpy as np
import pytest

from plait.core.numpy_generator import NumpyGenerator, in_place


@pytest.fixture(autouse=True)
def numpy_kept() -> Iterator[None]:
    state = np.random.get_state()
    yield
    np.random.set_state(state)


@pytest.mark.parametrize("draws", [(1, 1), (1, 2, 1), (0, 1, 0, 1), (2, 0, 3, 1), (0, 0)])
@pytest.mark.parametrize("kind", ["randn", "rand"])
def test_two_streams_that_take_turns_are_those_of_two_generators(
    draws: tuple[int, ...], kind: str
) -> None:
    """An odd number of normals leaves one that was drawn in advance."""
    np.random.seed(3)
    outer, other = in_place(), NumpyGenerator(np.random.MT19937(0))
    alone = {outer: np.random.RandomState(3), other: np.random.RandomState(4)}
    outer.note()
    other.put()
    np.random.seed(4)
    other.note()
    outer.put()
    for turn, count in enumerate([*draws, *draws]):
        mine = (outer, other)[turn % 2]
        mine.put()
        for _ in range(count):
            assert getattr(np.random, kind)() == getattr(alone[mine], kind)()
        mine.note()
    outer.put()


def test_a_generator_of_another_kind_is_kept_too() -> None:
    other = NumpyGenerator(np.random.PCG64(5))
    outer = in_place()
    outer.note()
    expected = np.random.RandomState(np.random.PCG64(5)).randn(3).tolist()
    found = []
    for _ in range(3):
        other.put()
        found.append(np.random.randn())
        other.note()
    outer.put()
    assert found == expected
