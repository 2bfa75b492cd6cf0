import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError, ShapeError
from plait.encoders import as_staged
from plait.networks import infer_shape, stages_of
from plait.networks.own_forward import telling
from tests.encoders.nets import Tied, Tokens, assert_unchanged, conv, snapshot


class Foreign(nn.Module):
    """Calls its inner blocks `stages`, as image libraries do."""

    def __init__(self, *, norm: bool = True, stem: bool = True) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 3, 3, padding=1, bias=False) if stem else nn.Identity()
        self.stages = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.ReLU())
        self.norm = nn.BatchNorm2d(4) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.stages(self.stem(x)))


class Noisy(Foreign):
    """Has a dropout beside the stages, which evaluation does not show."""

    def __init__(self) -> None:
        super().__init__(norm=False, stem=False)
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.stages(self.drop(x))


class Reads(Foreign):
    """Is called with two inputs."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return super().forward(x) + y


class Shuffled(nn.Sequential):
    """A sequence that runs its children in another order."""

    def forward(self, x: Tensor) -> Tensor:
        return self[0](self[1](x))


IMAGES = torch.zeros(2, 3, 8, 8)  # constant, which must not hide anything


@pytest.mark.parametrize("options", [{}, {"norm": False}, {"stem": False}])
def test_stages_beside_other_parts_are_refused(options: dict[str, bool]) -> None:
    """Also where the part left out is a fresh batch norm, which changes almost nothing."""
    net = Foreign(**options)
    before = snapshot(net)
    with pytest.raises(ConfigError, match=r"`stages` of Foreign.*leave out .*as_staged\(net, \["):
        infer_shape(net, IMAGES)
    assert_unchanged(before, snapshot(net))
    assert infer_shape(as_staged(net, [net]), IMAGES).levels == ((4, 6, 6),)
    named = as_staged(
        net, ["stem", "stages.0", "stages.1", "norm"], example=torch.randn(2, 3, 8, 8)
    )
    assert len(infer_shape(named, IMAGES).levels) == 4


def test_stages_that_are_the_module_are_taken() -> None:
    assert len(infer_shape(Foreign(norm=False, stem=False), IMAGES).levels) == 2
    assert len(infer_shape(Tied(), torch.zeros(2, 4)).levels) == 2
    assert len(infer_shape(Tokens(), torch.zeros(2, 7, dtype=torch.long)).levels) == 2
    assert len(infer_shape(conv(), torch.zeros(2, 3, 9, 13)).levels) == 6


def test_what_acts_in_training_alone_is_seen() -> None:
    with pytest.raises(ConfigError, match=r"`stages` of Noisy.* in training"):
        infer_shape(Noisy(), IMAGES)


def test_a_module_that_cannot_read_the_example_itself_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"`stages` of Reads can be run .* itself cannot"):
        infer_shape(Reads(), IMAGES)


def test_stages_that_cannot_be_run_on_the_example_are_named() -> None:
    """And not the channels, which are right."""
    net = Foreign()
    net.stages = nn.Sequential(nn.Conv2d(5, 4, 3))
    net.stem = nn.Conv2d(3, 5, 3)
    with pytest.raises(
        ConfigError, match=r"`stages` of Foreign cannot be run .* itself can: Given"
    ):
        infer_shape(net, IMAGES)
    with pytest.raises(ShapeError, match="Check the number of input channels"):
        infer_shape(net, torch.zeros(2, 1, 8, 8))


def test_a_sequence_with_a_forward_of_its_own_is_one_stage() -> None:
    net = Shuffled(nn.Linear(4, 4), nn.ReLU())
    assert stages_of(net) == [net]
    group = nn.Sequential(nn.Identity(), net)
    x = torch.randn(3, 4)
    assert torch.equal(as_staged(group, ["0", "1"], example=x)(x), group(x))


def test_two_telling_examples() -> None:
    net = nn.Linear(2, 2)
    one = torch.tensor([[1.0, 2.0]])
    assert telling({"x": one}, net)["x"].tolist() == [[1, 2], [1, 2]]
    drawn = telling(torch.zeros(5, 3), net)
    assert drawn.shape == (2, 3)
    assert len(drawn.unique()) == 6
    assert telling(torch.zeros(0, 3, dtype=torch.long), net).tolist() == [[0, 0, 0]] * 2
