import numpy as np
import torch

from plait.regularization.algebra.correlation import correlation_of, table


def test_correlations_are_those_of_numpy() -> None:
    rows = torch.randn(4, 50, dtype=torch.float64)
    covariance = torch.from_numpy(np.cov(rows.numpy()))
    expected = torch.from_numpy(np.corrcoef(rows.numpy()))
    torch.testing.assert_close(correlation_of(covariance), expected)
    torch.testing.assert_close(correlation_of(torch.stack([covariance] * 2))[1], expected)


def test_without_variance_there_is_no_correlation() -> None:
    assert correlation_of(torch.tensor([[0.0, 0.0], [0.0, 2.0]])).tolist() == [[1, 0], [0, 1]]


def test_a_table_names_rows_and_columns() -> None:
    found = table(torch.tensor([[1.0, 0.5], [0.25, 1.0]]), ["a", "b"]).plain()
    assert found == {"a": {"a": 1.0, "b": 0.5}, "b": {"a": 0.25, "b": 1.0}}
