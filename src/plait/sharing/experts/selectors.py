"""Selectors of one expert each, by a binary code that is learned by gradient descent."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from plait.sharing.experts.gates import START, GateReads, Logits

EPS = 1e-6  # keeps log(0) and 1 / 0 finite


class Selectors(nn.Module):
    """k selectors among n experts, and how much each of them counts.

    Expert i has a code of m = ceil(log2 n) bits, the most significant one first.

        S(z) = 0 for z <= -g/2,    1 for z >= g/2,    else -2 (z/g)^3 + 3/2 (z/g) + 1/2
        s_ri = prod_b (S(z_rb) if bit b of i is 1 else 1 - S(z_rb)),    q = sum_r softmax(w)_r s_r

    Once |z| >= g/2 the gradient is exactly 0, and a selector with all its z there is one-hot.

    Args:
        experts: n, at least 2.
        k: number of selectors.
        gamma: g, the width of the smooth step.
        reads: what z and w are linear functions of; parameters of their own if it is nothing.
    """

    decays = False  # would pull z back out of the ends of the step

    def __init__(self, experts: int, k: int, gamma: float, reads: GateReads) -> None:
        super().__init__()
        self.experts = experts
        self.k = k
        self.gamma = gamma
        self.bits = (experts - 1).bit_length()
        self.reads = reads
        self.z = Logits(k * self.bits, reads)
        self.w = Logits(k, reads)
        for logits, bound in ((self.z, gamma / 100), (self.w, START)):
            for parameter in logits.parameters():
                nn.init.uniform_(parameter, -bound, bound)

    def forward(self, read: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns the selectors s `[..., k, n]` and the experts' weights q `[..., n]`.

        Args:
            read: `[B, width]`, or None.
        """
        z, w = self.z(read), self.w(read)
        steps = smooth_step(z.unflatten(-1, (self.k, self.bits)), self.gamma)
        selectors = steps.new_ones(())
        for step in steps.unbind(dim=-1):  # each bit doubles the codes
            ends = torch.stack([1 - step, step], dim=-1)
            selectors = (selectors.unsqueeze(-1) * ends.unsqueeze(-2)).flatten(-2)
        selectors = selectors[..., : self.experts]
        weights = torch.matmul(torch.softmax(w, dim=-1).unsqueeze(-2), selectors).squeeze(-2)
        return selectors, weights


def smooth_step(z: Tensor, gamma: float = 1.0) -> Tensor:
    """Returns S(z): 0, a cubic of slope 3 / (2 gamma) at 0, then 1.

    Example:
        >>> smooth_step(torch.tensor([-1.0, -0.25, 0.0, 0.5])).tolist()
        [0.0, 0.15625, 0.5, 1.0]
    """
    ratio = (z / gamma).clamp(-0.5, 0.5)
    return -2 * ratio**3 + 1.5 * ratio + 0.5


def entropy_of(selectors: Tensor) -> Tensor:
    """Returns - sum_ri s_ri log(s_ri), which is 0 for one-hot selectors, `[...]`."""
    return -(selectors * torch.log(selectors + EPS)).sum(dim=(-2, -1))


def reach_of(selectors: Tensor) -> Tensor:
    """Returns sum_r 1 / sum_i s_ri, which grows as codes without an expert are chosen, `[...]`."""
    return selectors.sum(dim=-1).clamp(min=EPS).reciprocal().sum(dim=-1)
