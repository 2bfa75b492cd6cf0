import copy

import pytest
import torch
from torch import nn

from plait import MultiTaskModel
from plait.connections import CrossStitch
from plait.core import Masked
from plait.core.errors import ConfigError, ShapeError
from plait.encoders import ConvEncoder, as_staged
from plait.networks import channel_dim_of, encode, grid_of, reads_codes, stages_of, unmasked
from plait.sharing import (
    MTAN,
    PLE,
    Conditioned,
    Hard,
    LearningToBranch,
    MMoE,
    Separate,
)
from plait.tasks import Regression
from tests.encoders.nets import (
    NAMED_PARTS,
    FromDict,
    Named,
    Padded,
    ReadsValues,
    Recurrent,
    Tied,
    Tokens,
    conv,
    images,
    padded,
)

STAGED = {
    "conv": (conv, images, 6),
    "conv in groups": (lambda: as_staged(conv(), cuts=[2, 4]), images, 3),
    "named": (lambda: as_staged(Named(), NAMED_PARTS), images, 4),
    "own stages": (lambda: ConvEncoder(widths=(4, 6), norm=True), images, 2),
    "tokens": (Tokens, lambda: torch.randint(11, (2, 7)), 2),
    "recurrent": (Recurrent, lambda: torch.randn(2, 7, 5), 1),
    "from a dict": (
        FromDict,
        lambda: {"image": images(), "table": torch.randn(3, 2)},
        1,
    ),
    "tied": (Tied, lambda: torch.randn(2, 4), 2),
}


# --- the stages are the encoder -------------------------------------------------------------


@pytest.mark.parametrize("name", STAGED)
def test_the_composed_stages_are_the_module(name: str) -> None:
    make, inputs, number = STAGED[name]
    encoder, example = make().eval(), inputs()
    stages = stages_of(encoder)
    assert len(stages) == number
    hidden, levels = example, []
    for stage in stages:
        hidden = stage(hidden)
        levels.append(hidden.clone())
    assert torch.equal(hidden, encoder(example))
    features = encode(encoder, example)
    assert len(features.levels) == number
    assert torch.equal(features.levels[-1], hidden)
    assert [level.shape for level in features.levels] == [level.shape for level in levels]
    assert features.channel_dim == (-1 if name in ("tokens", "recurrent") else 1)


def test_every_level_is_what_its_stage_gives() -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    x = torch.randn(5, 4)
    levels = encode(net, x).levels
    for k in range(3):
        assert torch.equal(levels[k], net[: k + 1](x))


def test_a_module_without_stages_is_one_stage() -> None:
    linear = nn.Linear(2, 3)
    assert stages_of(linear) == [linear]


@pytest.mark.parametrize("stages", [3, "stem", [], nn.ModuleList(), [nn.ReLU(), 4]])
def test_stages_that_are_no_modules_are_refused(stages: object) -> None:
    module = nn.Linear(2, 2)
    module.stages = stages
    with pytest.raises(ConfigError, match=r"stages of Linear must be modules.*`as_staged`"):
        stages_of(module)


def test_an_empty_sequence_is_refused() -> None:
    with pytest.raises(ConfigError, match="stages of Sequential must be modules, at least one"):
        encode(nn.Sequential(), torch.zeros(1, 2))


def test_the_channel_axis_is_one_of_two() -> None:
    assert channel_dim_of(nn.Linear(2, 2)) == 1
    assert channel_dim_of(Tokens()) == -1
    module = nn.Linear(2, 2)
    module.channel_dim = 2
    with pytest.raises(ConfigError, match=r"`channel_dim` of Linear must be 1 or -1 .*; found 2"):
        channel_dim_of(module)
    with pytest.raises(ConfigError, match="must be 1 or -1"):
        as_staged(conv(), cuts=[2], channel_dim=0)


