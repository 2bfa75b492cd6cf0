import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError, ShapeError
from plait.encoders import as_staged
from plait.networks import channel_dim_of, encode, stages_of
from tests.encoders.nets import (
    NAMED_PARTS,
    Named,
    Padded,
    assert_unchanged,
    conv,
    images,
    mean,
    padded,
    snapshot,
)


def test_names_may_be_dotted_and_functions_may_stand_between() -> None:
    module = Named().eval()
    staged = as_staged(module, NAMED_PARTS, example=images())
    assert stages_of(staged) == [module.stem, module.blocks["b"], mean, module.top]
    x = images()
    assert torch.equal(staged(x), module(x))
    assert staged.module is module
    assert {id(p) for p in staged.parameters()} == {id(p) for p in module.parameters()}


def test_cuts_group_the_children_of_a_sequence() -> None:
    net = conv().eval()
    staged = as_staged(net, cuts=[2, 5], channel_dim=-1)
    assert channel_dim_of(staged) == -1
    groups = stages_of(staged)
    assert [list(group) for group in groups] == [list(net[:2]), list(net[2:5]), list(net[5:])]
    x = images()
    assert torch.equal(staged(x), net(x))
    assert len(stages_of(as_staged(net, cuts=[]))) == 1


@pytest.mark.parametrize("cuts", [[0], [6], [3, 2], [2, 2], [-1], [7]])
def test_cuts_rise_within_the_sequence(cuts: list[int]) -> None:
    with pytest.raises(ConfigError, match=r"`cuts` must rise within 1\.\.5; found \["):
        as_staged(conv(), cuts=cuts)


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        (Named(), {}, "takes `parts` or `cuts`, one of the two"),
        (conv(), {"parts": ["0"], "cuts": [1]}, "takes `parts` or `cuts`, one of the two"),
        (Named(), {"cuts": [1]}, "children of an nn.Sequential; found Named"),
        (Named(), {"parts": ["stm", "top"]}, "Named has no part 'stm'. Did you mean 'stem'?"),
        (Named(), {"parts": ["stem", "blocks.c"]}, "no part 'blocks.c'. Did you mean 'blocks.b'"),
        (Named(), {"parts": ["stem", nn.Linear(4, 5)]}, "the part Linear has parameters that are"),
    ],
)
def test_wrong_parts_are_refused(module: nn.Module, options, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        as_staged(module, **options)


def test_modules_without_parameters_and_modules_of_the_module_are_parts() -> None:
    module = Named().eval()
    parts = [module.stem, "blocks.b", nn.AdaptiveAvgPool2d(1), nn.Flatten(), module.top]
    x = images()
    torch.testing.assert_close(as_staged(module, parts)(x), module(x))


@pytest.mark.parametrize(
    "parts",
    [
        ["stem", mean, "top"],
        ["stem", "blocks.b", "blocks.b", mean, "top"],
        ["stem", "blocks.b", mean],
        ["stem", "blocks.b", mean, "top", torch.relu],
    ],
)
def test_stages_that_do_not_compose_to_the_module_are_refused(parts) -> None:
    module = Named()
    module.blocks["b"].running_mean.normal_()
    with pytest.raises(ShapeError, match="do not compose to Named: on the example"):
        as_staged(module, parts, example=images())


def test_a_wrong_order_is_detected() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    assert as_staged(net, ["0", "1"], example=torch.randn(2, 4)).parts == ["0", "1"]
    with pytest.raises(ShapeError, match="do not compose"):
        as_staged(net, ["1", "0"], example=torch.randn(2, 4))


def test_a_module_that_gives_no_tensor_cannot_be_verified() -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> object:
            return object()

    with pytest.raises(ShapeError, match="do not compose to Wrapped"):
        as_staged(Wrapped(), ["inner"], example=torch.randn(2, 4))


def test_by_products_are_allowed() -> None:
    """An LSTM gives its state as well."""
    lstm = nn.LSTM(4, 3, batch_first=True)
    staged = as_staged(lstm, [lambda x: lstm(x)[0]], channel_dim=-1, example=torch.randn(2, 5, 4))
    assert staged(torch.randn(2, 5, 4)).shape == (2, 5, 3)


def test_verifying_a_masked_module_gives_the_mask_to_both() -> None:
    net = nn.Sequential(nn.Linear(4, 4), Padded())
    assert len(stages_of(as_staged(net, ["0", "1"], example=padded()))) == 2
    with pytest.raises(ShapeError, match="do not compose"):
        as_staged(net, ["0"], example=padded())


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (conv, {"cuts": [3]}),
        (conv, {"parts": ["0", "1", "2", "3", "4", "5"]}),
        (Named, {"parts": NAMED_PARTS}),
    ],
)
def test_staging_and_verifying_change_nothing(make, options) -> None:
    module, example = make(), images()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_()
    before, inputs = snapshot(module), example.clone()
    staged = as_staged(module, example=example, **options)
    assert_unchanged(before, snapshot(module))
    assert torch.equal(example, inputs)
    assert staged.training
    encode(staged.eval(), example)


def test_verifying_draws_nothing_from_the_global_generator() -> None:
    def draws(x: Tensor) -> Tensor:
        return x + 0 * torch.rand_like(x)

    net = nn.Sequential(nn.Linear(4, 4))
    state = torch.get_rng_state()
    as_staged(net, ["0", draws], example=torch.zeros(2, 4))
    assert torch.equal(torch.get_rng_state(), state)


def test_verifying_changes_no_input_although_the_first_layer_writes_into_it() -> None:
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 4))
    example = torch.randn(2, 4)
    inputs = example.clone()
    as_staged(net, ["0", "1"], example=example)
    assert torch.equal(example, inputs)
