"""Tables of gates."""

import math

import pytest
import torch

from plait.sharing.experts.gate_tables import GateTitle, watch_gates


def test_titles() -> None:
    assert GateTitle("MMoE").of("gates") == "MMoE: gates"
    assert GateTitle("PLE", 1, "shared").of("gate entropy") == "PLE: shared gate entropy, level 2"


def test_means_and_entropies() -> None:
    even, sure = torch.full((3, 4), 0.25), torch.eye(4)[:3]
    names = ["one", "two", "three", "four"]
    found = watch_gates(GateTitle("M", 0), {"a": even, "b": sure}, {"a": names, "b": names})
    table = found["M: gates, level 1"]
    assert table.shares
    assert table.columns == tuple(names)
    torch.testing.assert_close(table.rows["a"], torch.full((4,), 0.25))
    torch.testing.assert_close(table.rows["b"], torch.tensor([1.0, 1.0, 1.0, 0.0]) / 3)
    entropy = found["M: gate entropy, level 1"]
    assert entropy.columns == ()
    torch.testing.assert_close(entropy.rows["a"], torch.tensor(1.0))
    torch.testing.assert_close(entropy.rows["b"], torch.tensor(0.0))


def test_gates_over_different_experts_share_a_table() -> None:
    a, b = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.2, 0.3, 0.5]])
    names = {"a": ["own 1", "shared 1"], "b": ["own 1", "own 2", "shared 1"]}
    found = watch_gates(GateTitle("CGC"), {"a": a, "b": b}, names)
    assert found["CGC: gates"].plain() == {
        "a": {"own 1": 0.5, "own 2": 0.0, "shared 1": 0.5},
        "b": pytest.approx({"own 1": 0.2, "own 2": 0.3, "shared 1": 0.5}),
    }
    expected = -sum(p * math.log(p) for p in (0.2, 0.3, 0.5)) / math.log(3)
    assert found["CGC: gate entropy"].plain() == pytest.approx({"a": 1.0, "b": expected})


def test_weights_without_examples_are_their_own_mean() -> None:
    found = watch_gates(
        GateTitle("M"), {"a": torch.tensor([0.25, 0.75])}, {"a": ["x", "y"]}, shares=False
    )
    assert found["M: gates"].plain() == {"a": {"x": 0.25, "y": 0.75}}
    assert not found["M: gates"].shares


def test_one_expert_has_nothing_to_show() -> None:
    assert watch_gates(GateTitle("M"), {"a": torch.ones(3, 1)}, {"a": ["x"]}) == {}


def test_what_is_logged_has_no_graph() -> None:
    weights = torch.rand(3, 2, requires_grad=True).softmax(dim=1)
    for table in watch_gates(GateTitle("M"), {"a": weights}, {"a": ["x", "y"]}).values():
        assert not any(row.requires_grad for row in table.rows.values())
