"""The mean of several networks."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from plait.merging.changes import State, changes_of, moved


def average(
    start: State, states: Mapping[str, State], *, strength: float = 1.0
) -> dict[str, Tensor]:
    """Merges networks into their mean.

        theta = theta_0 + strength * (1/T) sum_t D_t,    D_t = theta_t - theta_0

    which is the mean of all theta_t for a strength of 1.

    Args:
        start: theta_0, the state from which all were trained, `{entry: tensor}`.
        states: `{task: theta_t}`, T at least 1, with the entries, shapes and dtypes of `start`.
        strength: of the change; 0 gives the start, 1 (the default) the mean.

    Returns:
        A new state with the dtypes and on the devices of `start`; sums are formed in float64.
        Entries that are no floating numbers, such as counts of batches, are those of the first
        task. Running statistics of BatchNorm are no statistics of the merged network: estimate
        them anew.

    Raises:
        ConfigError: no state, or a strength that is not finite.
        UnsupportedError: "not mergeable": an entry is missing or of another shape or dtype.
        NonFiniteError: a network has become NaN or infinite.

    Example:
        >>> import torch
        >>> start = {"w": torch.tensor([1.0, 1.0])}
        >>> trained = {"a": {"w": torch.tensor([3.0, 1.0])}, "b": {"w": torch.tensor([1.0, 0.0])}}
        >>> average(start, trained)["w"]
        tensor([2.0000, 0.5000])

    Cost: O(T P) time for P weights, and T changes in float64 in memory. No training, no data.

    Reference: Wortsman, Ilharco, Gadre, Roelofs, Gontijo-Lopes, Morcos, Namkoong, Farhadi, Carmon,
        Kornblith, Schmidt, "Model soups: averaging weights of multiple fine-tuned models improves
        accuracy without increasing inference time", ICML 2022 (the uniform soup).
    """
    changes = changes_of(start, states)
    return moved(
        start, states, {name: each.mean(dim=0) for name, each in changes.items()}, strength
    )
