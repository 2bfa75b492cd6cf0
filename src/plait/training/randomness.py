"""The state of all global random generators, as values that load without pickle."""

from __future__ import annotations

import numpy as np
import torch

from plait.core.random_state import State, random_state, restore
from plait.core.random_stream import seed_host
from plait.core.seeding import derive_seed
from plait.distributed import ranks


def seed_all(*parts: int | str) -> None:
    """Seeds Python, NumPy and torch, devices included, with a fixed function of `parts`."""
    seed = derive_seed(*parts)
    seed_host(seed)
    torch.manual_seed(seed)  # the devices as well


def to_plain(state: State) -> State:
    """Returns the state with NumPy's array as a tensor, which loads with ``weights_only=True``."""
    numpy = dict(state["numpy"])
    inner = dict(numpy["state"])
    inner["key"] = torch.from_numpy(inner["key"].astype(np.int64))
    return {**state, "numpy": {**numpy, "state": inner}}


def from_plain(state: State) -> State:
    """Returns the state of which `to_plain` made a plain one."""
    numpy = dict(state["numpy"])
    inner = dict(numpy["state"])
    inner["key"] = inner["key"].numpy().astype(np.uint32)
    return {**state, "numpy": {**numpy, "state": inner}}


class Generators:
    """Saves and restores the global generators, as a part of a checkpoint.

    Args:
        device: whose generator belongs to them.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def state_dict(self) -> State:
        """Returns the state of all of them, loadable with ``weights_only=True``.

        Of several processes it has the states of the others as well, by rank; they ask together.
        """
        own, *others = ranks().gather(to_plain(random_state(self._device)))
        return {**own, "others": others} if others else own

    def load_state_dict(self, saved: State) -> None:
        """Takes the state over from a `state_dict`.

        A process that the saved training did not have goes on from that of rank 0 and its own rank.
        """
        here, own = ranks(), dict(saved)
        others = own.pop("others", [])
        known = [own, *others]
        restore(from_plain(known[here.rank if here.rank < len(known) else 0]), self._device)
        if here.rank >= len(known):
            seed_all(int(torch.randint(2**31, ())), "rank", here.rank)
