"""Sums over the labels of the first epoch."""

import pytest
import torch

from plait.core.batch import Batch
from plait.core.errors import DataError
from plait.core.label_table import LabelTable
from plait.tasks import BaseTask, Binary, Classification, Regression
from plait.training import labels as module
from plait.training.labels import LabelStatistics
from tests.operations import Operations

TASKS = {"kind": Classification("kind", classes=3), "size": Regression("size")}
KIND = torch.tensor([0, 2, 2, -100, 1, 2])
SIZE = torch.tensor([[1.0], [2.0], [4.0], [torch.nan], [torch.nan], [torch.nan]])


def batch(start: int, stop: int) -> Batch:
    targets = {"kind": KIND[start:stop], "size": SIZE[start:stop]}
    return Batch.of(torch.zeros(stop - start, 1), targets, TASKS.values())


def test_the_sums_are_those_of_all_labels_at_once() -> None:
    parts, whole = LabelStatistics(TASKS), LabelStatistics(TASKS)
    parts.add([batch(0, 2), batch(2, 4)])
    parts.add([batch(4, 6)])
    whole.add([batch(0, 6)])
    assert parts.masses == whole.masses == {"kind": 5.0, "size": 3.0}
    assert parts.statistics.keys() == {"kind", "size"}
    for name, task in TASKS.items():
        expected = task.summarise({"kind": KIND, "size": SIZE}[name], None)
        torch.testing.assert_close(parts.statistics[name], expected)
        torch.testing.assert_close(whole.statistics[name], expected)


def test_a_task_that_never_has_a_label_is_named() -> None:
    labels = LabelStatistics(TASKS)
    labels.add([batch(3, 5)])
    with pytest.raises(DataError, match="task size had no valid label in the whole first epoch"):
        labels.check()
    labels.add([batch(0, 1)])
    labels.check()


def test_labels_of_no_task_are_named_with_it() -> None:
    labels, again = LabelStatistics(TASKS), LabelStatistics(TASKS)
    targets = {"kind": KIND, "weight": SIZE, "row": KIND}
    labels.add([Batch.of(torch.zeros(6, 1), targets, TASKS.values()).to("cpu")])
    again.load_state_dict(labels.state_dict())
    for each in (labels, again):
        with pytest.raises(
            DataError, match=r"task size had .* of no task were there: weight, row\."
        ):
            each.check()


def test_the_sums_are_given_back_as_they_were() -> None:
    labels, again = LabelStatistics(TASKS), LabelStatistics(TASKS)
    labels.add([batch(0, 4)])
    again.load_state_dict(labels.state_dict())
    for each in (labels, again):
        each.add([batch(4, 6)])
    assert again.masses == labels.masses
    for name, found in again.statistics.items():
        assert torch.equal(found, labels.statistics[name])


# --- labels of many tasks as one tensor -------------------------------------------------------

ROWS = 40
MANY: dict[str, BaseTask] = {
    task.name: task
    for number in range(8)
    for task in (
        Regression(f"size{number}"),
        Binary(f"yes{number}"),
        Classification(f"kind{number}", classes=3),
        Regression(f"place{number}", outputs=2, vector=True),
    )
}


def many(present: float) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    found = {}
    for name in MANY:
        labels = torch.randint(2, (ROWS, 2), generator=generator)
        gone = torch.rand(ROWS, generator=generator) >= present
        labels = labels if name.startswith("place") else labels[:, 0]
        if name.startswith("kind"):
            found[name] = labels.masked_fill(gone, -100)
        else:
            found[name] = labels * 0.3
            found[name][gone] = torch.nan
            found[name] = labels.float().where(~found[name].isnan(), torch.nan)
    return found


def batches(targets: dict[str, torch.Tensor], *, joined: bool) -> list[Batch]:
    """Batches of 4 rows, and one of another shape and dtype; as tables or as dicts."""
    shapes = [
        {name: each[start : start + 4] for name, each in targets.items()}
        for start in range(0, ROWS, 4)
    ]
    shapes.insert(3, {n: each[:5, None].double() for n, each in targets.items() if n[:4] == "size"})
    if not joined:
        return [Batch.of(None, each, MANY.values()) for each in shapes]
    table = LabelTable.of(targets, MANY)
    assert isinstance(table, LabelTable)
    cuts = [table.cut(torch.arange(start, start + 4)) for start in range(0, ROWS, 4)]
    cuts.insert(3, LabelTable.of(shapes[3], MANY))
    return [Batch.of(None, each, MANY.values()) for each in cuts]


@pytest.mark.parametrize("present", [1.0, 0.9, 0.2])
@pytest.mark.parametrize("most", [(256, 2**22), (4, 2**22), (4, 300), (256, 1)])
def test_labels_in_a_table_have_the_summaries_of_those_in_a_dict(
    present: float, most: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_APART", most[0])
    monkeypatch.setattr(module, "MOST_WAITING", most[1])
    plain, table, again = (LabelStatistics(MANY) for _ in range(3))
    targets = many(present)
    for number, (one, other) in enumerate(
        zip(batches(targets, joined=False), batches(targets, joined=True), strict=True)
    ):
        plain.add([one])
        table.add([other])
        if number == 5:
            again.load_state_dict(table.state_dict())
        elif number > 5:
            again.add([other])
    for found in (table, again):
        assert found.masses == plain.masses
        assert found.statistics.keys() == plain.statistics.keys()
        for name, wanted in plain.statistics.items():
            assert found.statistics[name].dtype == wanted.dtype
            torch.testing.assert_close(
                found.statistics[name], wanted, rtol=0, atol=0, equal_nan=True
            )


def test_labels_of_a_table_wait_without_an_operation_by_task() -> None:
    statistics = LabelStatistics(MANY)
    statistics.stop_counting()  # rows with a label, which were counted in the whole table
    tables = [
        batch.only([name for name in MANY if not name.startswith("place")])
        for batch in batches(many(1.0), joined=True)
    ]
    with Operations() as operations:
        statistics.add(tables[:2])
    assert operations.count == 0
