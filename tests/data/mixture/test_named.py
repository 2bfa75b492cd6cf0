"""Parts with the name of their source."""

import torch

from plait.core.batch import Batch
from plait.data.mixture.named import named_parts
from plait.tasks import Regression


def test_a_part_keeps_all_but_its_inputs() -> None:
    weights = {"y": torch.tensor([1.0, 0.5])}
    targets = {"y": torch.ones(2, 1), "z": torch.ones(2, 1)}
    batch = Batch.of(torch.zeros(2, 3), targets, [Regression("y")], weights=weights)
    for keyed in (False, True):
        (part,) = named_parts("web", batch, keyed=keyed)
        (before,) = batch.parts
        assert part.source == "web"
        assert (part.targets, part.counts, part.weights) == (
            before.targets,
            before.counts,
            before.weights,
        )
        assert part.foreign == ("z",)
        assert (part.inputs["web"] if keyed else part.inputs) is before.inputs
