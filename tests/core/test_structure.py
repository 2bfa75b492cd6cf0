import json
from collections import OrderedDict
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.core import Masked, PerTask
from plait.core.errors import ConfigError
from plait.core.structure import (
    from_signature,
    input_of,
    map_tensors,
    passes_of,
    signature,
    tensors,
)

DTYPES = [torch.float32, torch.int64, torch.bool, torch.float64, torch.uint8, torch.bfloat16]
leaves = st.builds(
    lambda batch, shape, dtype: torch.ones(batch, *shape).to(dtype),
    st.integers(1, 3),
    st.lists(st.integers(1, 3), max_size=2),
    st.sampled_from(DTYPES),
)
values = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
structures = st.recursive(
    leaves | values,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3).map(PerTask)
        | st.builds(Masked, leaves, leaves)
    ),
    max_leaves=8,
)


def shape_of(structure: Any) -> Any:
    """Types and plain values of a structure, with tensors as text."""
    if isinstance(structure, torch.Tensor):
        return f"{structure.dtype} {tuple(structure.shape)}"
    if isinstance(structure, dict):
        return type(structure), [(key, shape_of(value)) for key, value in structure.items()]
    if isinstance(structure, list | tuple):
        return type(structure), [shape_of(value) for value in structure]
    return structure


@given(structures)
def test_mapping_changes_the_tensors_and_nothing_else(structure: Any) -> None:
    assert shape_of(map_tensors(torch.clone, structure)) == shape_of(structure)
    found = list(tensors(structure))
    zeros = list(tensors(map_tensors(torch.zeros_like, structure)))
    assert [zero.shape for zero in zeros] == [tensor.shape for tensor in found]
    assert not any(bool(zero.any()) for zero in zeros)
    assert all(bool(tensor.all()) for tensor in found)  # the originals are untouched


@given(structures)
def test_tensors_come_in_the_order_of_the_map(structure: Any) -> None:
    seen: list[torch.Tensor] = []
    map_tensors(seen.append, structure)
    assert len(seen) == len(list(tensors(structure)))
    assert all(a is b for a, b in zip(seen, tensors(structure), strict=True))


@given(structures, st.integers(1, 4))
def test_a_signature_survives_json_and_gives_inputs_of_the_same_kind(
    structure: Any, batch: int
) -> None:
    described = signature(structure)
    made = from_signature(json.loads(json.dumps(described)), batch)
    assert signature(made) == described
    assert all(tensor.shape[0] == batch for tensor in tensors(made))
    assert not any(bool(tensor.any()) for tensor in tensors(made))


@pytest.mark.parametrize(
    "inputs",
    [
        PerTask({"a": torch.zeros(2, 3), "b": torch.zeros(2, 4)}),
        Masked(torch.zeros(2, 3), torch.ones(2, 3).bool()),
        {"image": torch.zeros(2, 3)},
        PerTask({"a": Masked(torch.zeros(2, 3), torch.ones(2, 3).bool())}),
    ],
)
def test_the_marks_survive(inputs: Any) -> None:
    for made in (map_tensors(torch.clone, inputs), from_signature(signature(inputs))):
        assert type(made) is type(inputs)
        assert [type(t) for t in tensors(made)] == [type(t) for t in tensors(inputs)]
    if isinstance(inputs, PerTask):
        assert type(from_signature(signature(inputs))["a"]) is type(inputs["a"])


def test_other_mappings_become_plain_dicts() -> None:
    assert type(map_tensors(torch.clone, OrderedDict(a=torch.zeros(1)))) is dict


def test_inputs_that_differ_by_task_are_split_into_passes() -> None:
    both = PerTask(a=1, b=2)
    assert passes_of(both, ["b", "a"]) == [(2, ["b"]), (1, ["a"])]
    assert passes_of({"a": 1}, ["b", "a"]) == [({"a": 1}, ["b", "a"])]
    assert passes_of(both, []) == passes_of(1, []) == []
    assert (input_of("b", both), input_of("b", 3)) == (2, 3)
    with pytest.raises(ConfigError, match="unknown input of task 'c'"):
        passes_of(both, ["c"])
