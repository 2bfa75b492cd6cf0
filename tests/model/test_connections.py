"""A model's connections, sorted: by where they act, and the tasks by who reads whom."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from plait.connections import (
    AITM,
    Cascade,
    Connection,
    Hint,
    Lateral,
    PADNet,
    ParameterTransfer,
    ProductChain,
    Sluice,
    Wiring,
)
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.features import FeatureShape
from plait.model import connections
from plait.model.connections import Connections
from plait.sharing import Hard, Separate
from tests.connections.flows import labels, mlp, new, rows

ABC = ("a", "b", "c")


def sorted_(*connections: Connection) -> Connections:
    """Sets up connections of three tasks that have features `[B, 4]`."""
    made = Connections(connections, ABC)
    wiring = Wiring(ABC, {task: FeatureShape(((4,),)) for task in ABC})
    for each in [*made.forward, *made.penalties]:
        each.setup(wiring)
    made.sort()
    return made


def entering(**options: Any) -> Cascade:
    return Cascade(feed="logits", into="input", **options)


def test_each_is_in_the_list_of_its_base() -> None:
    parts = [Lateral(), Cascade(), Hint(), Sluice(), ParameterTransfer(), entering(), AITM()]
    made = Connections(parts, ABC)
    assert list(made.all) == parts
    assert list(made.stage) == [parts[0], parts[3]]
    assert list(made.forward) == [parts[1], parts[5], parts[6]]
    assert list(made.entering) == [parts[5]]
    assert list(made.penalties) == [parts[2], parts[4]]


def test_one_of_no_base_is_refused() -> None:
    class Odd(Connection):
        pass

    with pytest.raises(UnsupportedError, match=r"Odd does not say where it acts. Derive it from"):
        Connections([Odd()], ABC)


def test_sources_come_before_what_reads_them() -> None:
    made = sorted_(AITM(edges=[["c", "a"]]), ProductChain(edges=[["b", "c"]]))
    assert made.order == ("b", "c", "a")
    assert made.tasks == ABC
    with pytest.raises(ConfigError, match="the edges form a cycle"):
        sorted_(AITM(edges=[["c", "a"]]), ProductChain(edges=[["a", "c"]]))
    assert sorted_(PADNet()).order == ABC  # all at once: no one waits


def test_needed_are_all_ancestors_in_the_order_of_the_graph() -> None:
    made = sorted_(AITM(edges=[["c", "a"]]), ProductChain(edges=[["b", "c"]]))
    assert made.needed(["a"]) == ["b", "c", "a"]
    assert made.needed(["c"]) == ["b", "c"]
    assert made.needed([]) == []


def test_read_are_also_those_that_are_exchanged_with() -> None:
    made = sorted_(PADNet(edges=[["c", "b"], ["b", "c"]]), AITM(edges=[["a", "b"]]))
    assert made.needed(["b"]) == ["a", "b"]
    assert made.read(["b"]) == ["a", "c", "b"]  # in the order of the graph
    assert made.read(["a"]) == ["a"]


def test_compared_are_the_other_ends_of_edges_in_training() -> None:
    hint = Hint(edges=[["a", "c"], ["b", "c"]], alpha=[1.0, 0.0])
    made = sorted_(hint)
    assert made.compared(["a"]) == made.compared(["c"]) == ["a", "c"]
    assert made.compared(["b"]) == ["b"]  # that edge is off
    hint.eval()
    assert made.comparing() == []
    assert made.compared(["a"]) == ["a"]


def test_networks_run_on_the_inputs_of_their_readers() -> None:
    chain, hint, transfer = AITM(edges=[["a", "b"]]), Hint(edges=[["a", "c"]]), ParameterTransfer()
    made = Connections([chain, hint, transfer], ABC)
    wiring = Wiring(ABC, {task: FeatureShape(((4,),)) for task in ABC})
    chain.setup(wiring)
    hint.setup(wiring)
    assert made.read_inputs(chain) == [("a", "b")]
    assert made.read_inputs(hint) == [("a", "c"), ("c", "a")]
    assert made.read_inputs(transfer) == []


def test_labels_tell_twins_apart() -> None:
    parts = [Hint(), Lateral(), Cascade(), Hint()]
    made = Connections(parts, ABC)
    assert [made.label(each) for each in parts] == ["Hint[0]", "Lateral[1]", "Cascade", "Hint[3]"]


@pytest.mark.parametrize("inside", [Lateral, entering])
def test_what_acts_inside_the_networks_needs_separate_ones(inside: Any) -> None:
    made = Connections([inside()], ABC)
    made.check(Separate(mlp()))
    with pytest.raises(UnsupportedError, match="connects the stages of one network per task; Hard"):
        made.check(Hard(mlp()))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([Lateral(), entering()], "Cascade makes a task wait .* Lateral mixes the stages of both"),
        ([PADNet(), entering()], "Cascade makes a task wait .* PADNet reads the features of all"),
        ([AITM(), PADNet()], "PADNet reads the features of all tasks at once, before"),
    ],
)
def test_what_cannot_go_together_is_refused(parts: list[Connection], message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        Connections(parts, ABC).check(Separate(mlp()))


def test_a_copied_model_sorts_its_own_connections() -> None:
    model = new(labels("a", "b"), Cascade(), Hint())
    twin = copy.deepcopy(model)
    assert list(twin.flow.connections.all) == list(twin.connections)
    assert not set(twin.connections) & set(model.connections)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert all(each.abs().sum() > 0 for each in twin(rows()).values())


def test_a_head_that_is_put_in_another_place_is_run() -> None:
    model = new(labels("a", "b"))
    model.heads["task:a"] = model.heads["task:b"]
    found = model(rows())
    torch.testing.assert_close(found["a"].shape, found["b"].shape)
    with torch.no_grad():
        for parameter in model.heads["task:a"].parameters():
            parameter.zero_()
    assert not any(each.any() for each in model(rows()).values())


def test_only_this_file_asks_where_a_connection_acts() -> None:
    folder = Path(connections.__file__).parent
    asked = re.compile(r"isinstance\([^)]*(Stage|Forward|Penalty)Connection")
    found = [path.name for path in folder.glob("*.py") if asked.search(path.read_text("utf-8"))]
    assert found == ["connections.py"]
