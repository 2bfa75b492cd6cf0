"""Ways to condition the layers of one trunk on the task: the option `by` of `Conditioned`."""

from plait.sharing.conditioning.adapter import Adapter
from plait.sharing.conditioning.base import Conditioner
from plait.sharing.conditioning.film import Film
from plait.sharing.conditioning.lora import LoRA
from plait.sharing.conditioning.masks import Masks
from plait.sharing.conditioning.norm import Norm

__all__ = ["Adapter", "Conditioner", "Film", "LoRA", "Masks", "Norm"]
