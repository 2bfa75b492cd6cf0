"""Attention of each task over one trunk."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ConfigError, ShapeError
from plait.core.keys import safe_key
from plait.core.structure import Masked
from plait.encoders import ResidualEncoder
from plait.model import MultiTaskModel
from plait.networks import encode
from plait.sharing import MTAN
from plait.sharing.stages.attention import BatchNorm, Layers
from plait.tasks import Classification, Regression
from tests.sharing.encoders import KINDS, Tokens, conv, mlp

TASKS = ["a", "b.c"]


def new(encoder: nn.Module, example: Any, tasks: list[str] = TASKS, **options: Any) -> MTAN:
    sharing = MTAN(encoder, **options)
    sharing.setup(tasks, example)
    return sharing


def net() -> nn.Sequential:
    """Two stages of two layers each."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)),
        nn.Sequential(nn.Conv2d(4, 5, 3, stride=2, padding=1), nn.Conv2d(5, 6, 3, padding=1)),
    )


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def open_masks(sharing: MTAN) -> None:
    for module in sharing.attention.modules():
        if isinstance(module, nn.Sigmoid):
            module.register_forward_hook(lambda _module, _given, mask: torch.ones_like(mask))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [True, False])
def test_with_open_masks_every_task_reads_the_trunk(kind: str, training: bool) -> None:
    encoder, inputs = KINDS[kind].build(), KINDS[kind].inputs(3)
    twin = copy.deepcopy(encoder)
    sharing = new(encoder, inputs)
    open_masks(sharing)
    twin.train(training)
    sharing.train(training)
    torch.manual_seed(1)
    features = sharing(inputs)
    torch.manual_seed(1)
    expected = encode(twin, inputs).levels
    for task in TASKS:
        assert torch.equal(features[task].levels[-1], expected[-1])
        assert all(any(torch.equal(a, e) for e in expected) for a in features[task].levels)


@pytest.mark.parametrize("kind", KINDS)
def test_masks_are_between_0_and_1(kind: str) -> None:
    sharing = new(KINDS[kind].build(), KINDS[kind].inputs(3))
    masks: list[Tensor] = []
    for module in sharing.attention.modules():
        if isinstance(module, nn.Sigmoid):
            module.register_forward_hook(lambda _module, _given, mask: masks.append(mask))
    found = sharing(KINDS[kind].inputs(3)).watched["MTAN: mean of the masks"]
    assert len(masks) == len(TASKS) * len(found.columns)
    assert all(bool(((mask > 0) & (mask < 1)).all()) for mask in masks)
    means = torch.stack([mask.mean() for mask in masks]).reshape(len(TASKS), -1)
    assert torch.equal(torch.stack([found.rows[task] for task in TASKS]), means)
    assert not any(values.requires_grad for values in found.rows.values())


def test_what_is_computed_step_by_step() -> None:
    """The formula of the class, written out for two stages."""
    trunk, images = net(), torch.randn(3, 2, 6, 8)
    sharing = new(trunk, images).eval()
    features = sharing(images)
    first, last = trunk[0], trunk[1]
    b1 = first[0](images)
    t1 = first[1](b1)
    b2 = last[0](t1)
    t2 = last[1](b2)
    for task, key in (("a", "task:a"), ("b.c", "task:b%2Ec")):
        one, two = (sharing.attention[key].get_submodule(str(s)) for s in (0, 1))
        a1 = one(b1) * t1
        refined = F.max_pool2d(sharing.refining[0](a1), 2)
        a2 = two(torch.cat([b2, refined], dim=1)) * t2
        assert torch.equal(features[task].levels[0], a1)
        assert torch.equal(features[task].levels[1], a2)


@pytest.mark.parametrize(
    ("refine", "reduction", "refined"),
    [
        ("conv", 1, 9 * 4 * 6 + 2 * 6),
        ("basic", 2, 9 * 4 * 6 + 9 * 6 * 6 + 4 * 6 + 6 * 6),
        # a quarter of the channels within, rounded down
        ("bottleneck", 4, 4 * 1 + 9 * 1 + 1 * 6 + 4 * 6 + 2 * (1 + 1 + 6 + 6)),
    ],
)
def test_the_number_of_parameters(refine: str, reduction: int, refined: int) -> None:
    """Convolutions without bias, and two numbers per channel of each norm."""
    images = torch.zeros(2, 2, 6, 8)
    sharing = new(net(), images, refine=refine, reduction=reduction)
    one, two = 4 // reduction, 6 // reduction
    attention = (3 * one + one * 4 + 2 * (one + 4)) + ((5 + 6) * two + two * 6 + 2 * (two + 6))
    assert count(sharing.attention) == len(TASKS) * attention
    assert count(sharing.refining) == refined
    assert count(sharing) == len(TASKS) * attention + refined + count(net())


