"""Task arithmetic: the sum of what each task has changed."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from plait.merging.changes import State, changes_of, moved


def task_arithmetic(
    start: State, states: Mapping[str, State], *, strength: float = 0.4
) -> dict[str, Tensor]:
    """Merges networks by adding up what each task has changed, the "task vectors".

        theta = theta_0 + strength * sum_t D_t,    D_t = theta_t - theta_0

    Args:
        start: theta_0, the state from which all were trained, `{entry: tensor}`.
        states: `{task: theta_t}`, T at least 1, with the entries, shapes and dtypes of `start`.
        strength: lambda; 0 gives the start, 1/T the mean. The authors choose it on validation data,
            from 0 to 1; 0.4, the default, is what they suggest without (as reported in the paper
            of TIES).

    Returns:
        A new state with the dtypes and on the devices of `start`; sums are formed in float64.
        Entries that are no floating numbers are those of the first task; see `average`.

    Raises:
        ConfigError: no state, or a strength that is not finite.
        UnsupportedError: "not mergeable": an entry is missing or of another shape or dtype.
        NonFiniteError: a network has become NaN or infinite.

    Example:
        >>> import torch
        >>> start = {"w": torch.tensor([1.0, 1.0])}
        >>> trained = {"a": {"w": torch.tensor([3.0, 1.0])}, "b": {"w": torch.tensor([1.0, 0.0])}}
        >>> task_arithmetic(start, trained, strength=0.5)["w"]
        tensor([2.0000, 0.5000])

    Cost: O(T P) time for P weights, and T changes in float64 in memory. No training, no data.

    Reference: Ilharco, Ribeiro, Wortsman, Gururangan, Schmidt, Hajishirzi, Farhadi, "Editing Models
        with Task Arithmetic", ICLR 2023.
    """
    changes = changes_of(start, states)
    return moved(start, states, {name: each.sum(dim=0) for name, each in changes.items()}, strength)