def test_the_grid_is_that_of_an_image() -> None:
    assert encode(conv().eval(), images()).grid == (9, 13)
    assert encode(nn.Linear(4, 2), torch.zeros(2, 4)).grid is None
    assert encode(Tied(), torch.zeros(2, 4)).mask is None


@pytest.mark.parametrize("bad", [nn.LSTM(4, 4), nn.Sequential(nn.Linear(4, 4), nn.GRU(4, 4))])
def test_a_stage_that_gives_no_tensor_is_refused(bad: nn.Module) -> None:
    position = 1 if isinstance(bad, nn.Sequential) else 0
    with pytest.raises(ShapeError, match=f"stage {position} of .* must return one tensor; found t"):
        encode(bad, torch.zeros(2, 3, 4))


# --- masks ----------------------------------------------------------------------------------


def masked_pairs() -> list[nn.Module]:
    """The same function with its masked layer alone, in a sequence, and in a group of one."""
    linear = nn.Linear(4, 4)
    return [
        nn.Sequential(linear, Padded()),
        as_staged(nn.Sequential(linear, Padded(), nn.Identity()), cuts=[2]),
        nn.Sequential(nn.Sequential(linear, nn.Sequential(Padded()))),
    ]


def test_a_masked_stage_is_given_the_mask_wherever_it_is() -> None:
    inputs = padded()
    net = masked_pairs()[0]
    expected = Padded()(net[0](inputs.values), inputs.mask)
    assert not torch.allclose(expected, Padded()(net[0](inputs.values)))
    torch.manual_seed(1)
    for encoder in masked_pairs():
        linear = next(part for part in encoder.modules() if isinstance(part, nn.Linear))
        linear.load_state_dict(net[0].state_dict())
        features = encode(encoder, inputs)
        assert torch.equal(features.levels[-1], expected)
        assert features.mask is inputs.mask
        unpadded = encode(encoder, inputs.values)
        assert torch.equal(unpadded.levels[-1], Padded()(linear(inputs.values)))


def test_padding_changes_nothing_in_a_masked_encoder() -> None:
    encoder = masked_pairs()[0]
    values, mask = padded()
    junk = torch.where(mask[..., None], values, 99.0)
    one, other = (encode(encoder, Masked(each, mask)).levels[-1] for each in (values, junk))
    assert torch.equal(one[mask], other[mask])


# --- copies of a staged view ----------------------------------------------------------------


@pytest.mark.parametrize("name", STAGED)
def test_a_deep_copy_is_the_same_encoder_with_weights_of_its_own(name: str) -> None:
    make, inputs, number = STAGED[name]
    encoder, example = make().eval(), inputs()
    clone = copy.deepcopy(encoder)
    out = encoder(example)
    assert torch.equal(clone(example), out)
    assert len(stages_of(clone)) == number
    assert len(list(clone.parameters())) == len(list(encoder.parameters()))
    with torch.no_grad():
        for parameter in clone.parameters():
            parameter.add_(1.0)
    assert torch.equal(encoder(example), out)
    assert not torch.allclose(clone(example), out)
    # the stages of the copy are those of the copy
    levels = encode(clone, example).levels
    assert torch.equal(levels[-1], clone(example))


@pytest.mark.parametrize("options", [{"parts": ["stages.0", "stages.1"]}, {}])
def test_a_deep_copy_keeps_tied_weights(options) -> None:
    encoder = as_staged(Tied(), **options) if options else Tied()
    first, second = stages_of(copy.deepcopy(encoder))
    assert first.weight is second.weight
    assert first.weight is not stages_of(encoder)[0].weight
    assert len(list(copy.deepcopy(encoder).parameters())) == 3


def test_a_copy_of_groups_has_the_weights_in_its_state_once() -> None:
    staged = as_staged(conv(), cuts=[2, 4])
    assert len(staged.state_dict()) == len(conv().state_dict())
    again = as_staged(conv(), cuts=[2, 4])
    again.load_state_dict(staged.state_dict())
    x = images()
    assert torch.equal(again.eval()(x), staged.eval()(x))