def test_on_vectors_the_layers_are_linear() -> None:
    sharing = new(mlp(), torch.zeros(2, 5), ["a"])
    attention = (6 * 6 + 6 + 2 * 6) * 2 + ((6 + 4) * 4 + 4 + 2 * 4) + (4 * 4 + 4 + 2 * 4)
    assert count(sharing.attention) == attention
    assert count(sharing.refining) == 6 * 4 + 4 + 2 * 4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("refine", ["conv", "basic", "bottleneck"])
def test_trunk_and_refining_are_shared_and_the_attention_is_not(kind: str, refine: str) -> None:
    sharing = new(KINDS[kind].build(), KINDS[kind].inputs(3), refine=refine)
    reached: dict[str, set[str]] = {name: set() for name, _ in sharing.named_parameters()}
    for task in TASKS:
        loss = sharing(KINDS[kind].inputs(4))[task].levels[-1].square().sum()
        parameters = dict(sharing.named_parameters())
        found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
        for name, gradient in zip(parameters, found, strict=True):
            if gradient is not None:
                reached[name].add(task)
    for name, tasks in reached.items():
        own = [task for task in TASKS if f".{safe_key(task)}." in name]
        assert tasks == set(own if name.startswith("attention") else TASKS), name


@pytest.mark.parametrize("refine", ["conv", "basic", "bottleneck"])
def test_every_parameter_moves(refine: str) -> None:
    sharing = new(ResidualEncoder(widths=(8, 12)), torch.zeros(2, 3, 16, 16), refine=refine)
    features = sharing(torch.randn(4, 3, 16, 16))
    weights = torch.randn(4, 12, 4, 4)
    loss = sum((each.levels[-1] * weights).sum() for each in features.values())
    assert isinstance(loss, Tensor)
    loss.backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in sharing.parameters())


def test_what_a_task_gets_depends_on_its_name_alone() -> None:
    images = torch.zeros(2, 2, 6, 8)
    joint, alone = new(net(), images, ["a", "b"]), new(net(), images, ["b"])
    one, two = joint.attention["task:b"].state_dict(), alone.attention["task:b"].state_dict()
    assert all(torch.equal(one[key], two[key]) for key in one)
    first = joint.attention["task:a"].state_dict()
    assert not all(torch.equal(one[key], first[key]) for key in one)


def test_the_trunk_runs_once_for_a_common_input() -> None:
    trunk = net()
    passes: list[int] = []
    trunk[0][0].register_forward_hook(lambda *_: passes.append(1))
    sharing = new(trunk, torch.zeros(2, 2, 6, 8))
    passes.clear()
    sharing(torch.zeros(2, 2, 6, 8))
    assert len(passes) == 1


def test_the_grid_of_the_images_may_be_another_than_that_of_setup() -> None:
    sharing = new(net(), torch.zeros(2, 2, 6, 8))
    features = sharing(torch.randn(2, 2, 11, 13))
    assert [level.shape[2:] for level in features["a"].levels] == [(11, 13), (6, 7)]


def test_a_batch_with_one_value_per_channel_is_normalised_by_running_statistics() -> None:
    norm = BatchNorm(3)
    state = copy.deepcopy(norm.state_dict())
    x = torch.randn(1, 3, 1, 1)
    torch.testing.assert_close(norm(x), x / (1 + 1e-5) ** 0.5)
    assert all(torch.equal(value, state[key]) for key, value in norm.state_dict().items())
    y = torch.randn(4, 3, 2, 2)
    assert torch.equal(norm(y), nn.BatchNorm2d(3)(y))
    trunk = nn.Sequential(nn.Conv2d(2, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 3, 1))
    sharing = new(trunk, torch.zeros(2, 2, 4, 4))
    assert sharing(torch.randn(1, 2, 4, 4))["a"].levels[-1].shape == (1, 3, 1, 1)


def test_one_channel_has_no_layer_norm() -> None:
    assert isinstance(Layers.of((1,), 1).norm(1), nn.Identity)
    assert isinstance(Layers.of((7, 4), -1).norm(4), nn.LayerNorm)


def test_from_maps_to_vectors() -> None:
    """A net that ends in a linear layer: what is refined becomes a mean over the map."""
    trunk = nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU()),
        nn.Sequential(nn.Flatten(), nn.Linear(4 * 4 * 6, 5)),
    )
    sharing = new(trunk, torch.zeros(2, 2, 6, 8)).eval()
    images = torch.randn(3, 2, 6, 8)
    features = sharing(images)["a"]
    assert [tuple(level.shape) for level in features.levels] == [(3, 4, 4, 6), (3, 5)]
    attention = sharing.attention["task:a"]
    before = trunk[0](images).flatten(1)
    refined = sharing.refining[0](features.levels[0]).mean(dim=(2, 3))
    expected = attention.get_submodule("1")(torch.cat([before, refined], dim=1)) * trunk(images)
    torch.testing.assert_close(features.levels[-1], expected)


