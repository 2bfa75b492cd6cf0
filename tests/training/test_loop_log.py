"""The log of a loop of one's own, and the report of it."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import plait
from plait.balancing import Equal, UPGrad
from plait.core.errors import ConfigError, RunExistsError
from plait.evaluation import evaluate
from plait.reports import write_report
from plait.reports.read.run import read_run
from plait.sharing import Hard
from plait.tasks import Regression
from tests.logged_steps import lines_of


def events(folder: Path) -> list[dict[str, Any]]:
    return lines_of(folder)


def loop(folder: Path, balancer: Any, **options: Any) -> list[plait.engine.Record]:
    """Trains five steps and evaluates; returns the records."""
    torch.manual_seed(0)
    x, y = torch.randn(16, 3), torch.randn(16, 2)
    labels = {"a": y[:, :1], "b": y[:, 1:]}
    tasks = [Regression(task, mean=0.0, scale=1.0) for task in "ab"]
    model = plait.MultiTaskModel(Hard(torch.nn.Linear(3, 4)), tasks, example=x)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    records = []
    with plait.Log(folder, optimizer, **options) as log:
        for step in range(5):
            outputs = model(x)
            losses = {task.name: task.loss(outputs[task.name], labels[task.name]) for task in tasks}
            optimizer.zero_grad()
            records.append(plait.backward(losses, balancer, measure=step % 2 == 0))
            optimizer.step()
            log.step(records[-1], epoch=step // 3)
        log.evaluation(evaluate(model, [(x, labels)]))
    return records


@pytest.mark.parametrize("every", [1, 2, 50])
@pytest.mark.parametrize("balancer", [Equal(), UPGrad()])
def test_each_step_has_a_line_with_what_its_record_has(
    balancer: Any, every: int, tmp_path: Path
) -> None:
    records = loop(tmp_path / "run", balancer, every=every)
    *steps, evaluation = events(tmp_path / "run")
    assert [each["step"] for each in steps] == [1, 2, 3, 4, 5]
    assert [each["epoch"] for each in steps] == [0, 0, 0, 1, 1]
    for line, record in zip(steps, records, strict=True):
        assert line["losses"] == dict(zip("ab", record.losses.tolist(), strict=True))
        assert record.weights is not None
        assert line["weights"] == dict(zip("ab", record.weights.tolist(), strict=True))
        assert line["lr"] == 0.1
        assert line["gradient_norm"] > 0
        if record.norms is None:
            assert "norms" not in line
            assert "cosines" not in line
        else:
            assert record.cosines is not None
            assert line["norms"] == dict(zip("ab", record.norms.tolist(), strict=True))
            assert line["cosines"] == [["a", "b", record.cosines[0, 1]]]
    assert (evaluation["event"], evaluation["epoch"], evaluation["step"]) == ("evaluation", 2, 5)
    assert evaluation["score"] == -sum(evaluation["losses"].values())


def test_a_loss_method_is_measured_in_the_steps_that_ask_for_it(tmp_path: Path) -> None:
    records = loop(tmp_path / "run", Equal())
    assert [each.cosines is None for each in records] == [False, True, False, True, False]


def test_the_length_of_the_gradient_is_that_of_all_parameters(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    optimizer = torch.optim.SGD([weight], lr=0.5)
    with plait.Log(tmp_path / "run", optimizer) as log:
        log.step(plait.backward({"a": weight.square().sum() / 2, "b": 0 * weight.sum()}, Equal()))
    (line,) = events(tmp_path / "run")
    assert line["gradient_norm"] == 5.0


def test_a_step_that_was_not_taken_says_why(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    with plait.Log(tmp_path / "run", torch.optim.SGD([weight], lr=0.5)) as log:
        losses = {"a": weight.sum(), "b": weight.sum() * math.nan}
        log.step(plait.backward(losses, UPGrad(), nonfinite="skip"))
    (line,) = events(tmp_path / "run")
    assert "'b'" in line["skipped"]
    assert line["losses"] == {"a": 2.0}


def test_tasks_that_come_one_after_the_other_have_their_columns(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    with plait.Log(tmp_path / "run", torch.optim.SGD([weight], lr=0.5)) as log:
        for task in ("a", "b", "a"):
            log.step(plait.backward({task: weight.sum()}, Equal()))
    assert [line["losses"] for line in events(tmp_path / "run")] == [
        {"a": 2.0},
        {"b": 2.0},
        {"a": 2.0},
    ]
    steps = read_run(tmp_path / "run").steps
    assert steps.names == ["a", "b"]
    assert np.isnan(steps.losses).tolist() == [[False, True], [True, False], [False, True]]


def test_a_report_is_drawn_of_it(tmp_path: Path) -> None:
    loop(tmp_path / "run", UPGrad())
    page = write_report(tmp_path / "run").read_text()
    assert "Task weights" in page
    assert "Learning rate" in page


def test_a_run_is_not_written_over(tmp_path: Path) -> None:
    loop(tmp_path / "run", UPGrad())
    before = (tmp_path / "run" / "events.jsonl").read_bytes()
    with pytest.raises(RunExistsError, match=r"already holds a run; nothing in it was touched"):
        loop(tmp_path / "run", UPGrad())
    assert (tmp_path / "run" / "events.jsonl").read_bytes() == before


def test_an_interval_is_at_least_1(tmp_path: Path) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    with pytest.raises(ConfigError, match="`every` of Log must be at least 1; found 0"):
        plait.Log(tmp_path / "run", optimizer, every=0)


def test_norms_and_cosines_are_those_of_the_gradients() -> None:
    rows = torch.tensor([[1.0, 2.0, 2.0], [0.0, -3.0, 4.0]])
    weight = torch.nn.Parameter(torch.zeros(3))
    record = plait.backward({"a": rows[0] @ weight, "b": rows[1] @ weight}, Equal(), measure=True)
    assert record.norms is not None
    assert record.cosines is not None
    np.testing.assert_allclose(record.norms, [3.0, 5.0], rtol=1e-6)
    assert record.cosines[0, 1] == pytest.approx(2 / 15)
    torch.testing.assert_close(weight.grad, rows.sum(0))
