"""Parts with the name of their source."""

import pytest
import torch

from plait.core.batch import Batch
from plait.core.errors import ShapeError
from plait.data.mixture.named import named_parts, of_source
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


def test_an_error_has_the_name_of_its_source_and_its_own_kind() -> None:
    with pytest.raises(ShapeError, match=r"^source 'web': too wide\.$"), of_source("web"):
        raise ShapeError("too wide.")
    with pytest.raises(ZeroDivisionError), of_source("web"):
        _ = 1 / 0