def test_padding_does_not_enter_the_mean_of_tokens() -> None:
    class First(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, 0]

    class Net(nn.Module):
        channel_dim = -1

        def __init__(self) -> None:
            super().__init__()
            head = nn.Sequential(First(), nn.Linear(4, 4))
            self.stages = nn.ModuleList([nn.Linear(3, 4), head])

    tokens, mask = torch.randn(2, 5, 3), torch.tensor([[True] * 3 + [False] * 2, [True] * 5])
    sharing = new(Net(), Masked(tokens, mask)).eval()
    one = sharing(Masked(tokens, mask))["a"].levels[-1]
    other = torch.where(mask.unsqueeze(-1), tokens, torch.randn(2, 5, 3))
    assert torch.equal(sharing(Masked(other, mask))["a"].levels[-1], one)
    assert not torch.equal(sharing(other)["a"].levels[-1], one)


def test_a_padded_nan_reaches_no_result() -> None:
    """The second stage makes maps of tokens, so the value before them is averaged."""
    mask = torch.tensor([[True] * 3 + [False] * 2, [True] * 5])
    tokens = torch.randn(2, 5, 3)

    class Net(nn.Module):
        channel_dim = -1

        def __init__(self) -> None:
            super().__init__()
            self.stages = nn.ModuleList(
                [nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 4), Totals(), nn.Linear(4, 4))]
            )

    class Totals(nn.Module):
        masked = True

        def forward(self, x: Tensor, mask: Tensor) -> Tensor:
            return x.where(mask.unsqueeze(-1), 0.0).sum(dim=1)

    sharing = new(Net(), Masked(tokens, mask)).eval()
    found = sharing(Masked(tokens, mask))
    broken = torch.where(mask.unsqueeze(-1), tokens, torch.nan)
    again = sharing(Masked(broken, mask))
    for task, features in found.items():
        assert torch.equal(again[task].levels[-1], features.levels[-1])
    shown = "MTAN: mean of the masks"
    assert again.watched[shown].plain() == found.watched[shown].plain()


def test_an_embedding_is_masked_by_what_it_gives() -> None:
    sharing = new(Tokens(), torch.zeros(2, 7, dtype=torch.long)).eval()
    ids = torch.randint(0, 11, (2, 7))
    given = sharing.encoder.stages[0](ids)
    expected = sharing.attention["task:a"].get_submodule("0")(given) * given
    assert torch.equal(sharing(ids)["a"].levels[0], expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"refine": "block"}, "unknown `refine` 'block'; known: basic, bottleneck, conv"),
        ({"pooling": "sum"}, "`pooling` must be 'max' or 'mean'; found 'sum'"),
        ({"reduction": 0}, "`reduction` must be a whole number of at least 1; found 0"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MTAN(mlp(), **options)


def test_maps_of_four_axes_are_refused() -> None:
    encoder = nn.Identity()
    encoder.channel_dim = 1
    with pytest.raises(ShapeError, match="maps of one to three axes; found a map of shape"):
        new(encoder, torch.zeros(2, 3, 2, 2, 2, 2))


@pytest.mark.slow
def test_is_trained_compiled_and_saved_in_a_model(tmp_path: Any) -> None:
    tasks = [Classification("kind", classes=3), Regression("b.c")]
    images = torch.randn(4, 3, 8, 8)
    sharing = MTAN(ResidualEncoder(widths=(4, 6), blocks=1), refine="basic", pooling="mean")
    model = MultiTaskModel(sharing, tasks, example=images).eval()
    expected = model(images)
    compiled = torch.compile(sharing, backend="eager", fullgraph=True)
    found = compiled(images)["kind"].levels[-1]
    assert torch.equal(found, expected.features["kind"].levels[-1])
    shared = {name for name, of in model.roles().items() if len(of) == 2}
    assert any("refining" in name for name in shared)
    assert not any("attention" in name for name in shared)
    model.save_pretrained(tmp_path)
    again = MultiTaskModel.from_pretrained(tmp_path).eval()
    assert torch.equal(again(images)["b.c"], expected["b.c"])


def test_batch_norm_is_that_of_the_trunks_kind() -> None:
    sharing = new(conv(), torch.zeros(2, 2, 6, 8))
    assert sum(isinstance(module, BatchNorm) for module in sharing.modules()) == 4
    assert not any(isinstance(module, nn.LayerNorm) for module in sharing.modules())
