"""TIES: trim small changes, elect a sign, and merge those that agree."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.merging.changes import Changes, State, changes_of, moved


def ties(
    start: State, states: Mapping[str, State], *, strength: float = 1.0, share: float = 0.2
) -> dict[str, Tensor]:
    """Merges networks where the tasks agree: trim, elect a sign, mean of those that have it (TIES).

        trim:   D_t keeps its largest entries by size, `share` of all of the network; others are 0
        elect:  s_p = sign(sum_t D_tp), the sign of the larger total mass at coordinate p
        merge:  D_p = mean of the D_tp with sign s_p;    theta = theta_0 + strength * D

    where ``D_t = theta_t - theta_0``. A coordinate that no task has kept, or at which both signs
    have the same mass, stays at the start.

    Args:
        start: theta_0, the state from which all were trained, `{entry: tensor}`.
        states: `{task: theta_t}`, T at least 1, with the entries, shapes and dtypes of `start`.
        strength: lambda; 0 gives the start. The authors choose it on validation data, from 0.8 to
            3.0 or so; 1, the default, is what they use without.
        share: of a network's coordinates that are kept, above 0, at most 1; 0.2 as in the paper.
            Changes as large as the smallest of these are kept as well.

    Returns:
        A new state with the dtypes and on the devices of `start`; sums are formed in float64.
        Entries that are no floating numbers are those of the first task; see `average`.

    Raises:
        ConfigError: no state, a strength that is not finite, or a share outside of its range.
        UnsupportedError: "not mergeable": an entry is missing or of another shape or dtype.
        NonFiniteError: a network has become NaN or infinite.

    Example: at the last coordinate 3 has more mass than -2, and -2 is left out.
        >>> import torch
        >>> start = {"w": torch.zeros(3)}
        >>> a, b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 0.0, -2.0])
        >>> ties(start, {"a": {"w": a}, "b": {"w": b}}, share=1.0)["w"]
        tensor([1., 2., 3.])

    Differs: a coordinate at which both signs have the same mass is given the sign that most others
        have in the authors' code; here it stays at the start.

    Cost: O(T P) time for P weights, and T changes in float64 in memory. No training, no data.

    Reference: Yadav, Tam, Choshen, Raffel, Bansal, "TIES-Merging: Resolving Interference When
        Merging Models", NeurIPS 2023.
    """
    if not 0 < share <= 1:
        raise ConfigError(f"`share` must be above 0 and at most 1; found {share!r}.")
    changes = changes_of(start, states)
    least = _smallest_kept(changes, len(states), share)
    merged = {}
    for name, each in changes.items():
        smallest = least.to(each.device).view(-1, *[1] * (each.dim() - 1))
        kept = each.where(each.abs() >= smallest, 0.0)
        agree = (kept.sign() == kept.sum(dim=0).sign()) & (kept != 0)
        merged[name] = (kept * agree).sum(dim=0) / agree.sum(dim=0).clamp(min=1)
    return moved(start, states, merged, strength)


def _smallest_kept(changes: Changes, tasks: int, share: float) -> Tensor:
    """Returns the size of the smallest change that each task keeps, `[T]`."""
    found = []
    for task in range(tasks):
        sizes = [each[task].abs().flatten().cpu() for each in changes.values()]
        flat = torch.cat(sizes) if sizes else torch.zeros(1, dtype=torch.float64)
        kept = max(round(share * len(flat)), 1)
        found.append(flat.kthvalue(len(flat) - kept + 1).values)
    return torch.stack(found)
