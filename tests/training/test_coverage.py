"""Rows with a label: counted against a loop over the rows, ahead or in the first epoch."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from torch import nn
from torch.utils.data import DataLoader

from plait.core import PerTask
from plait.core.batch import Batch
from plait.data import Disjoint, InMemory, collate, loader
from plait.model import MultiTaskModel
from plait.runs import Coverage
from plait.sharing import Hard
from plait.tasks import Binary, Classification, MultiLabel, Regression, Segmentation
from plait.training import ProgressBar, Trainer
from plait.training.coverage import LabelCoverage, of_table
from tests.training.partial_labels import ROWS, TASKS, WAYS, model, partial
from tests.training.problem import StopAt, Stopped, events

# --- counts -------------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 10**6),
    way=st.sampled_from(WAYS),
    missing=st.sampled_from([0.0, 0.3, 0.9]),
    bounds=st.lists(st.integers(0, ROWS), max_size=3).map(sorted),
)
def test_rows_are_those_of_a_loop(seed: int, way: str, missing: float, bounds: list[int]) -> None:
    """However they are cut into batches, of which some may have no row."""
    tasks, (inputs, labels, weights) = model().tasks, partial(seed, way, missing)
    coverage = LabelCoverage(tasks)
    for a, b in zip([0, *bounds], [*bounds, ROWS], strict=True):
        cut = {name: each[a:b] for name, each in labels.items()}
        weighed = {name: each[a:b] for name, each in weights.items()}
        coverage.add(Batch.of(inputs[a:b], cut, tasks.values(), weights=weighed))
    assert coverage.rows == dict.fromkeys(TASKS, ROWS)
    for name, task in tasks.items():
        alone = (
            (labels[name][i : i + 1], weights[name][i : i + 1] if name in weights else None)
            for i in range(ROWS)
        )
        assert coverage.labelled[name] == sum(task.count(*each) > 0 for each in alone)


def test_classes_are_counted_and_several_yes_or_no_labels_by_their_yes() -> None:
    tasks = [
        Classification("kind", classes=3, names=["a", "b", "c"]),
        Classification("many", classes=21),
        Binary("bought"),
        MultiLabel("marks", labels=2),
        MultiLabel("mark", labels=1),
        Regression("size"),
        Segmentation("mask", classes=2),
    ]
    nan = torch.nan
    targets = {
        "kind": torch.tensor([0, 0, -100, 1]),
        "many": torch.tensor([0, 1, 2, 3]),
        "bought": torch.tensor([1.0, nan, 0.0, 0.0]),
        "marks": torch.tensor([[1.0, 0.0], [nan, 1.0], [nan, nan], [1.0, 1.0]]),
        "mark": torch.tensor([[1.0], [nan], [1.0], [0.0]]),
        "size": torch.tensor([1.0, nan, nan, nan]),
        "mask": torch.tensor([[[0, -100]], [[-100, -100]], [[1, 1]], [[1, 0]]]),
    }
    coverage = LabelCoverage({task.name: task for task in tasks})
    coverage.add(Batch.of(torch.zeros(4, 1), targets, tasks))
    assert coverage.labelled == {
        "kind": 3,
        "many": 4,
        "bought": 3,
        "marks": 3,
        "mark": 3,
        "size": 1,
        "mask": 3,
    }
    assert coverage.event("val") == Coverage(
        split="val",
        rows=dict.fromkeys(targets, 4),
        labelled=coverage.labelled,
        classes={
            "kind": {"a": 2, "b": 1, "c": 0},
            "bought": {"no": 2, "yes": 1},
            "marks": {"0": 2, "1": 2},
            "mark": {"0": 1, "1": 2},
        },
    )


def test_rows_without_any_label_are_rows() -> None:
    task = Regression("size")
    coverage = LabelCoverage({"size": task})
    for labels in ([1.0, 2.0], [torch.nan] * 3):
        coverage.add(Batch.of(torch.zeros(len(labels), 2), {"size": torch.tensor(labels)}, [task]))
    assert (coverage.rows, coverage.labelled) == ({"size": 5}, {"size": 2})


@pytest.mark.parametrize(
    ("inputs", "rows"),
    [
        (torch.zeros(3, 2), 3),
        ({"ids": torch.zeros(3, 2), "mask": torch.zeros(3)}, 3),
        ({"nodes": torch.zeros(7, 2), "edges": torch.zeros(2, 9)}, 0),
        ({"number": torch.zeros(())}, 0),
        ("a graph", 0),
    ],
)
def test_rows_without_any_label_are_told_by_inputs_of_one_length(inputs: Any, rows: int) -> None:
    task = Regression("size")
    coverage = LabelCoverage({"size": task})
    coverage.add(Batch.of(inputs, {"size": torch.full((3,), torch.nan)}, [task]))
    assert (coverage.rows, coverage.labelled) == ({"size": rows}, {"size": 0})


def test_inputs_of_their_own_may_be_any_objects() -> None:
    tasks = {name: Regression(name) for name in ("a", "b")}
    inputs = PerTask({"a": ["three", "graphs", "here"], "b": ["another"]})
    coverage = LabelCoverage(tasks)
    coverage.add(Batch.of(inputs, {"a": torch.ones(3), "b": torch.ones(1)}, tasks.values()))
    assert coverage.rows == coverage.labelled == {"a": 3, "b": 1}


def test_tasks_with_inputs_of_their_own_have_rows_of_their_own() -> None:
    tasks = {name: Regression(name) for name in ("a", "b", "c")}
    inputs = PerTask({"a": torch.zeros(3, 1), "b": torch.zeros(2, 1)})
    targets = {"a": torch.tensor([1.0, torch.nan, 2.0]), "b": torch.tensor([torch.nan] * 2)}
    coverage = LabelCoverage(tasks)
    coverage.add(Batch.of(inputs, targets, tasks.values()))
    assert coverage.rows == {"a": 3, "b": 2, "c": 0}
    assert coverage.labelled == {"a": 2, "b": 0, "c": 0}


def test_tables_are_counted_at_once_and_nothing_else_is() -> None:
    tasks = {name: Regression(name) for name in ("a", "b")}
    labels = {"a": torch.tensor([1.0, torch.nan, 2.0]), "b": torch.ones(3)}
    found = of_table(InMemory(torch.zeros(3, 1), labels), tasks)
    assert found is not None
    assert (found.rows, found.labelled) == ({"a": 3, "b": 3}, {"a": 2, "b": 3})
    inputs = {"a": torch.zeros(3, 1), "b": torch.zeros(2, 1)}
    found = of_table(Disjoint(inputs, {**labels, "b": torch.ones(2)}), tasks)
    assert found is not None
    assert (found.rows, found.labelled) == ({"a": 3, "b": 2}, {"a": 2, "b": 2})

    class Changed(InMemory):
        """May have other labels than its tables."""

    assert of_table(Changed(torch.zeros(3, 1), labels), tasks) is None
    assert of_table([(torch.zeros(1), {"a": 1.0})], tasks) is None


# --- in the log and on the terminal ---------------------------------------------------------------


def small() -> MultiTaskModel:
    tasks = [Regression("size", mean=0.0, scale=1.0), Binary("bought")]
    return MultiTaskModel(Hard(nn.Linear(2, 3)), tasks, example=torch.zeros(2, 2))


def table(rows: int = 20, labelled: int = 15) -> InMemory:
    torch.manual_seed(0)
    bought = (torch.arange(rows) % 2).float()
    bought[labelled:] = torch.nan
    return InMemory(torch.randn(rows, 2), {"size": torch.randn(rows), "bought": bought})


def one_by_one(data: InMemory) -> DataLoader[Any]:
    """A loader that is not plait's: its rows are counted in the first epoch."""
    return DataLoader(data, batch_size=4, collate_fn=collate)


