import torch

from plait.regularization.algebra.laplacian import adjacency, laplacian


def test_the_form_is_the_weighted_sum_over_pairs() -> None:
    weights = adjacency({"a - b": 0.5, "c - a": 2.0}, ["a", "b", "c"])
    rows = torch.randn(3, 4, dtype=torch.float64)
    found = (rows.T @ laplacian(weights) @ rows).trace()
    expected = 0.5 * (rows[0] - rows[1]).square().sum() + 2 * (rows[0] - rows[2]).square().sum()
    torch.testing.assert_close(found, expected)


def test_a_chain_of_one_task_has_no_edge() -> None:
    assert adjacency("chain", ["a"]).tolist() == [[0.0]]
    assert adjacency("chain", ["a", "b", "c"]).tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
