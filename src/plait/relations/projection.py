"""Long gradients in few numbers: their sums along random directions."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.core.seeding import derive_seed


class RandomProjection:
    """Projects vectors of P numbers onto k random directions, without a matrix `[P, k]`.

        f_m = sum_(p: b_p = m) s_p x_p

    Each entry belongs to one direction b_p at random and counts with a random sign s_p, so the
    directions are orthogonal, and inner products are kept on average:
    ``E <f(x), f(y)> = <x, y>``, with a deviation of about ``|x| |y| / sqrt(k)``. Where k is P or
    more, vectors are kept as they are.

    Args:
        size: P.
        directions: k, 1 or more.
        seed: of the directions.
        device: where vectors are.

    Cost: P whole numbers of memory, and one pass over a vector.

    Reference: Charikar, Chen, Farach-Colton, "Finding Frequent Items in Data Streams", ICALP 2002;
        as a projection Weinberger et al., "Feature Hashing for Large Scale Multitask Learning",
        ICML 2009.
    """

    def __init__(
        self, size: int, directions: int, *, seed: int = 0, device: torch.device | None = None
    ) -> None:
        if directions < 1:
            raise ConfigError(f"`directions` must be 1 or more; found {directions}.")
        self.directions = min(size, directions)
        self._place: Tensor | None = None
        if directions < size:
            generator = torch.Generator().manual_seed(derive_seed(seed, "projection"))
            # The sign as a second half of places, so that one table holds both
            place = torch.randint(2 * directions, (size,), generator=generator, dtype=torch.int32)
            self._place = place.to(device)

    def __call__(self, vector: Tensor) -> Tensor:
        """Returns the projection `[k]` of a vector `[P]`, in double precision on the CPU."""
        if self._place is None:
            return vector.detach().double().cpu()
        wide = vector.detach().to(torch.promote_types(vector.dtype, torch.float32))
        sums = wide.new_zeros(2 * self.directions).index_add_(0, self._place, wide)
        signed = sums.double().cpu()
        return signed[: self.directions] - signed[self.directions :]
