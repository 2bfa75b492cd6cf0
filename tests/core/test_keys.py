import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from plait.core.keys import safe_key, unit_key

names = st.text(st.sampled_from("ab.%25E:_/ é"), max_size=8) | st.text(max_size=8)


@given(names)
def test_a_key_can_be_read_back_and_has_no_dot(name: str) -> None:
    key = safe_key(name)
    assert "." not in key
    assert key.removeprefix("task:").replace("%2E", ".").replace("%25", "%") == name


@given(st.lists(names, unique=True, max_size=6))
def test_different_names_have_different_keys(each: list[str]) -> None:
    assert len({safe_key(name) for name in each}) == len(each)


@pytest.mark.parametrize(
    "name", ["ctr.v2", "100%", "%2E", "forward", "training", "keys", "_modules", "T", "a b", "ß"]
)
def test_any_task_name_is_a_key_of_a_module(name: str) -> None:
    modules = nn.ModuleDict({safe_key(name): nn.Linear(2, 1)})
    parameters = nn.ParameterDict({safe_key(name): torch.zeros(2)})
    assert safe_key(name) in modules
    assert modules[safe_key(name)].weight.shape == (1, 2)
    assert parameters[safe_key(name)].shape == (2,)
    # the dot of a parameter's path is the only one
    assert [path.count(".") for path in modules.state_dict()] == [1, 1]


@given(st.integers(0, 99), st.integers(0, 99), names, names)
def test_a_key_of_a_place_tells_places_and_names_apart(i: int, j: int, a: str, b: str) -> None:
    assert (unit_key(i, a) == unit_key(j, b)) == ((i, a) == (j, b))
    assert unit_key(i, a) in nn.ParameterDict({unit_key(i, a): torch.zeros(1)})
