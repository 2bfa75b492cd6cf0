"""Parts are rows: whatever is written or arrives at one is at the other."""

import copy
import gc
import io
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from plait.networks.joined import Joined, gradient_of, held, joined_of, row_of, staying

TASKS = ("a", "b", "c")


def joined() -> Joined:
    return Joined({task: nn.Parameter(torch.full((2,), float(n))) for n, task in enumerate(TASKS)})


def test_parts_and_whole_are_one_storage() -> None:
    made = joined()
    assert made.whole.tolist() == [[0, 0], [1, 1], [2, 2]]
    with torch.no_grad():
        made.parts[1].mul_(5)
        made.whole[2] = 7
    assert made.whole.tolist() == [[0, 0], [5, 5], [7, 7]]
    assert made.parts[2].tolist() == [7, 7]
    assert made.tasks == TASKS
    assert made.place == {"a": 0, "b": 1, "c": 2}


def test_who_is_what() -> None:
    made, other = joined(), nn.Parameter(torch.zeros(1))
    assert row_of(made.parts[1]) == (made, 1)
    assert joined_of(made.whole) is made
    assert held(made.parts[0]) is made.whole
    assert held(other) is other
    assert row_of(other) is None and row_of(made.whole) is None
    assert joined_of(other) is None and joined_of(made.parts[0]) is None


rows = st.lists(st.integers(0, 2), min_size=1, max_size=4)


@settings(deadline=None)
@given(st.lists(st.tuples(rows, st.booleans()), min_size=1, max_size=6))
def test_gradients_are_those_of_parameters_apart(arrivals: list[tuple[list[int], bool]]) -> None:
    """In any order, several for a row, forgotten now and then."""
    made, apart = joined(), [torch.zeros(2) for _ in TASKS]
    seen: set[int] = set()
    for number, (found, forget) in enumerate(arrivals):
        if forget:
            made.whole.grad, seen, apart = None, set(), [torch.zeros(2) for _ in TASKS]
        gradients = [torch.tensor([number + 1.0, row]) for row in found]
        made.add(found, gradients)
        seen |= set(found)
        for row, gradient in zip(found, gradients, strict=True):
            apart[row] = apart[row] + gradient
        assert made.whole.grad is not None
        assert torch.equal(made.whole.grad, torch.stack(apart))
        assert made.present == (None if len(seen) == 3 else seen)
        for row, part in enumerate(made.parts):
            gradient = gradient_of(part)
            assert (gradient is not None) == (row in seen)
            assert part.grad is None
            assert gradient is None or torch.equal(gradient, apart[row])


def test_a_gradient_is_known_again_when_nobody_held_it() -> None:
    made = joined()
    made.add([0], [torch.ones(2)])
    gc.collect()
    made.add([1], [torch.ones(2)])
    assert made.present == {0, 1}


def test_a_gradient_of_all_rows_arrives_at_the_whole() -> None:
    made = joined()
    made.add([1], [torch.ones(2)])
    made.whole.grad = torch.ones(3, 2)
    made.arrive(None)
    assert made.present is None
    made.whole.grad = torch.zeros(3, 2)
    made.arrive([0, 2])
    assert made.present == {0, 2}
    made.whole.grad += 1
    made.arrive(None)
    assert made.present is None


def test_plain_backward_passes_fill_the_whole() -> None:
    made = joined()
    (made.parts[0].sum() + 2 * made.parts[2].sum()).backward()
    made.parts[2].sum().backward()
    assert made.whole.grad is not None
    assert made.whole.grad.tolist() == [[1, 1], [0, 0], [3, 3]]
    assert made.present == {0, 2}
    with staying(made.parts):
        made.parts[1].sum().backward()
    assert made.parts[1].grad is not None and made.present == {0, 2}
    assert made.parts[1].grad.tolist() == [1, 1]


def test_gradients_that_were_there_come_along_and_go_back() -> None:
    parts = {task: nn.Parameter(torch.zeros(2)) for task in TASKS}
    parts["b"].grad = torch.tensor([1.0, 2.0])
    made = Joined(parts)
    assert made.present == {1} and parts["b"].grad is None
    made.split()
    assert [part.grad is not None for part in parts.values()] == [False, True, False]
    assert parts["b"].grad.tolist() == [1, 2]


def test_split_parts_are_parameters_as_any() -> None:
    made = joined()
    made.split()
    assert len({part.untyped_storage().data_ptr() for part in made.parts}) == 3
    assert all(row_of(part) is None for part in made.parts)
    assert joined_of(made.whole) is None
    assert [part.tolist() for part in made.parts] == [[0, 0], [1, 1], [2, 2]]
    made.parts[0].sum().backward()
    assert made.parts[0].grad is not None


def test_parts_that_were_moved_are_gathered_with_what_arrives() -> None:
    made = joined()
    made.add([0], [torch.ones(2)])
    for part in made.parts:
        part.data = part.data.double() + 1
    assert not made.intact()
    made.add([2], [torch.ones(2, dtype=torch.float64)])
    assert made.intact()
    assert made.whole.tolist() == [[1, 1], [2, 2], [3, 3]]
    assert made.whole.dtype == made.whole.grad.dtype == torch.float64
    assert made.present == {0, 2}
    with torch.no_grad():
        made.whole.zero_()
    assert all(not part.any() for part in made.parts)


def test_a_graph_is_not_differentiated_with_other_values() -> None:
    made = joined()
    value = made.parts[0].square().sum()
    with torch.no_grad():
        made.whole += 1
    made.moved()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_copies_are_joined_to_nothing() -> None:
    made = joined()
    file = io.BytesIO()
    torch.save(list(made.parts), file)
    file.seek(0)
    loaded: list[Tensor] = torch.load(file, weights_only=False)
    for copies in (
        copy.deepcopy(list(made.parts)),
        pickle.loads(pickle.dumps(list(made.parts))),
        loaded,
        copy.deepcopy([made.whole]),
        pickle.loads(pickle.dumps([made.whole])),
    ):
        for each in copies:
            assert row_of(each) is None and joined_of(each) is None
            each.sum().backward()
            assert each.grad is not None
    assert made.whole.grad is None


def test_a_part_that_was_frozen_in_between_is_told_at_the_end() -> None:
    made = joined()
    made.parts[1].requires_grad_(False)
    with pytest.warns(UserWarning, match="task 'b' was frozen while the heads were joined"):
        made.split()


def test_a_part_that_was_given_another_tensor_is_told_at_the_end() -> None:
    made = joined()
    made.parts[1].data = torch.full((2,), 9.0)
    with pytest.warns(UserWarning, match="task 'b' was given another tensor while the heads"):
        made.split()
    assert made.parts[1].tolist() == [9, 9]
    moved = joined()
    for part in moved.parts:
        part.data = part.data.double()
    moved.split()  # all together, which is no mistake
