"""Blocks of like heads train as the heads one by one, and at a cost that does not grow with T."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from plait.balancing import DWA, IMTLL, Balancer, Equal, GradDrop, UncertaintyWeights, UPGrad
from plait.core.batch import Batch
from plait.core.errors import NonFiniteError
from plait.core.lazy_values import Slices
from plait.core.structure import PerTask
from plait.model import MultiTaskModel
from plait.model.blocks import Block
from plait.runs import folder
from plait.sharing import Hard
from plait.tasks import Binary, Classification, MultiLabel, Regression
from plait.tasks.base import BaseTask
from plait.training import Callback, Trainer
from plait.training.step import StepRecord

pytestmark = pytest.mark.usefixtures("double")

B, STEPS = 6, 8


class Apart(torch.optim.AdamW):
    """An optimizer that nobody knows to act element by element: its heads are never joined."""


def tasks_of(kinds: str) -> list[BaseTask]:
    """Returns eight tasks of each kind, with units and weights of their own, among one apart."""
    made: list[BaseTask] = [Classification("apart", classes=3)]
    for position in range(8):
        if "n" in kinds:
            made.append(Regression(f"n{position}", hidden=[3], weight=1.0 + (position == 2)))
        if "y" in kinds:
            made.append(Binary(f"y{position}", class_weights=[1.0, position + 0.5]))
        if "l" in kinds:
            made.append(MultiLabel(f"l{position}", labels=2, hidden=[3]))
        if "c" in kinds:
            made.append(Classification(f"c{position}", classes=3, ignore_index=-1))
    return made


def labels_of(task: BaseTask, missing: float) -> Tensor:
    if isinstance(task, Classification):
        labels = torch.randint(3, (B,))
        return labels.masked_fill(torch.rand(B) < missing, task.ignore_index)
    shape = (B, 2) if isinstance(task, MultiLabel) else (B,)
    labels = torch.randn(shape) if isinstance(task, Regression) else torch.randint(2, shape)
    return labels.double().masked_fill(torch.rand(shape) < missing, math.nan)


class Seen(Callback):
    """Keeps the records of the steps, and how often a block has predicted in training."""

    def __init__(self) -> None:
        self.records: list[StepRecord] = []

    def on_step_end(self, trainer: Any, record: StepRecord) -> None:
        self.records.append(record)


def trained(
    optimizer: Any,
    balancer: Balancer,
    kinds: str,
    *,
    batches: list[Any] | None = None,
    run: Path | None = None,
    val: bool = False,
    **options: Any,
) -> tuple[MultiTaskModel, list[StepRecord], Trainer]:
    torch.manual_seed(0)
    tasks = tasks_of(kinds)
    trunk = nn.Sequential(nn.Linear(4, 5), nn.Tanh())
    model = MultiTaskModel(Hard(trunk), tasks, example=torch.zeros(2, 4))
    if batches is None:
        batches = []
        for step in range(STEPS):
            missing = [0.0, 0.3, 0.3, 1.0]
            labels = {t.name: labels_of(t, missing[(step + i) % 4]) for i, t in enumerate(tasks)}
            batches.append((torch.randn(B, 4), labels))
    seen = Seen()
    given: dict[str, Any] = {"epochs": 2, "lr": 0.05, "weight_decay": 0.1, "first_steps": 0}
    given |= options
    trainer = Trainer(
        model,
        balancer,
        optimizer=optimizer,
        device="cpu",
        progress=False,
        callbacks=[seen],
        run=run,
        log_every=4,
        **given,
    )
    trainer.fit(batches, batches if val else None)
    return model, seen.records, trainer


@pytest.fixture
def blocks_run(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Lists the passes of blocks: whether with a graph."""
    passes: list[bool] = []
    plain = Block.predict

    def predict(self: Block, *given: Any) -> Slices:
        passes.append(torch.is_grad_enabled())
        return plain(self, *given)

    monkeypatch.setattr(Block, "predict", predict)
    return passes


CASES: dict[str, tuple[type[Balancer], str, dict[str, Any], bool]] = {
    "equal": (Equal, "nc", {}, True),
    "the first steps are looked at": (Equal, "n", {"first_steps": 5}, True),
    "by label, clipped": (Equal, "ny", {"reduction": "label", "clip": 0.1}, True),
    "micro-batches": (Equal, "ny", {"accumulate": 2}, True),
    "learned weights": (UncertaintyWeights, "ny", {}, True),
    "learned scales": (IMTLL, "n", {"reduction": "label"}, True),
    "weights of past losses": (DWA, "lc", {}, True),
    "past losses of micro-batches": (DWA, "n", {"accumulate": 2}, False),
    "measured": (Equal, "n", {"measure_every": 3}, True),
    "always measured": (UncertaintyWeights, "n", {"measure_every": 1}, False),
    "heads of unit weight": (DWA, "n", {"head_weights": "unit"}, False),
    "a Gramian": (UPGrad, "n", {}, False),
    "rows": (GradDrop, "n", {}, False),
}


