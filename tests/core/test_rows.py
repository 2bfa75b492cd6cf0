import torch

from plait.core.batch import Part
from plait.core.rows import by_row, rows_of
from plait.core.structure import PerTask


def test_labels_tell_the_rows_of_all_tasks() -> None:
    part = Part("any", {"a": torch.zeros(4, 2)}, {"a": 8.0})
    assert rows_of(part, ["a", "b"]) == {"a": 4, "b": 4}


def test_inputs_tell_where_no_label_is_there() -> None:
    nested = {"image": torch.zeros(3, 2), "words": [torch.zeros(3, 7)]}
    assert rows_of(Part(nested, {}, {}), ["a"]) == {"a": 3}


def test_inputs_that_differ_by_task_have_rows_of_their_own() -> None:
    inputs = PerTask(a=torch.zeros(5, 1), b=torch.zeros(2, 1))
    part = Part(inputs, {"a": torch.zeros(5)}, {"a": 5.0})
    assert rows_of(part, ["a", "b", "c"]) == {"a": 5, "b": 2, "c": 0}


def test_inputs_of_no_common_length_do_not_tell() -> None:
    graph = {"nodes": torch.zeros(9, 2), "edges": torch.zeros(4, 2)}
    assert rows_of(Part(graph, {}, {}), ["a"]) == {"a": 0}


def test_a_row_has_a_label_if_one_of_its_labels_is_there() -> None:
    labels = torch.tensor([[True, False], [False, False]])
    assert by_row(labels).tolist() == by_row(labels[:, :, None]).tolist() == [True, False]
    assert by_row(labels[0]).tolist() == [True, False]