def test_a_module_that_reads_values_is_staged_as_any_other() -> None:
    assert len(stages_of(ReadsValues())) == 1


def test_an_encoder_of_codes_says_so_also_within_another() -> None:
    encoder = nn.Linear(2, 2)
    assert not reads_codes(encoder)
    encoder.reads_codes = True
    assert reads_codes(nn.Sequential(encoder, nn.ReLU()))


# --- several inputs -------------------------------------------------------------------------


class Several(nn.Module):
    """Reads a picture and a sentence; its features have the positions of one of them."""

    def __init__(self, kept: str | None) -> None:
        super().__init__()
        self.kept = kept

    def positions(self, inputs: dict[str, object]) -> object:
        return None if self.kept is None else inputs[self.kept]


def test_an_encoder_of_several_inputs_says_whose_positions_it_keeps() -> None:
    sentence = Masked(torch.zeros(2, 5, 3), torch.ones(2, 5, dtype=torch.bool))
    inputs = {"picture": torch.zeros(2, 3, 8, 6), "sentence": sentence}
    assert unmasked(inputs, Several("sentence")) == (inputs, sentence.mask)
    assert unmasked(inputs, Several("picture")) == (inputs, None)
    assert unmasked(inputs, Several(None)) == (inputs, None)
    assert unmasked(sentence, nn.ReLU()) == tuple(sentence)
    grids = [grid_of(inputs, Several(kept)) for kept in ("picture", "sentence", None)]
    assert grids == [(8, 6), None, None]


# --- fewer positions ------------------------------------------------------------------------


class Pairs(nn.Module):
    """Means of two neighbours, half as many positions as it reads."""

    channel_dim = -1

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 4)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.linear(values.unflatten(1, (-1, 2)).mean(dim=2))

    def reduce_mask(self, mask: torch.Tensor) -> torch.Tensor:
        return mask.unflatten(1, (-1, 2)).all(dim=2)


def test_an_encoder_that_makes_fewer_positions_reduces_their_mask() -> None:
    mask = torch.arange(6) < torch.tensor([[6], [3]])
    values = torch.randn(2, 6, 3)
    assert encode(Pairs(), Masked(values, mask)).mask.tolist() == [[True] * 3, [True, False, False]]
    assert encode(Pairs(), values).mask is None


@pytest.mark.parametrize(
    "sharing",
    [
        Hard(Pairs()),
        Separate(Pairs(), copies="clone"),
        MMoE(Pairs, experts=2),
        PLE(Pairs),
        MTAN(Pairs()),
        Conditioned(Pairs()),
        LearningToBranch(Pairs, branches=2),
    ],
    ids=lambda sharing: type(sharing).__name__,
)
def test_heads_pool_over_the_positions_that_are_left(sharing) -> None:
    """Nothing that stands in the padding reaches a prediction."""
    mask = torch.arange(6) < torch.tensor([[6], [3]])
    values = torch.randn(2, 6, 3)
    tasks = [Regression("a"), Regression("b")]
    model = MultiTaskModel(sharing, tasks, example=Masked(values, mask)).eval()
    one = model(Masked(values, mask))
    two = model(Masked(values.masked_fill(torch.arange(6)[:, None] > 3, 7.0), mask))
    for task in ("a", "b"):
        assert torch.equal(one[task][1], two[task][1])


def test_connected_networks_reduce_their_masks() -> None:
    mask = torch.arange(6) < torch.tensor([[6], [3]])
    example = Masked(torch.randn(2, 6, 3), mask)
    tasks = [Regression("a"), Regression("b")]
    sharing = Separate(Pairs(), copies="clone")
    model = MultiTaskModel(sharing, tasks, connections=[CrossStitch()], example=example)
    assert model(example)["a"].shape == (2, 1)
