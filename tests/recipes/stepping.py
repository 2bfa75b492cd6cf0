"""A few optimizer steps of a recipe's own model on one batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from plait.data import collate
from plait.model import MultiTaskModel
from plait.recipes import Recipe
from plait.recipes.pets import PetPhotos
from plait.sharing import Hard
from plait.training import Trainer


def learns_from(recipe: Recipe, examples: Sequence[Any]) -> Mapping[str, Tensor]:
    """Takes three steps: every parameter has to move, and the loss to fall. Returns predictions."""
    batch: Any = collate(examples)
    model = MultiTaskModel(Hard(recipe.encoder()), recipe.tasks(), example=batch[0])
    before = {name: value.clone() for name, value in model.named_parameters()}

    def total() -> float:
        with torch.no_grad():
            losses = model.losses([model(batch[0])], model.batch(*batch))
        assert losses.keys() == model.tasks.keys()
        return float(sum(losses.values()))

    first = total()
    Trainer(model, lr=1e-3, epochs=3, device="cpu").fit([batch])
    assert total() < first
    still = [n for n, value in model.named_parameters() if torch.equal(value, before[n])]
    assert not still
    return model.eval()(batch[0])


def two_photos(recipe: PetPhotos) -> list[Any]:
    """A photo with a head box and one without, so that every head learns."""
    boxed = [
        (split, index)
        for split, photos in recipe.photos.items()
        for index, pet in enumerate(photos.pets)
        if pet.head is not None
    ]
    (split, index), splits = boxed[0], recipe.splits()
    return [splits[split][index], splits["train"][1]]
