"""Single-task networks as large, together, as the joint network: by building all of them."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from plait.encoders import MLPEncoder
from plait.experiments import RunConfig, build_job, open_problem, validate
from plait.experiments.baselines import equal_size as baseline
from plait.experiments.baselines.equal_size import EqualSize, _around, equal_size
from plait.experiments.baselines.no_row import NoRow
from plait.experiments.comparison.single import alone
from plait.experiments.overrides import merge
from tests.experiments.baselines.networks import TASKS, settings
from tests.experiments.tiny import Tiny


class WithoutWidth(Tiny):
    """Its encoder has layers of a fixed size."""

    def encoder(self) -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU())


class NoBlock(Tiny):
    """Its encoder has no layer."""

    def encoder(self) -> nn.Module:
        return nn.Sequential(nn.Flatten(), MLPEncoder(in_features=64))


def built(config: RunConfig, folder: Path) -> int:
    """The number of parameters of a network."""
    model = build_job(config, folder, problem=open_problem(config)).trainer.model
    return sum(each.numel() for each in model.parameters())


@pytest.mark.parametrize(
    "given_settings",
    [
        {"encoder": {"class": "ConvEncoder", "in_channels": 1, "widths": [12, 24]}},
        {"encoder": {"class": "ConvEncoder", "in_channels": 1, "widths": [12, 24]}}
        | {"sharing": "Separate"},
        {"encoder": {"class": "ConvEncoder", "in_channels": 1, "widths": [12, 24]}}
        | {"sharing": {"class": "MMoE", "experts": 6}},
        {"encoder": {"class": "ResidualEncoder", "in_channels": 1, "widths": [12, 24]}},
    ],
    ids=["hard", "separate", "experts", "residual"],
)
def test_the_sizes_are_those_of_the_networks(
    given_settings: dict[str, Any], tmp_path: Path
) -> None:
    config = settings(**given_settings)
    found = equal_size(config)
    assert isinstance(found, EqualSize)
    narrow = validate(merge(config.described(), found.settings))
    sizes = [built(alone(narrow, task, TASKS), tmp_path / task) for task in TASKS]
    assert sum(sizes) == found.parameters
    assert found.joint == built(config, tmp_path / "joint")
    assert abs(found.parameters / found.joint - 1) < 0.05


def test_of_one_network_each_the_width_stays() -> None:
    found = equal_size(settings(sharing="Separate"))
    assert isinstance(found, EqualSize)
    assert found.width == found.full_width == 6 and found.parameters == found.joint
    assert "6 units wide in place of 6" in found.sentence and "100% of" in found.sentence


@pytest.mark.parametrize("recipe", ["WithoutWidth", "NoBlock"])
def test_an_encoder_without_a_width_is_said(recipe: str) -> None:
    found = equal_size(settings(recipe=f"tests.experiments.baselines.test_equal_size:{recipe}"))
    assert found == NoRow("the encoder has no width.")


def test_sizes_that_are_too_different_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "NEAR", 0.001)
    config = settings(encoder={"class": "ConvEncoder", "in_channels": 1, "widths": [12, 24]})
    found = equal_size(config)
    assert isinstance(found, NoRow)
    assert re.search(r"joint network: 10\d% with 1\d units\.$", found.reason)


@given(st.integers(1, 60), st.integers(1, 5000), st.sampled_from([1, 2, 4]))
def test_the_nearest_width_is_among_those_that_are_tried(
    full: int, wanted: int, multiple: int
) -> None:
    def size(width: int) -> int | None:
        return 3 * width * width + 5 * width if width % multiple == 0 else None

    tried = _around(wanted, size, full)
    largest = full  # it is doubled, while that is too small, to eight times
    while (size(largest // multiple * multiple) or 0) < wanted and largest < 8 * full:
        largest *= 2
    possible = {w: n for w in range(1, largest + 1) if (n := size(w)) is not None}
    if possible:
        nearest = min(abs(n - wanted) for n in possible.values())
        assert min(abs(n - wanted) for n in tried.values()) <= nearest
    assert all(size(width) == found for width, found in tried.items())
