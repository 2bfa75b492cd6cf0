"""What row methods share, and what each of them that remembers rows has to do with them."""

import copy

import pytest
import torch

import plait.balancing
from plait.balancing import Info, JacobianBalancer
from plait.balancing.memory.row import RowState
from plait.core.errors import ConfigError
from plait.core.lookup import names
from tests.balancing.promises import same

ROW_METHODS = names(plait.balancing, JacobianBalancer)
TASKS = ("a", "b.c", "d")


def new(name: str) -> JacobianBalancer:
    made: JacobianBalancer = getattr(plait.balancing, name)()
    return made


REMEMBERING = [name for name in ROW_METHODS if new(name).row_buffers]


def info_of(tasks: tuple[str, ...] = TASKS) -> Info:
    return Info(tasks, losses=torch.linspace(0.5, 2, len(tasks)))


def test_remembered_rows_are_padded_where_columns_are_new() -> None:
    state = RowState()
    state.keep(["a"], [torch.tensor([1.0, 2.0])])
    one, two = state.rows(["a", "b"], torch.empty(2, 3, dtype=torch.float64))
    assert one.tolist() == [1.0, 2.0, 0.0]
    assert two.tolist() == [0.0, 0.0, 0.0]
    assert one.dtype == two.dtype == torch.float64
    with pytest.raises(ConfigError, match=r"keep its columns .* found 1 after 2 for task 'a'"):
        state.rows(["b", "a"], torch.empty(2, 1))


# --- every row method -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ROW_METHODS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_keeps_the_dtype_and_does_not_edit_the_rows(name: str, dtype: torch.dtype) -> None:
    jacobian = torch.randn(3, 9, dtype=dtype)
    before, balancer = jacobian.clone(), new(name)
    for _ in range(3):
        direction = balancer.combine(jacobian, info_of())
        assert direction.shape == (9,)
        assert direction.dtype == dtype
        assert direction.data_ptr() != jacobian.data_ptr()
    assert torch.equal(jacobian, before)


@pytest.mark.parametrize("name", ROW_METHODS)
def test_nothing_shared_and_nothing_to_follow_are_no_special_case(name: str) -> None:
    assert new(name).combine(torch.empty(3, 0), info_of()).shape == (0,)
    zeros = new(name).combine(torch.zeros(3, 4), info_of())
    assert torch.equal(zeros.abs(), torch.zeros(4))


@pytest.mark.parametrize("name", ROW_METHODS)
def test_a_row_of_zeros_leaves_the_others_their_say(name: str) -> None:
    jacobian = torch.tensor([[1.0, 2.0], [0.0, 0.0], [2.0, 1.0]])
    balancer = new(name)
    for _ in range(3):
        direction = balancer.combine(jacobian, info_of())
    assert direction.isfinite().all()
    assert (direction > 0).all()


# --- methods that remember rows -------------------------------------------------------------


def test_there_are_methods_that_remember() -> None:
    assert REMEMBERING


@pytest.mark.parametrize("name", REMEMBERING)
def test_new_columns_are_those_of_parameters_that_had_no_gradient(name: str) -> None:
    grown, padded = new(name), new(name)
    narrow, full = torch.randn(3, 5, dtype=torch.float64), torch.randn(3, 8, dtype=torch.float64)
    wide = torch.cat([narrow, torch.zeros(3, 3)], dim=1)
    grown.combine(narrow, info_of())
    padded.combine(wide, info_of())
    found, expected = grown.combine(full, info_of()), padded.combine(full, info_of())
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", REMEMBERING)
def test_fewer_columns_are_refused_and_nothing_is_touched(name: str) -> None:
    balancer = new(name)
    balancer.combine(torch.randn(3, 5), info_of())
    before = copy.deepcopy(balancer.state_dict())
    with pytest.raises(ConfigError, match="keep its columns"):
        balancer.combine(torch.randn(3, 4), info_of())
    assert same(before, balancer.state_dict())


@pytest.mark.parametrize("name", REMEMBERING)
def test_rows_are_kept_by_name_and_held_while_a_task_is_absent(name: str) -> None:
    balancer, turned = new(name), new(name)
    order = [2, 0, 1]
    for present in ([0, 1, 2], [0, 2], [2, 0, 1]):
        jacobian = torch.randn(3, 6, dtype=torch.float64)
        losses = torch.rand(3) + 0.5
        directions = []
        for one, ranking in ((balancer, present), (turned, sorted(present, key=order.index))):
            info = Info(tuple(TASKS[i] for i in ranking), losses=losses[ranking])
            before = copy.deepcopy(one.state_dict())
            directions.append(one.combine(jacobian[ranking], info))
            absent = [task for i, task in enumerate(TASKS) if i not in ranking]
            after = one.state_dict()
            held = [key for key in before for task in absent if key.endswith(task)]
            assert all(torch.equal(before[key], after[key]) for key in held)
        torch.testing.assert_close(*directions)


@pytest.mark.parametrize("name", REMEMBERING)
def test_what_is_remembered_matters_and_is_in_the_state(name: str) -> None:
    first, fresh, second = new(name), new(name), new(name)
    for _ in range(3):
        first.combine(torch.randn(3, 6), info_of())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    jacobian = torch.randn(3, 6)
    expected = first.combine(jacobian, info_of())
    assert torch.equal(second.combine(jacobian, info_of()), expected)
    fresh.combine(jacobian, info_of())
    assert not same(fresh.state_dict(), second.state_dict())
