"""Labels in matrices, against the plain dict that they were copied from."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from plait.core.label_table import FEWEST, LabelTable, below, cut

ROWS = 6


def labels(seed: int = 0, few: int = 2) -> dict[str, Tensor]:
    """Labels of three kinds in turn, too `few` of a fourth to share a matrix, and a mask."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(ROWS, *shape, generator=generator)

    found = {}
    for number in range(FEWEST):
        found[f"flat{number}"] = draw()
        found[f"pair{number}"] = draw(2)
        found[f"class{number}"] = torch.randint(5, (ROWS,), generator=generator)
    found |= {f"column{number}": draw(1) for number in range(few)}
    return {**found, "mask": draw(3, 3)}


def table(targets: dict[str, Tensor] | None = None) -> LabelTable:
    targets = labels() if targets is None else targets
    found = LabelTable.of(targets, targets)
    assert isinstance(found, LabelTable)
    return found


def same(found: Any, wanted: dict[str, Tensor]) -> None:
    assert list(found) == list(wanted)
    assert len(found) == len(wanted)
    for name, each in wanted.items():
        assert name in found
        assert found[name].dtype == each.dtype
        assert torch.equal(found[name], each)


def test_it_is_a_mapping_of_the_same_labels_in_the_same_order() -> None:
    wanted = labels()
    found = table(wanted)
    same(found, wanted)
    same(dict(found), wanted)
    assert list(found.keys()) == list(wanted)
    assert all(map(torch.equal, found.values(), wanted.values()))
    assert found.get("nobody") is None
    assert "nobody" not in found
    with pytest.raises(KeyError):
        found["nobody"]
    assert repr(found).startswith("LabelTable(27 tasks in [6, 8], [6, 8, 2], [6, 8], [6, 1, 1]")


def test_labels_of_one_shape_and_dtype_share_a_matrix_where_they_are_many() -> None:
    shapes = [list(matrix.shape) for matrix in table().matrices]
    assert shapes[:3] == [[ROWS, 8], [ROWS, 8, 2], [ROWS, 8]]
    assert shapes[3:] == [[ROWS, 1, 1], [ROWS, 1, 1], [ROWS, 1, 3, 3]]
    assert table().size == sum(each.numel() for each in labels().values())
    assert table().examples == ROWS


def test_few_labels_masks_and_labels_that_are_not_to_be_joined_keep_their_tensors() -> None:
    few = {f"t{number}": torch.zeros(3) for number in range(FEWEST - 1)}
    assert LabelTable.of(few, few) is few
    masks = {f"t{number}": torch.zeros(3, 2, 2) for number in range(FEWEST)}
    assert LabelTable.of(masks, masks) is masks
    many = {f"t{number}": torch.zeros(3) for number in range(FEWEST)}
    assert LabelTable.of(many, list(many)[1:]) is many
    (first, *_) = many.values()
    assert torch.equal(first.requires_grad_(), torch.zeros(3))
    assert LabelTable.of(many, many) is many
    alone = LabelTable.of({**many, "t0": torch.zeros(3), "other": first}, many)
    assert isinstance(alone, LabelTable)
    assert alone["other"].data_ptr() == first.data_ptr()


def test_the_labels_are_copied_and_what_is_written_to_a_column_is_in_the_table() -> None:
    wanted = labels()
    found = table(wanted)
    found["pair3"].zero_()
    assert not found["pair3"].any()
    columns = found.columns(["pair3"])
    assert columns is not None
    assert not columns.any()
    assert wanted["pair3"].any()


@given(st.lists(st.integers(0, ROWS - 1), max_size=9), st.integers(0, 3))
def test_rows_are_those_of_each_task(rows: list[int], seed: int) -> None:
    wanted, index = labels(seed), torch.tensor(rows, dtype=torch.long)
    found = table(wanted).cut(index)
    same(found, {name: each[index] for name, each in wanted.items()})
    assert found.examples == len(rows)
    same(cut(found, torch.arange(len(rows))), dict(found))
    same(cut(wanted, index), dict(found))


@given(st.permutations(list(labels())), st.integers(0, 27))
def test_only_has_the_named_tasks_in_their_order(names: list[str], count: int) -> None:
    wanted, names = labels(), names[:count]
    found = table(wanted).only(names)
    same(found, {name: wanted[name] for name in names})
    assert found.size == sum(wanted[name].numel() for name in names)
    assert found.examples == (ROWS if names else 0)
    again = found.only(reversed(names))
    same(again, {name: wanted[name] for name in reversed(names)})


def test_nothing_is_copied_where_all_tasks_are_wanted() -> None:
    found = table()
    assert found.only(list(found)) is found
    flat = [name for name in found if name.startswith("flat")]
    assert found.columns(flat) is found.matrices[0]
    assert found.only([*flat, "pair0"]).matrices[0] is found.matrices[0]


@given(st.permutations([f"flat{number}" for number in range(FEWEST)]), st.integers(1, FEWEST))
def test_columns_are_the_labels_one_beside_the_other(names: list[str], count: int) -> None:
    wanted, names = labels(), names[:count]
    expected = torch.stack([wanted[name] for name in names], dim=1)
    found = table(wanted).columns(names)
    assert found is not None
    assert torch.equal(found, expected)


def test_labels_of_several_matrices_are_no_columns_of_one() -> None:
    assert table().columns(["flat0", "class0"]) is None
    assert table().columns(["column0", "column1"]) is None


def test_it_moves_as_a_whole_and_can_be_copied_and_sent() -> None:
    moved = table().to("meta")
    assert {each.device.type for each in moved.values()} == {"meta"}
    assert list(moved) == list(labels())
    for again in (copy.deepcopy(table()), pickle.loads(pickle.dumps(table()))):
        same(again, labels())


def test_tables_stand_one_below_the_other() -> None:
    one = table(labels(1))
    two = one.cut(torch.tensor([3, 1]))
    three = one.only(["flat2", "class1"])
    four = table({name: each.double() for name, each in labels(4).items()})
    found: dict[str, list[Tensor]] = {}
    for name, each in below([one, two, three, four]):
        found.setdefault(name, []).append(each)
    assert list(found) == list(one)
    for name, parts in found.items():
        above = [one[name], two[name], *([three[name]] if name in three else [])]
        assert [len(part) for part in parts] == [sum(map(len, above)), ROWS]
        assert torch.equal(parts[0], torch.cat(above))
        assert torch.equal(parts[1], four[name])
    assert list(below([])) == []
