"""Squared distances between the tasks that a graph joins."""

from typing import Any

import pytest
import torch

from plait.core.errors import ConfigError
from plait.regularization import GraphLaplacian, PairwiseL2
from tests.regularization.nets import gradient, networks, on_rows, rows_of, tied

ROWS = torch.tensor([[1.0, 0.0], [3.0, 0.0], [3.0, 4.0]], dtype=torch.float64)


def on(graph: Any, rows: torch.Tensor = ROWS) -> GraphLaplacian:
    return on_rows(GraphLaplacian(strength=1.0, graph=graph), rows)


def test_a_chain_by_hand() -> None:
    regularizer = on("chain")
    assert regularizer.cost().item() == pytest.approx(4 + 16)
    expected = [[-4.0, 0.0], [4.0, -8.0], [0.0, 8.0]]
    torch.testing.assert_close(gradient(regularizer), torch.tensor(expected, dtype=torch.float64))


def test_pairs_and_a_matrix_are_the_same_graph() -> None:
    matrix = [[0.0, 0.0, 2.0], [0.0, 0.0, 0.5], [2.0, 0.5, 0.0]]
    pairs = {"t2 - t0": 2.0, "t1 - t2": 0.5}
    assert on(pairs).cost().item() == pytest.approx(2 * (4 + 16) + 0.5 * 16)
    assert on(matrix).cost().item() == pytest.approx(on(pairs).cost().item())


def test_without_edges_it_does_nothing() -> None:
    regularizer = on({})
    assert regularizer.cost().item() == 0.0
    regularizer.prox(1e12)
    torch.testing.assert_close(rows_of(regularizer), ROWS)


def test_all_pairs_with_weight_1_are_pairwise_l2() -> None:
    ones = [[1.0] * 4] * 4  # the diagonal does not matter
    nets = networks("abcd")
    one, two = (
        tied(GraphLaplacian(strength=1.0, graph=ones), nets),
        tied(PairwiseL2(strength=1), nets),
    )
    torch.testing.assert_close(one.cost(), two.cost())
    twins = networks("abcd")
    for task, net in twins.items():
        net.load_state_dict(nets[task].state_dict())
    other = tied(PairwiseL2(strength=1.0), twins)
    one.prox(0.3)
    other.prox(0.3)
    for task, net in twins.items():
        torch.testing.assert_close(
            dict(net.named_parameters()), dict(nets[task].named_parameters())
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_very_strong_it_takes_the_mean_of_each_connected_part(dtype: torch.dtype) -> None:
    rows = torch.tensor([[1.0], [2.0], [5.0], [7.0]], dtype=dtype)
    regularizer = on({"t0 - t1": 1.0, "t2 - t3": 0.1}, rows)
    regularizer.prox(1e12)
    assert rows_of(regularizer).flatten().tolist() == pytest.approx([1.5, 1.5, 6.0, 6.0], rel=1e-6)


def test_the_proximal_step_solves_the_linear_system() -> None:
    regularizer = on("chain")
    laplacian = torch.tensor([[1.0, -1, 0], [-1, 2, -1], [0, -1, 1]], dtype=torch.float64)
    regularizer.prox(0.7)
    expected = torch.linalg.solve(torch.eye(3).double() + 1.4 * laplacian, ROWS)
    torch.testing.assert_close(rows_of(regularizer), expected)


def test_the_graph_keeps_its_precision_when_the_dtype_changes() -> None:
    nets = networks("abc", torch.float32)
    regularizer = tied(GraphLaplacian(strength=1.0, graph="chain"), nets)
    for net in nets.values():
        net.double()
    regularizer.double()
    stems = [net.stem.weight.detach().clone() for net in nets.values()]
    regularizer.prox(1e12)
    mean = torch.stack(stems).mean(dim=0)
    torch.testing.assert_close(nets["b"].stem.weight.detach(), mean, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        ("ring", "`graph` must be 'chain', a matrix or pairs of tasks; found 'ring'"),
        ([[0.0, 1.0], [1.0, 0.0]], r"one row and one column for each of the 3 tasks .*\[2, 2\]"),
        ([1.0, 2.0, 3.0], "must be a string, a list of lists or a dict of numbers"),
        ([[0, 1, 0], [0, 0, 0], [0, 0, 0]], "must be symmetric.*found 1.0 for 't0', 't1' and 0.0"),
        ([[0, -1, 0], [-1, 0, 0], [0, 0, 0]], "at least 0 and finite.*found -1.0"),
        ([[0, "x", 0], ["x", 0, 0], [0, 0, 0]], "a list of lists .*found .*'x'"),
        ({"t0 - t1": -0.5}, "at least 0 and finite.*found -0.5"),
        ({"t0 - t1": float("nan")}, "at least 0 and finite.*found nan"),
        ([[0, float("nan"), 0]] * 3, "at least 0 and finite.*found nan"),
        ({"t0 - t9": 1.0}, "unknown pair of tasks in `graph` 't0 - t9'; known: t0 - t1"),
        ({"t0 - t1": 1.0, "t1 - t0": 1.0}, "has 't1 - t0' and 't0 - t1', which are one pair"),
        ({"t0 - t1": True}, "a dict of numbers; found .*True"),
    ],
)
def test_what_is_no_graph_of_the_tasks_is_refused(graph: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        on(graph)