def coverages(run: Path) -> list[dict[str, Any]]:
    return [each for each in events(run) if each["event"] == "labels"]


@pytest.mark.parametrize("ahead", [True, False])
def test_the_log_has_each_split_once(tmp_path: Path, ahead: bool) -> None:
    data = table()
    train = loader(data, batch_size=4, shuffle=True) if ahead else one_by_one(data)
    trainer = Trainer(small(), epochs=2, device="cpu", run=tmp_path, progress=False)
    trainer.fit(train, one_by_one(table(12, 4)))
    first, second = coverages(tmp_path)
    expected = {
        "split": "train",
        "rows": {"size": 20, "bought": 20},
        "labelled": {"size": 20, "bought": 15},
        "classes": {"bought": {"no": 8, "yes": 7}},
    }
    train_event, val_event = (first, second) if ahead else (second, first)
    assert train_event == {"event": "labels", **expected}
    assert (val_event["split"], val_event["labelled"]) == ("val", {"size": 12, "bought": 4})
    kinds = [each["event"] for each in events(tmp_path)]
    assert kinds.index("step") > 0
    assert (kinds.index("step") > [i for i, k in enumerate(kinds) if k == "labels"][-1]) == ahead
    (few,) = [each["text"] for each in events(tmp_path) if "rows have" in each.get("text", "")]
    assert few.startswith("fewer than 10 validation rows have a label of task bought (4)")


def test_counting_goes_on_where_the_first_epoch_was_broken_off(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"

    def trainer(run: Path, *callbacks: Any) -> Trainer:
        return Trainer(
            small(),
            epochs=2,
            device="cpu",
            run=run,
            checkpoint_every=1,
            callbacks=callbacks,
            progress=False,
        )

    trainer(whole).fit(one_by_one(table()))
    with pytest.raises(Stopped):
        trainer(broken, StopAt("on_step_end", 3)).fit(one_by_one(table()))
    trainer(broken).fit(one_by_one(table()), resume=True)
    assert coverages(broken) == coverages(whole)
    assert len(coverages(broken)) == 1


def printed(train: Any, val: Any = None, label: str = "") -> list[str]:
    out = StringIO()
    bar = ProgressBar(label, console=Console(file=out, width=200))
    Trainer(small(), epochs=2, device="cpu", callbacks=[bar]).fit(train, val)
    return out.getvalue().splitlines()


def test_the_terminal_says_once_what_is_partly_labelled() -> None:
    line = "labels: bought 75 % of 20 training rows"
    ahead = printed(loader(table(), batch_size=4, shuffle=True))
    assert ahead[0] == line
    later = printed(one_by_one(table()))
    assert later[0] == line
    for lines in (ahead, later):
        assert sum("labels:" in each for each in lines) == 1


def test_the_terminal_says_nothing_of_complete_labels_nor_for_one_of_several_trainings() -> None:
    complete = printed(loader(table(20, 20), batch_size=4, shuffle=True))
    assert not any("label" in each for each in complete)
    one = printed(loader(table(20, 5), batch_size=4, shuffle=True), label="joint")
    assert not any("labels:" in each or "rows have" in each for each in one)


def test_the_terminal_says_where_labels_are_few() -> None:
    lines = printed(loader(table(20, 6), batch_size=4, shuffle=True), one_by_one(table(12, 4)))
    assert "fewer than 10 training rows have a label of task bought (6)" in lines[1]
    assert "fewer than 10 validation rows have a label of task bought (4)" in lines[2]
