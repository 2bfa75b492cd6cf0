"""Metrics on resamples, against a slow loop that evaluates the rows of each draw anew."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchmetrics.regression import PearsonCorrCoef, R2Score

from plait.core import Batch
from plait.core.errors import DataError
from plait.data import DataSets, Disjoint, EachOnce, InMemory, Source, loader
from plait.evaluation import evaluate
from plait.evaluation.resampled import Resampler
from plait.evaluation.task_meters import TaskMeters
from plait.evaluation.units import Units, units_of
from plait.model import MultiTaskModel
from plait.runs.resamples import Resamples
from plait.sharing import Hard
from plait.tasks import Binary, Classification, MultiLabel, Regression, Segmentation, Tagging

ROWS, DRAWS = 23, 7


class Pearson(PearsonCorrCoef):
    higher_is_better = True


def tasks() -> list[Any]:
    return [
        Classification("breed", classes=3),
        Regression("age", metrics={"r2": R2Score(), "pearson": Pearson()}),
        MultiLabel("tags", labels=2),
        Binary("sick"),
        Segmentation("mask", classes=2, width=4),
    ]


def model(own: list[Any] | None = None) -> MultiTaskModel:
    encoder = nn.Sequential(nn.Conv2d(2, 5, 3, padding=1), nn.ReLU())
    return MultiTaskModel(Hard(encoder), own or tasks(), example=torch.zeros(2, 2, 5, 7))


def labelled(missing: float = 0.4) -> InMemory:
    targets = {
        "breed": torch.randint(3, (ROWS,)),
        "age": torch.randn(ROWS, 1) + 2,
        "tags": torch.randint(2, (ROWS, 2)).float(),
        "sick": torch.randint(2, (ROWS, 1)).float(),
        "mask": torch.randint(2, (ROWS, 5, 7)),
    }
    for target in targets.values():
        lost = torch.rand(target.shape) < missing
        target[lost] = math.nan if target.is_floating_point() else -100
    return InMemory(torch.randn(ROWS, 2, 5, 7), targets)


def resampled(net: MultiTaskModel, data: Any, **options: Any) -> Resamples:
    resampler = Resampler(net.tasks, options.pop("known", units_of(data)), draws=DRAWS)
    batches = loader(data, batch_size=4, shuffle=False, tasks=net.tasks.values())
    evaluate(net, batches, resampler=resampler, **options)
    return resampler.compute()


def drawn(data: Any, place: tuple[str, str] = ("", "")) -> list[list[int]]:
    """The rows of each draw, by a loop."""
    units = Units(units_of(data))
    units.take(place, len(data))
    units.close()
    blocks = units.blocks(place).tolist()
    found = []
    for counts in units.draws(place, DRAWS).tolist():
        rows = [row for row, block in enumerate(blocks) for _ in range(int(counts[block]))]
        found.append(rows)
    return found


def slowly(net: MultiTaskModel, data: InMemory, rows: list[int]) -> dict[str, dict[str, float]]:
    """All metrics of a data set of these rows."""
    net.eval()
    found = {}
    with torch.no_grad():
        predictions = net(data.inputs)
    for name, task in net.tasks.items():
        meters = TaskMeters(task, "cpu")
        meters.update(predictions[name][rows], data.targets[name][rows], None)
        found[name] = meters.compute()
    return found


def assert_agree(found: Resamples, expected: list[dict[str, dict[str, float]]]) -> None:
    for task, metrics in found.metrics.items():
        for metric, values in metrics.items():
            own = [each[task][metric] for each in expected]
            assert values == pytest.approx(own, rel=1e-6, abs=1e-6, nan_ok=True), (task, metric)


def test_each_resample_is_an_evaluation_of_the_rows_drawn() -> None:
    net, data = model(), labelled()
    found = resampled(net, data)
    assert_agree(found, [slowly(net, data, rows) for rows in drawn(data)])
    assert found.of == "rows"
    assert found.units["breed"] == int((data.targets["breed"] != -100).sum())
    assert found.units["tags"] == int((~data.targets["tags"].isnan()).any(1).sum())


def test_a_network_of_one_task_gets_the_draws_of_all() -> None:
    """Its rows without a label of the task, and batches without any, still count as rows."""
    data = labelled(0.0)
    data.targets["breed"][4:12] = -100
    joint, own = model(), model([Classification("breed", classes=3)])
    own.load_state_dict(joint.state_dict(), strict=False)
    alone, together = resampled(own, data), resampled(joint, data)
    assert alone.metrics["breed"] == together.metrics["breed"]
    assert alone.units["breed"] == ROWS - 8


def test_groups_are_drawn_as_a_whole() -> None:
    net, data = model(), labelled()
    data.groups = torch.arange(ROWS) % 5 * 11
    found = resampled(net, data)
    rows = drawn(data)
    assert all(r.count(0) == r.count(5) == r.count(10) for r in rows)
    assert_agree(found, [slowly(net, data, each) for each in rows])
    assert found.of == "groups"
    assert found.units["mask"] == 5


def test_resamples_do_not_depend_on_when_the_sums_read(monkeypatch: pytest.MonkeyPatch) -> None:
    net, data = model(), labelled()
    whole = resampled(net, data)
    monkeypatch.setattr("plait.evaluation.resampled.AT_ONCE", 1)
    assert_same(resampled(net, data), whole)
    assert_same(resampled(net, data, known={}), whole)


def assert_same(one: Resamples, other: Resamples) -> None:
    assert one.units == other.units
    for task, metrics in one.metrics.items():
        for metric, values in metrics.items():
            assert values == pytest.approx(other.metrics[task][metric], abs=1e-12, nan_ok=True)


def test_blocks_of_rows_are_drawn_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.evaluation.units.BLOCKS", 6)
    monkeypatch.setattr("plait.evaluation.resampled.BLOCKS", 6)
    net, data = model(), labelled()
    found = resampled(net, data)
    assert_agree(found, [slowly(net, data, rows) for rows in drawn(data)])
    assert found.units["mask"] == 6


def test_sequences_of_batches_of_different_lengths() -> None:
    """Batches are padded to their own longest sentence; entities are read sentence by sentence."""
    task = Tagging("ner", classes=3, names=["O", "B-X", "I-X"], entities=True)
    lengths = [3, 5, 2, 7]
    predictions = [torch.randn(4, n, 3) for n in lengths]
    labels = [torch.randint(3, (4, n)) for n in lengths]
    for each in labels:
        each[1, 1:] = -100
    resampler = Resampler({"ner": task}, {"": 16}, draws=DRAWS)
    for some, own in zip(predictions, labels, strict=True):
        resampler.add(Batch.of(torch.zeros(4, 1), {"ner": own}, [task]), [{"ner": some}])
    found = resampler.compute().metrics["ner"]
    for place, rows in enumerate(drawn([None] * 16)):
        meters = TaskMeters(task, "cpu")
        for row in rows:
            chosen = (each[row // 4][row % 4].unsqueeze(0) for each in (predictions, labels))
            meters.update(*chosen, None)
        expected = meters.compute()
        own = {metric: values[place] for metric, values in found.items()}
        assert own == pytest.approx(expected, rel=1e-6)


def test_sources_are_drawn_each_for_itself() -> None:
    own = [Regression("age"), Classification("breed", classes=3)]
    net = model(own)
    first, second = labelled(), labelled()
    del first.targets["breed"], second.targets["age"]
    second.groups = torch.arange(ROWS) // 4
    sets = {"one": first, "two": second}
    resampler = Resampler(net.tasks, units_of(DataSets(sets)), draws=DRAWS)
    each = {n: Source(d, batch_size=5, shuffle=False) for n, d in sets.items()}
    evaluate(net, EachOnce(each, tasks=own), resampler=resampler)
    found = resampler.compute()
    assert found.units == {"age": int((~first.targets["age"].isnan()).sum()), "breed": 6}
    with pytest.raises(DataError, match=r"resamples of source 'one' need each of 9 rows once"):
        resampler = Resampler(net.tasks, {"one": 9}, draws=DRAWS)
        evaluate(net, EachOnce(each, tasks=own), resampler=resampler)
        resampler.compute()


def test_tasks_with_rows_of_their_own() -> None:
    own = {name: Regression(name) for name in ("a", "b")}
    inputs = {"a": torch.zeros(6, 2), "b": torch.zeros(9, 2)}
    targets: dict[str, Tensor] = {name: torch.randn(len(x), 1) for name, x in inputs.items()}
    data = Disjoint(inputs, targets)
    net = MultiTaskModel(Hard(nn.Linear(2, 3)), own.values(), example=torch.zeros(2, 2))
    found = resampled(net, data)
    assert found.units == {"a": 6, "b": 9}
    alone = MultiTaskModel(Hard(nn.Linear(2, 3)), [own["b"]], example=torch.zeros(2, 2))
    alone.load_state_dict(net.state_dict(), strict=False)
    assert_same_task(resampled(alone, data.only(["b"])), found, "b")


def assert_same_task(one: Resamples, other: Resamples, task: str) -> None:
    for metric, values in one.metrics[task].items():
        assert values == pytest.approx(other.metrics[task][metric])


def test_a_task_without_a_label_has_no_value() -> None:
    net, data = model(), labelled()
    data.targets["age"][:] = math.nan
    found = resampled(net, data)
    assert all(map(math.isnan, found.metrics["age"]["r2"]))
    assert found.units["age"] == 0


def test_what_is_read_stays_as_it_is() -> None:
    net, data = model(), labelled()
    batches = loader(data, batch_size=4, shuffle=False)
    plain = evaluate(net, batches)
    resampler = Resampler(net.tasks, units_of(data), draws=2)
    assert repr(evaluate(net, batches, resampler=resampler)) == repr(plain)


def test_rows_left_out_are_an_error() -> None:
    task = Regression("age")
    batch = Batch.of(torch.zeros(3, 1), {"age": torch.zeros(3, 1)}, [task])
    resampler = Resampler({"age": task}, {"": 4}, draws=2)
    resampler.add(batch, [{"age": torch.zeros(3, 1)}])
    with pytest.raises(DataError, match="need each of 4 rows once; found 3"):
        resampler.compute()


def test_labels_that_are_not_one_for_each_row_are_refused() -> None:
    """As those of the nodes of graphs, beside labels of whole graphs."""
    node, graph = Regression("node"), Regression("graph")
    labels = {"node": torch.zeros(7, 1), "graph": torch.zeros(3, 1)}
    batch = Batch.of("graphs", labels, [node, graph])
    resampler = Resampler({"node": node, "graph": graph}, {}, draws=2)
    with pytest.raises(DataError, match="task 'graph' has 3 labels for 7 rows of a batch"):
        resampler.add(batch, [labels])
