"""Iso-C: all directions that the tasks have changed together count the same."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from plait.merging.changes import State, changes_of, moved


def iso_c(start: State, states: Mapping[str, State], *, strength: float = 1.0) -> dict[str, Tensor]:
    """Merges networks by their summed change, with the singular values of each layer made equal.

        sum_t D_t = U S V^T,    D = mean(S) U V^T,    theta = theta_0 + strength * D

    for each matrix, where ``D_t = theta_t - theta_0``: a few strong directions, which most tasks
    have in common, no longer drown those of single tasks. Biases and other vectors are averaged,
    ``D = (1/T) sum_t D_t``. The kernels of a convolution, `[out, in, k, ...]`, are the matrix
    `[out, in * k * ...]`, and so is any other entry of two or more dimensions.

    Args:
        start: theta_0, the state from which all were trained, `{entry: tensor}`.
        states: `{task: theta_t}`, T at least 1, with the entries, shapes and dtypes of `start`.
        strength: alpha; 0 gives the start. The authors choose it on validation data; 1 by default,
            which leaves each matrix the sum of its singular values.

    Returns:
        A new state with the dtypes and on the devices of `start`; sums are formed in float64.
        Entries that are no floating numbers are those of the first task; see `average`.

    Raises:
        ConfigError: no state, or a strength that is not finite.
        UnsupportedError: "not mergeable": an entry is missing or of another shape or dtype.
        NonFiniteError: a network has become NaN or infinite.

    Example: the two directions get the mean of 3 and 1.
        >>> import torch
        >>> start = {"w": torch.zeros(2, 2)}
        >>> a, b = torch.diag(torch.tensor([3.0, 0.0])), torch.diag(torch.tensor([0.0, -1.0]))
        >>> iso_c(start, {"a": {"w": a}, "b": {"w": b}})["w"]
        tensor([[ 2.,  0.],
                [ 0., -2.]])

    Differs: the authors average convolutions, of which their networks have one. Directions that no
        task has changed (singular values that are 0 up to rounding) stay unchanged here, and the
        mean is over the others; there they are turned into arbitrary ones.

    Cost: O(T P) for P weights, and a singular value decomposition of each matrix. No training, no
        data.

    Reference: Marczak, Magistri, Cygert, Twardowski, Bagdanov, van de Weijer, "No Task Left Behind:
        Isotropic Model Merging with Common and Task-Specific Subspaces", ICML 2025.
    """
    changes = changes_of(start, states)
    merged = {
        name: _isotropic(each.sum(dim=0), torch.finfo(start[name].dtype).eps)
        if each.dim() > 2
        else each.mean(dim=0)
        for name, each in changes.items()
    }
    return moved(start, states, merged, strength)


def _isotropic(change: Tensor, rounding: float) -> Tensor:
    """Returns the matrix with equal singular values in the directions that have some."""
    matrix = change.flatten(start_dim=1)
    if matrix.numel() == 0 or not bool(matrix.any()):
        return change
    left, sizes, right = torch.linalg.svd(matrix, full_matrices=False)
    there = sizes > sizes[0] * rounding * max(matrix.shape)
    flat: Tensor = sizes[there].mean() * (left[:, there] @ right[there])
    return flat.reshape(change.shape)
