import copy
import json
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from plait.core.lazy_values import LazyValues, Slices, names_of
from plait.core.names import PENDING, Names
from plait.core.numbers import Numbers

NAMES = ("a", "b", "c", "d", "e")


def lazy() -> LazyValues:
    """Returns five values, of which two are known, in two tensors, among one that stands alone."""
    first = Slices(torch.arange(6.0).reshape(2, 3), 1, Names(("d", "x", "a")))
    second = Slices(torch.arange(10.0, 14.0).reshape(2, 2), 0, Names(("e", "c")))
    values = dict.fromkeys(NAMES, PENDING)
    values["b"] = torch.tensor([7.0, 8.0])
    return LazyValues(values, [first, second])


def plain() -> dict[str, list[float]]:
    return {"a": [2, 5], "b": [7, 8], "c": [12, 13], "d": [0, 3], "e": [10, 11]}


def read(values: Mapping[str, Any]) -> dict[str, list[float]]:
    return {name: torch.as_tensor(value).tolist() for name, value in values.items()}


def by_call(**values: Tensor) -> dict[str, Tensor]:
    return values


WAYS: dict[str, Callable[[LazyValues], Any]] = {
    "items": lambda values: dict(values.items()),
    "values": lambda values: dict(zip(values, values.values(), strict=True)),
    "one by one": lambda values: {name: values[name] for name in values},
    "get": lambda values: {name: values.get(name) for name in values},
    "dict": dict,
    "stars": lambda values: {**values},
    "call": lambda values: by_call(**values),
    "copy": lambda values: values.copy(),
    "json": lambda values: json.loads(json.dumps(values, default=Tensor.tolist)),
    "copy.copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda values: pickle.loads(pickle.dumps(values)),
    "or": lambda values: values | {},
    "or from the right": lambda values: {} | values,
    "update": lambda values: _updated(values),
    "or in place": lambda values: _merged(values),
    "pop": lambda values: {name: values.pop(name) for name in NAMES},
    "popitem": lambda values: dict(reversed([values.popitem() for _ in NAMES])),
    "setdefault": lambda values: {name: values.setdefault(name) for name in NAMES},
    "sorted": lambda values: dict(sorted(values.items())),
}


def _updated(values: LazyValues) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    found.update(values)
    return found


def _merged(values: LazyValues) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    found |= values
    return found


@pytest.mark.parametrize("way", WAYS)
def test_nobody_sees_a_value_that_is_not_cut(way: str) -> None:
    assert read(WAYS[way](lazy())) == plain()


def test_a_value_is_cut_once() -> None:
    values = lazy()
    assert values["a"] is values["a"] is dict(values)["a"]
    assert not values.changed
    with pytest.raises(KeyError, match="z"):
        values["z"]
    assert values.get("z") is None
    assert values.get("z", 3) == 3


def test_it_equals_a_dict_of_the_same_values_and_shows_them() -> None:
    values = lazy()
    same = {name: values[name] for name in NAMES}
    for made in (lazy(), values):
        assert repr(made) == repr(same)
    assert values == same
    assert same == values
    assert (values != same) is False
    assert values != {}
    with pytest.raises(TypeError, match="unhashable"):
        hash(values)


def test_gradients_flow_back_to_the_whole() -> None:
    whole = torch.ones(3, requires_grad=True)
    values = LazyValues.of(Slices(whole * 2, 0, Names("abc")))
    (values["b"] + sum(3 * each for each in values.values())).backward()
    assert whole.grad is not None and whole.grad.tolist() == [6, 8, 6]


OPERATIONS = ("set", "delete", "pop", "update", "read", "setdefault", "clear", "popitem", "get")


@given(
    st.lists(st.tuples(st.sampled_from(OPERATIONS), st.sampled_from([*NAMES, "z"])), max_size=12)
)
def test_it_does_what_a_dict_does(steps: list[tuple[str, str]]) -> None:
    values, oracle = lazy(), {name: torch.tensor(each) for name, each in plain().items()}
    changed = False
    for number, (step, name) in enumerate(steps):
        new = torch.full((2,), float(number))
        before = read(oracle)
        for each in (values, oracle):
            if step == "set":
                each[name] = new
            elif step == "delete" and name in each:
                del each[name]
            elif step == "pop":
                each.pop(name, None)
            elif step == "update":
                each.update({name: new})
            elif step == "setdefault":
                each.setdefault(name, new)
            elif step == "clear":
                each.clear()
            elif step == "popitem" and each:
                each.popitem()
            elif step in ("read", "get") and name in each:
                assert each[name].shape == each.get(name).shape
        assert len(values) == len(oracle)
        assert list(values) == list(oracle)
        changed = changed or read(oracle) != before
        assert values.changed or not changed
    assert read(values) == read(oracle)


def test_names_are_those_that_are_kept_as_long_as_they_are_right() -> None:
    names = Names("abc")
    values = LazyValues.of(Slices(torch.arange(3.0), 0, names))
    assert values.names is names_of(values) is names_of(names) is names
    assert names_of(Numbers(names, np.zeros(3))) is names
    assert names_of({"a": 1, "b": 2}) == ("a", "b")
    assert lazy().names == NAMES
    del values["b"]
    assert values.names == ("a", "c")