@pytest.mark.parametrize("case", CASES)
def test_a_block_trains_as_the_heads_apart(case: str, blocks_run: list[bool]) -> None:
    """Parameters, losses, weights, norms and the records agree to 1e-10."""
    method, kinds, options, joint = CASES[case]
    one, records, _ = trained(torch.optim.AdamW, method(), kinds, val=True, **options)
    assert any(blocks_run) == joint
    assert not all(blocks_run)  # in evaluation
    blocks_run.clear()
    other, wanted, _ = trained(Apart, method(), kinds, val=True, **options)
    assert not blocks_run
    close: dict[str, float] = {"rel": 1e-10, "abs": 1e-10}
    for (name, value), expected in zip(
        one.state_dict().items(), other.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(value, expected, rtol=1e-10, atol=1e-10, msg=name)
    for found, expected in zip(records, wanted, strict=True):
        assert list(found.losses) == list(expected.losses)
        assert found.losses == pytest.approx(expected.losses, **close)
        assert found.counts == expected.counts
        assert found.gradient_norm == pytest.approx(expected.gradient_norm, **close)
        balance, right = found.balance, expected.balance
        assert balance is not None and right is not None
        assert balance.tasks == right.tasks
        for name in ("losses", "weights", "norms", "cosines"):
            if getattr(right, name) is None:
                assert getattr(balance, name) is None
            else:
                assert getattr(balance, name) == pytest.approx(getattr(right, name), **close)


def same(found: Any, wanted: Any, where: str = "") -> None:
    """Compares what two logs say, but for the time."""
    assert type(found) is type(wanted), where
    if isinstance(wanted, dict):
        assert list(found) == list(wanted), where
        for name, each in wanted.items():
            if "time" not in name and "second" not in name:
                same(found[name], each, f"{where}/{name}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), where
        for position, each in enumerate(wanted):
            same(found[position], each, f"{where}/{position}")
    elif not isinstance(wanted, float):
        assert found == wanted, where
    else:
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True), where


def test_the_log_is_that_of_the_heads_apart(tmp_path: Path) -> None:
    logs = []
    for name, optimizer in (("one", torch.optim.AdamW), ("other", Apart)):
        trained(optimizer, Equal(), "n", run=tmp_path / name, val=True)
        lines = (tmp_path / name / folder.EVENTS).read_text().splitlines()
        logs.append([json.loads(line) for line in lines])
    assert len(logs[0]) > 2 * STEPS
    same(*logs)


def test_sources_with_different_tasks_are_one_block() -> None:
    """Two parts of a batch: the loss of a task in both is that of their union."""
    torch.manual_seed(1)
    tasks = tasks_of("ny")
    parts = []
    for share in (tasks, tasks[:7]):
        labels = {task.name: labels_of(task, 0.2) for task in share}
        parts.append(Batch.of(torch.randn(B, 4), labels, share).parts[0])
    batches = [Batch(tuple(parts)), Batch(tuple(parts[:1])), Batch((parts[1], parts[0]))]
    one, records, _ = trained(torch.optim.AdamW, Equal(), "ny", batches=batches)
    other, wanted, _ = trained(Apart, Equal(), "ny", batches=batches)
    for found, expected in zip(records, wanted, strict=True):
        assert list(found.losses) == list(expected.losses)
        assert found.losses == pytest.approx(expected.losses, rel=1e-10)
    for value, expected in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-10, atol=1e-10)


def test_inputs_of_their_own_run_apart(blocks_run: list[bool]) -> None:
    torch.manual_seed(1)
    tasks = tasks_of("n")
    batches = [
        (
            PerTask({task.name: torch.randn(B, 4) for task in tasks}),
            {task.name: labels_of(task, 0.0) for task in tasks},
        )
    ]
    trained(torch.optim.AdamW, Equal(), "n", batches=batches)
    assert not blocks_run


@pytest.mark.filterwarnings("ignore:the first loss of task 'n3'")
def test_a_gradient_that_is_not_finite_names_its_task() -> None:
    """The gradient of joined heads is one tensor, and its rows tell the tasks."""
    torch.manual_seed(0)
    model = MultiTaskModel(Hard(nn.Linear(4, 5)), tasks_of("n"), example=torch.zeros(2, 4))
    labels = {task.name: labels_of(task, 0.0) for task in model.tasks.values()}
    trainer = Trainer(model, Equal(), epochs=1, lr=0.01, progress=False, first_steps=0)
    with torch.no_grad():
        layers = model.heads["task:n3"].head.layers
        layers[0].weight.copy_(torch.tensor([[1e307], [-1e307], [0.0]]).expand(3, 5))
        layers[2].weight.fill_(1e-299)  # predictions of some 1e8
    with pytest.raises(NonFiniteError, match=r"'n3'") as told:
        trainer.fit([(torch.randn(B, 4), labels)])
    assert "'n2'" not in str(told.value)


class Operations(TorchDispatchMode):
    """Counts the operations of torch by name."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count[str(func)] += 1
        return func(*args, **(kwargs or {}))


def operations(
    tasks: int, balancer: Balancer, missing: float, monkeypatch: pytest.MonkeyPatch
) -> Counter[str]:
    """Returns the operations of the fourth step of a training."""
    torch.manual_seed(0)
    made = [Regression(f"t{position}") for position in range(tasks)]
    model = MultiTaskModel(Hard(nn.Linear(4, 5)), made, example=torch.zeros(2, 4))
    labels = {task.name: labels_of(task, missing) for task in made}
    trainer = Trainer(model, balancer, epochs=5, lr=0.01, progress=False, first_steps=0)
    plain, found = trainer._step, Counter[str]()

    def step(batches: Any) -> Any:
        if trainer.state.step != 3:
            return plain(batches)
        with Operations() as counted:
            record = plain(batches)
        found.update(counted.count)
        return record

    monkeypatch.setattr(trainer, "_step", step)
    trainer.fit([(torch.randn(B, 4), labels)])
    return found


@pytest.mark.parametrize("method", [Equal, UncertaintyWeights])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_a_step_has_as_many_operations_whatever_the_number_of_tasks(
    method: type[Balancer], missing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = (operations(tasks, method(), missing, monkeypatch) for tasks in (20, 40))
    assert few == many
    assert sum(few.values()) > 50
