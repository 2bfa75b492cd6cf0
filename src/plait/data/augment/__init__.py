"""Random views of the examples, with the labels that hold for them."""

from plait.data.augment.augmented import Augmented
from plait.data.augment.images import Augment

__all__ = ["Augment", "Augmented"]
