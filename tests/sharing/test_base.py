"""The base of every sharing: which tasks are wanted, and inputs that differ by task."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import plait.sharing
from plait.core import PerTask
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.features import Features
from plait.core.lookup import names
from plait.core.outputs import TaskFeatures, Term
from plait.core.structure import Pass
from plait.core.watched import Watched
from plait.sharing.base import JointSharing, Sharing

X = torch.ones(2, 3)


class Noted(Sharing):
    """Notes its passes."""

    def __init__(self) -> None:
        super().__init__()
        self.passes: list[tuple[Tensor, list[str]]] = []

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        self.tasks = tuple(tasks)

    def prototype(self) -> nn.Module:
        return nn.Identity()

    def run(self, inputs: Any, tasks: Sequence[str]) -> TaskFeatures:
        self.passes.append((inputs, list(tasks)))
        size = inputs.sum()
        rows = dict.fromkeys(tasks, size)
        features = {task: Features((inputs,)) for task in tasks}
        return TaskFeatures(
            features, terms={"size": Term(size, 2 * size)}, watched={"sizes": Watched(rows)}
        )


class Joint(JointSharing):
    """Counts the passes of one forward."""

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        self.tasks = tuple(tasks)

    def prototype(self) -> nn.Module:
        return nn.Identity()

    def run_all(self, passes: Sequence[Pass]) -> TaskFeatures:
        count = torch.tensor(float(len(passes)))
        found = TaskFeatures({}, terms={"passes": Term(count, count)})
        for inputs, tasks in passes:
            found |= {task: Features((inputs,)) for task in tasks}
        return found


def made(sharing: Any) -> Any:
    sharing.setup(["a", "b", "c"], X)
    return sharing


def test_a_common_input_is_one_pass_of_all_wanted_tasks_in_order() -> None:
    sharing = made(Noted())
    found = sharing(X, ["c", "a"])
    assert list(found) == ["a", "c"]
    assert [tasks for _, tasks in sharing.passes] == [["a", "c"]]


def test_inputs_that_differ_are_a_pass_of_each_task_whose_results_are_joined() -> None:
    sharing = made(Noted())
    found = sharing(PerTask(a=X, b=2 * X, c=3 * X), ["b", "a"])
    assert [tasks for _, tasks in sharing.passes] == [["a"], ["b"]]
    assert list(found) == ["a", "b"]
    torch.testing.assert_close(found["b"].levels[0], 2 * X)
    assert found.terms["size"] == (18.0, 36.0)  # 6 of a and 12 of b
    assert found.watched["sizes"].plain() == {"a": 6.0, "b": 12.0}


def test_no_wanted_task_is_no_pass() -> None:
    sharing = made(Noted())
    assert sharing(X, []) == {}
    assert sharing.passes == []


def test_what_is_missing_or_unknown_is_refused() -> None:
    with pytest.raises(ConfigError, match="Noted has no tasks yet"):
        Noted()(X)
    sharing = made(Noted())
    with pytest.raises(ConfigError, match="unknown task 'd'"):
        sharing(X, ["d"])
    with pytest.raises(ConfigError, match="input of task 'b'"):
        sharing(PerTask(a=X), ["a", "b"])


def test_a_joint_sharing_sees_all_passes_of_a_forward() -> None:
    sharing = made(Joint())
    assert sharing(X).terms["passes"].raw == 1
    assert sharing(PerTask(a=X, b=X, c=X)).terms["passes"].raw == 3
    assert list(sharing.run(X, ["b"])) == ["b"]


def test_only_the_base_asks_whether_inputs_differ_by_task() -> None:
    folder = Path(plait.sharing.__file__).parent
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert "PerTask" not in names, path


@pytest.mark.parametrize("method", names(plait.sharing, Sharing))
def test_a_preference_is_for_a_sharing_that_learns_to_serve_any(method: str) -> None:
    sharing: Sharing = getattr(plait.sharing, method)(nn.Linear(3, 2))
    assert sharing.factors() == {}
    with sharing.preferring(None):
        pass
    if not sharing.serves_preferences:
        with pytest.raises(UnsupportedError, match=rf"sharing\.PaLoRA; found sharing\.{method},"):
            sharing.preferring({"a": 2})
