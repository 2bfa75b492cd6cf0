"""Quadratic couplings of the tasks, ``tr(W^T K W)``, by the eigenvectors of K."""

from __future__ import annotations

from torch import Tensor


def quadratic(rows: Tensor, values: Tensor, vectors: Tensor) -> Tensor:
    """Returns ``tr(W^T K W) = sum_i k_i |u_i^T W|^2``, never below 0. O(T^2 P).

    Args:
        rows: W, `[T, P]`, the tasks' vectors.
        values: the eigenvalues k of K, `[T]`, at least 0, in any precision.
        vectors: its eigenvectors u as columns, `[T, T]`.
    """
    turned = vectors.to(rows).T @ rows
    return (values.to(rows) * turned.square().sum(dim=1)).sum()


def quadratic_prox(rows: Tensor, values: Tensor, vectors: Tensor, step: float) -> Tensor:
    """Returns the minimiser of ``|X - W|^2 / 2 + step tr(X^T K X)``, ``(I + 2 step K)^-1 W``.

    Through the eigenvectors it is as accurate for any step, where a solver loses the directions
    that K leaves alone to rounding. O(T^2 P).

    Args:
        rows: W, `[T, P]`.
        values: the eigenvalues k of K, `[T]`, at least 0.
        vectors: its eigenvectors as columns, `[T, T]`.
        step: at least 0.
    """
    resolvent = (vectors / (1 + 2 * step * values)) @ vectors.T
    return resolvent.to(rows) @ rows
