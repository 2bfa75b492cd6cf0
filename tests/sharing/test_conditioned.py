"""One trunk whose layers are conditioned on the task."""

import copy
import itertools
from dataclasses import asdict
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from plait.core.build import build
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.keys import safe_key
from plait.core.structure import Masked, PerTask
from plait.encoders import as_staged
from plait.model.describe import describe, rebuild
from plait.networks import encode
from plait.sharing import Conditioned, Hard
from plait.sharing.conditioning import Adapter, Conditioner, Film, LoRA, Masks, Norm
from plait.sharing.conditioning.layers.task_indexed import TaskIndexed
from plait.sharing.conditioning.layers.trunk import conditioned_layers
from plait.sharing.conditioning.layers.units import Update
from tests.sharing.encoders import KINDS, Tokens, conv, mlp

TASKS = ("a", "b.c")
NEUTRAL: list[dict[str, Any]] = [
    {"by": Film()},
    {"by": Adapter()},
    {"by": Adapter(bottleneck=2)},
    {"by": Adapter(placement="parallel")},
    {"by": Adapter(placement="parallel", bottleneck=2)},
    {"by": LoRA()},
    {"by": LoRA(rank=2, alpha=3.0)},
    {"by": Norm()},
    {"by": Masks(keep=1.0)},
]
IDS = [str(options["by"]) for options in NEUTRAL]


def new(
    encoder: nn.Module,
    example: Tensor | Any,
    tasks: tuple[str, ...] = TASKS,
    seed: int = 0,
    **options: Any,
) -> Conditioned:
    sharing = Conditioned(encoder, **options)
    sharing.setup(tasks, example, seed)
    return sharing


def stir(module: nn.Module) -> None:
    """Moves all parameters away from the start, which is no change at all."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)


def draw_nothing(module: nn.Module) -> None:
    """Turns dropout off: what it draws depends on the order of the passes."""
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
        if isinstance(part, nn.MultiheadAttention):
            part.dropout = 0.0


def own_of(layer: TaskIndexed, task: str) -> nn.Module:
    return layer.own[safe_key(task)]


def size(*parameters: Tensor) -> int:
    return sum(parameter.numel() for parameter in parameters)


# --- the start --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", NEUTRAL, ids=IDS)
def test_every_task_starts_from_the_plain_trunk_exactly(options: dict[str, Any], kind: str) -> None:
    encoder, inputs = KINDS[kind].build(), KINDS[kind].inputs(3)
    if isinstance(options["by"], Norm) and kind not in ("conv", "tokens"):
        with pytest.raises(ConfigError, match="matches no layer"):
            new(encoder, inputs, **options)
        return
    draw_nothing(encoder)
    sharing, hard = new(encoder, inputs, **options), Hard(encoder)
    hard.setup(TASKS, inputs)
    for mode in (False, True):  # with statistics that have not moved; then as in training
        sharing.train(mode)
        hard.train(mode)
        expected = hard(inputs)
        for task, features in sharing(inputs).items():
            for one, two in zip(features.levels, expected[task].levels, strict=True):
                assert torch.equal(one, two)


def test_norm_with_one_task_is_the_trunk_in_training_too() -> None:
    encoder, images = conv(), torch.randn(8, 2, 6, 8)
    sharing = new(encoder, images, ("a",), by=Norm())
    plain = copy.deepcopy(encoder)
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9) for m in (sharing, plain)]
    for _ in range(3):
        for optimizer, out in zip(
            optimizers, (sharing(images)["a"].levels[-1], plain(images)), strict=True
        ):
            optimizer.zero_grad()
            out.square().sum().backward()
            optimizer.step()
    state = sharing.prototype().state_dict()
    assert state.keys() == plain.state_dict().keys()
    assert all(torch.equal(value, state[key]) for key, value in plain.state_dict().items())


def test_the_encoder_is_copied_and_left_as_it_is() -> None:
    encoder = conv()
    sharing = new(encoder, torch.zeros(2, 2, 6, 8), frozen=True)
    assert not {id(p) for p in sharing.parameters()} & {id(p) for p in encoder.parameters()}
    assert all(p.requires_grad for p in encoder.parameters())
    assert not any(isinstance(module, TaskIndexed) for module in encoder.modules())
    assert all(not module._forward_hooks for module in encoder.modules())


def test_a_factory_makes_the_encoder() -> None:
    sharing = Conditioned(mlp)
    sharing.setup(["a"], torch.zeros(2, 5))
    assert sharing(torch.zeros(2, 5))["a"].levels[-1].shape == (2, 4)


@pytest.mark.parametrize("by", [LoRA(), Masks()])
def test_what_is_drawn_depends_on_the_seed_and_the_names_of_task_and_layer(by: Conditioner) -> None:
    def drawn(*tasks: str, seed: int) -> dict[str, Tensor]:
        sharing = new(nn.Sequential(*(nn.Linear(40, 40) for _ in range(2))),
                      torch.zeros(2, 40), tasks, seed, by=by)  # fmt: skip
        parts = {**dict(sharing.named_parameters()), **dict(sharing.named_buffers())}
        return {name: part for name, part in parts.items() if name.endswith(("down", "mask"))}

    joint, alone = drawn("x", "y", seed=1), drawn("y", seed=1)
    assert all(torch.equal(joint[name], part) for name, part in alone.items())
    found = [*joint.values(), *drawn("y", seed=2).values()]
    assert len(found) == 6
    assert not any(torch.equal(one, two) for one, two in itertools.combinations(found, 2))


# --- who learns what --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", NEUTRAL[:-2], ids=IDS[:-2])
def test_a_unit_is_its_tasks_and_the_trunk_is_all_tasks(options: dict[str, Any], kind: str) -> None:
    sharing = new(KINDS[kind].build(), KINDS[kind].inputs(3), **options)
    stir(sharing)
    reached: dict[str, set[str]] = {}
    for task, features in sharing(KINDS[kind].inputs(3)).items():
        sharing.zero_grad()
        features.levels[-1].square().sum().backward(retain_graph=True)
        reached[task] = {name for name, p in sharing.named_parameters() if p.grad is not None}
    names = {name for name, _ in sharing.named_parameters()}
    own = {task: {name for name in names if safe_key(task) in name} for task in TASKS}
    assert own["a"]
    assert reached == {task: names - own[other] for task, other in zip(TASKS, TASKS[::-1])}  # noqa: B905


def test_norm_has_a_layer_for_each_task_and_its_statistics_are_those_of_its_examples() -> None:
    sharing = new(conv(), torch.zeros(2, 2, 6, 8), by=Norm())
    inputs = PerTask({task: torch.randn(4, 2, 6, 8) + 3 * i for i, task in enumerate(TASKS)})
    before = copy.deepcopy(sharing.state_dict())
    sharing(inputs, tasks=["a"])
    changed = {key for key, value in sharing.state_dict().items() if not value.equal(before[key])}
    assert {key.rsplit(".", 1)[1] for key in changed} == {
        "running_mean",
        "running_var",
        "num_batches_tracked",
    }
    assert all(safe_key("a") in key for key in changed)
    (layer,) = conditioned_layers(sharing.trunk)
    hidden = sharing.trunk[0](inputs["a"])
    torch.testing.assert_close(own_of(layer, "a").running_mean, 0.1 * hidden.mean((0, 2, 3)))


@pytest.mark.parametrize("options", [*NEUTRAL, {"by": Masks()}])
@pytest.mark.parametrize("kind", ["conv", "tokens"])
def test_a_frozen_trunk_stays_as_it_is(options: dict[str, Any], kind: str) -> None:
    sharing = new(KINDS[kind].build(), KINDS[kind].inputs(3), frozen=True, **options)
    assert sharing.training
    sharing.eval().train()
    before = copy.deepcopy(sharing.state_dict())
    # the features of a trunk that ends in a LayerNorm always have the same square: any other loss
    heads = nn.ModuleDict({safe_key(task): nn.LazyLinear(1) for task in TASKS})
    optimizer: torch.optim.Optimizer | None = None
    for _ in range(3):
        found = sharing(KINDS[kind].inputs(4))
        loss = sum(heads[safe_key(t)](f.levels[-1].flatten(1)).sum() for t, f in found.items())
        if optimizer is None:
            both = [*sharing.parameters(), *heads.parameters()]
            optimizer = torch.optim.SGD(both, lr=0.1, weight_decay=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    changed = {key for key, value in sharing.state_dict().items() if not value.equal(before[key])}
    assert all(".own." in key for key in changed)
    assert changed or isinstance(options["by"], Masks)
    for name, parameter in sharing.named_parameters():
        assert parameter.requires_grad == (".own." in name)
        assert (parameter.grad is not None) == (".own." in name)
    assert any(m.training for m in sharing.modules() if isinstance(m, nn.Dropout)) or kind == "conv"


def test_statistics_that_the_tasks_share_move_unless_frozen() -> None:
    sharing = new(conv(), torch.zeros(2, 2, 6, 8))
    (layer,) = conditioned_layers(sharing.trunk)
    sharing(torch.randn(4, 2, 6, 8))
    assert layer.plain().num_batches_tracked == len(TASKS)


# --- number of parameters ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "each"),
    [
        ({"by": Film()}, 2 * 3),
        ({"by": Norm()}, 2 * 3),
        ({"by": Adapter()}, 3 * 3),
        ({"by": Adapter(bottleneck=2)}, 2 * (3 + 3)),
        ({"by": Adapter(placement="parallel")}, 3 * 2),
        ({"by": Adapter(placement="parallel", bottleneck=1)}, 1 * (3 + 2)),
        ({"by": LoRA(rank=2)}, 2 * (3 + 2 * 9)),
        ({"by": Masks()}, 0),
    ],
)
def test_parameters_of_a_convolution(options: dict[str, Any], each: int) -> None:
    plain = size(*conv().parameters())
    sharing = new(conv(), torch.zeros(2, 2, 6, 8), **options)
    shared = plain - 2 * 3 if isinstance(options["by"], Norm) else plain
    assert size(*sharing.parameters()) == shared + len(TASKS) * each
    assert size(*sharing.prototype().parameters()) == plain


def test_parameters_of_a_transformer() -> None:
    rank, width, inner = 2, 8, 16
    attention = rank * (3 * (width + width) + (width + width))
    layers = rank * (width + inner) * 2
    sharing = new(Tokens(), torch.zeros(2, 7).long(), by=LoRA(rank=rank))
    expected = size(*Tokens().parameters()) + len(TASKS) * (attention + layers)
    assert size(*sharing.parameters()) == expected


# --- what the units do ------------------------------------------------------------------------


def test_film_scales_and_shifts_after_the_normalisation_or_else_after_each_map() -> None:
    images, rows = torch.randn(4, 2, 6, 8), torch.randn(4, 5)
    one, two = new(conv(), images).eval(), new(mlp(), rows).eval()
    stir(one)
    stir(two)
    (norm,) = conditioned_layers(one.trunk)
    unit = own_of(norm, "b.c")
    hidden = norm.plain()(one.trunk[0](images))
    scaled = (1 + unit.scale)[:, None, None] * hidden + unit.shift[:, None, None]
    torch.testing.assert_close(one(images)["b.c"].levels[1], scaled)
    hidden = rows
    for position, layer in enumerate(two.trunk):
        if position == 1:
            hidden = hidden.relu()
            continue
        unit = own_of(layer, "a")
        hidden = layer.plain()(hidden) * (1 + unit.scale) + unit.shift
    torch.testing.assert_close(two(rows)["a"].levels[-1], hidden)


SHAPES = [
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 3, "stride": 2, "dilation": 2, "groups": 2},
    {"kernel_size": (2, 5), "padding": "same", "padding_mode": "reflect"},
    {"kernel_size": 1, "bias": False},
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bottleneck", [None, 1])
def test_adapters_are_convolutions_of_one_pixel(
    shape: dict[str, Any], bottleneck: int | None
) -> None:
    layer, images = nn.Conv2d(4, 6, **shape), torch.randn(2, 4, 9, 10)
    series = new(layer, images, by=Adapter(bottleneck=bottleneck))
    parallel = new(layer, images, by=Adapter(placement="parallel", bottleneck=bottleneck))
    for sharing in (series, parallel):
        for own in conditioned_layers(sharing.trunk):
            stir(own.own)
    hidden = layer(images)
    matrix = own_of(series.trunk, "a").update.matrix()
    torch.testing.assert_close(
        series(images)["a"].levels[-1], hidden + F.conv2d(hidden, matrix[..., None, None])
    )
    # the pixels that lie under the centre of the kernel
    matrix = own_of(parallel.trunk, "a")[0].matrix()
    ones = [(k - 1) // 2 for k in layer.kernel_size]
    at_centre = torch.zeros_like(layer.weight)
    for row, column in itertools.product(*map(range, matrix.shape)):
        at_centre[row, column, ones[0], ones[1]] = matrix[row, column]
    beside = copy.deepcopy(layer)
    beside.weight.data, beside.bias = at_centre, None
    torch.testing.assert_close(parallel(images)["a"].levels[-1], hidden + beside(images))
    if shape["kernel_size"] == 3 and "stride" not in shape:  # centred: simply a 1x1 convolution
        torch.testing.assert_close(beside(images), F.conv2d(images, matrix[..., None, None]))


@pytest.mark.parametrize("placement", ["series", "parallel"])
def test_adapters_of_linear_layers(placement: str) -> None:
    layer, rows = nn.Linear(5, 4), torch.randn(3, 5)
    sharing = new(layer, rows, by=Adapter(placement=placement))
    stir(sharing.trunk.own)
    unit = own_of(sharing.trunk, "b.c")
    read = layer(rows) if placement == "series" else rows
    update = unit.update if placement == "series" else unit
    expected = layer(rows) + read @ update.matrix().T
    torch.testing.assert_close(sharing(rows)["b.c"].levels[-1], expected)


class Crossed(nn.Module):
    """Attention with keys and values of other widths, which has no packed projection."""

    channel_dim = -1

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, kdim=5, vdim=4, batch_first=True)
        self.keys, self.values = nn.Linear(6, 5), nn.Linear(6, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.attention(tokens, self.keys(tokens), self.values(tokens))[0]


MERGED = {
    **{name: (kind.build, lambda kind=kind: kind.inputs(3)) for name, kind in KINDS.items()},
    "crossed": (Crossed, lambda: torch.randn(3, 7, 6)),
    **{
        f"conv {i}": (
            lambda shape=shape: nn.Conv2d(4, 6, **shape),
            lambda: torch.randn(2, 4, 9, 10),
        )
        for i, shape in enumerate(SHAPES)
    },
    "conv1d": (lambda: nn.Conv1d(3, 4, 3), lambda: torch.randn(2, 3, 6)),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2), lambda: torch.randn(2, 2, 3, 4, 5)),
}


def product(update: Update, scale: float) -> Tensor:
    """The matrix of an update, number by number."""
    up, down = update.up.detach(), update.down.detach()
    rows = []
    for block, row in itertools.product(*map(range, up.shape[:2])):
        row_of = range(down.shape[2]), range(down.shape[1])
        rows.append(
            [
                sum(up[block, row, r] * down[block, r, column] for r in row_of[1])
                for column in row_of[0]
            ]
        )
    return scale * torch.tensor(rows, dtype=up.dtype)


@pytest.mark.parametrize("kind", MERGED)
def test_lora_is_the_trunk_with_the_products_added_to_its_weights(kind: str) -> None:
    build, batch = MERGED[kind]
    inputs = batch()
    sharing = new(build(), inputs, by=LoRA(rank=2, alpha=3.0)).double().eval()
    stir(sharing)
    values = inputs.double() if inputs.is_floating_point() else inputs
    for task in TASKS:
        merged = sharing.prototype()
        for name, layer in sharing.trunk.named_modules():
            if isinstance(layer, TaskIndexed):
                parts = merged.get_submodule(name).named_parameters()
                weights = [weight for own, weight in parts if own.endswith("weight")]
                updates = [u for u in own_of(layer, task).modules() if isinstance(u, Update)]
                for weight, update in zip(weights, updates, strict=True):
                    weight.data += product(update, 1.5).view_as(weight)
        with torch.no_grad():
            found, expected = sharing(values)[task], encode(merged, values)
        for one, two in zip(found.levels, expected.levels, strict=True):
            torch.testing.assert_close(one, two)
    assert not torch.allclose(found.levels[-1], sharing(values)["a"].levels[-1])


def test_the_attention_learns_all_its_projections_apart() -> None:
    sharing = new(Tokens(), torch.zeros(2, 7).long(), by=LoRA(rank=2))
    layers = {type(layer.plain()): layer for layer in conditioned_layers(sharing.trunk)}
    packed, out = own_of(layers[nn.MultiheadAttention], "a")
    assert packed.down.shape == (3, 2, 8)
    assert packed.up.shape == (3, 8, 2)
    assert out.matrix().shape == (8, 8)


def test_masks_keep_a_share_of_the_channels() -> None:
    images = torch.randn(4, 3, 6, 8)
    sharing = new(nn.Conv2d(3, 10, 3), images, by=Masks(keep=0.3))
    found, whole = sharing(images), sharing.trunk.plain()(images)
    masks = {task: own_of(sharing.trunk, task).mask for task in TASKS}
    for task, features in found.items():
        assert masks[task].sum() == 3
        kept = features.levels[-1][:, masks[task]]
        assert torch.equal(kept, whole[:, masks[task]])
        assert not features.levels[-1][:, ~masks[task]].any()
    assert not torch.equal(masks["a"], masks["b.c"])
    one = new(nn.Conv2d(3, 10, 3), images, by=Masks(keep=0.01))
    assert own_of(one.trunk, "a").mask.sum() == 1


@pytest.mark.parametrize("options", [o for o in NEUTRAL if not isinstance(o["by"], Norm)])
def test_gradients_are_those_of_finite_differences(options: dict[str, Any]) -> None:
    encoder = nn.Sequential(nn.Conv2d(2, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 3))
    images = torch.randn(2, 2, 3, 3, dtype=torch.float64)
    sharing = new(encoder, images.float(), **options).double()
    stir(sharing)
    names, values = zip(*sharing.named_parameters(), strict=True)

    def run(inputs: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(names, parameters, strict=True))
        found = torch.func.functional_call(sharing, given, (inputs,))
        return tuple(features.levels[-1] for features in found.values())

    assert torch.autograd.gradcheck(run, (images.requires_grad_(), *values))


# --- which layers -----------------------------------------------------------------------------


def names_of(sharing: Conditioned) -> list[str]:
    return [n for n, m in sharing.trunk.named_modules() if isinstance(m, TaskIndexed)]


def test_the_scope_names_the_layers() -> None:
    rows = torch.zeros(2, 5)
    assert names_of(new(mlp(), rows)) == ["0", "2"]
    assert names_of(new(mlp(), rows, scope="2")) == ["2"]
    tokens = torch.zeros(2, 7).long()
    everything = names_of(new(Tokens(), tokens, by=LoRA()))
    assert everything == [f"stages.1.layers.0.{n}" for n in ("self_attn", "linear1", "linear2")]
    assert names_of(new(Tokens(), tokens, by=LoRA(), scope="*.self_attn")) == everything[:1]
    norms = [f"stages.1.layers.0.norm{i}" for i in (1, 2)]
    assert names_of(new(Tokens(), tokens, by=Norm())) == names_of(new(Tokens(), tokens)) == norms


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scope": "3"}, r"`scope` '3' matches no layer .* the encoder runs of them: '0', '2'\."),
        ({"by": Norm()}, r"`scope` '\*' .* LayerNorm, .* the encoder runs of them: none\."),
        ({"by": LoRA(), "scope": "1"}, "It takes: Conv1d, .* MultiheadAttention"),
    ],
)
def test_a_scope_that_matches_nothing_is_an_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        new(mlp(), torch.zeros(2, 5), **options)


def test_layers_that_do_not_run_with_the_encoder_are_left_out() -> None:
    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.fc, self.read = nn.Linear(5, 4), nn.Linear(4, 3), Reads()

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.read(self.body(x)))

    class Reads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return F.linear(x, self.map.weight)

    sharing = new(as_staged(Classifier(), ["body", "read"]), torch.zeros(2, 5))
    assert names_of(sharing) == ["module.body"]
    with pytest.raises(ConfigError, match=r"runs of them: 'module\.body'"):
        new(as_staged(Classifier(), ["body", "read"]), torch.zeros(2, 5), scope="*.fc")


def test_a_layer_that_is_used_twice_is_conditioned_once() -> None:
    layer = nn.Linear(5, 5)
    sharing = new(nn.Sequential(layer, nn.Tanh(), layer), torch.zeros(2, 5), by=LoRA())
    assert sharing.trunk[0] is sharing.trunk[2]
    assert len(conditioned_layers(sharing.trunk)) == 1
    plain = sharing.prototype()
    assert plain[0] is plain[2]


def test_parameters_that_two_layers_share_stay_shared() -> None:
    first, second = nn.Linear(5, 5), nn.Linear(5, 5)
    second.weight = first.weight
    trunk = new(nn.Sequential(first, second), torch.zeros(2, 5), by=LoRA()).trunk
    assert trunk[0].base.weight is trunk[1].base.weight


def test_stages_that_are_listed_beside_the_module_are_conditioned() -> None:
    net = mlp()
    sharing = new(as_staged(net, [net[0], torch.tanh, net[2]]), torch.zeros(2, 5))
    stir(sharing)
    rows = torch.randn(3, 5)
    found = sharing(rows)
    assert not torch.allclose(found["a"].levels[0], found["b.c"].levels[0])


def test_stages_before_the_first_conditioned_layer_run_once_for_a_common_input() -> None:
    sharing = new(mlp(), torch.zeros(2, 5), scope="2")
    passes: list[int] = []
    sharing.trunk[0].register_forward_hook(lambda *_: passes.append(1))
    found = sharing(torch.randn(3, 5))
    assert len(passes) == 1
    assert found["a"].levels[1] is found["b.c"].levels[1]
    assert found["a"].levels[2] is not found["b.c"].levels[2]
    sharing(torch.randn(3, 5), tasks=())
    assert len(passes) == 1
    sharing(PerTask({task: torch.randn(3, 5) for task in TASKS}))
    assert len(passes) == 3


# --- the active task --------------------------------------------------------------------------


def test_a_pass_that_fails_leaves_no_task_behind() -> None:
    sharing = new(mlp(), torch.zeros(2, 5))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        sharing(torch.zeros(2, 6))
    with pytest.raises(ConfigError, match="ran outside of a pass for a task"):
        sharing.trunk(torch.zeros(2, 5))
    assert len(sharing(torch.zeros(2, 5))) == 2


def test_one_pass_at_a_time() -> None:
    sharing = new(mlp(), torch.zeros(2, 5))
    with (
        pytest.raises(ConfigError, match="one for task 'a' is running"),
        sharing._active.running("a"),
    ):
        sharing(torch.zeros(2, 5))


def test_a_copy_has_an_active_task_of_its_own() -> None:
    sharing = new(mlp(), torch.zeros(2, 5))
    twin = copy.deepcopy(sharing)
    with sharing._active.running("a"):
        assert list(twin(torch.zeros(2, 5))) == list(TASKS)


def test_layers_that_run_again_in_the_backward_pass_are_refused() -> None:
    class Again(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map = nn.Linear(5, 5)

        def forward(self, x: Tensor) -> Tensor:
            return checkpoint(self.map, x, use_reentrant=False)

    sharing = new(Again(), torch.zeros(2, 5))
    out = sharing(torch.randn(2, 5))["a"].levels[-1]
    with pytest.raises(ConfigError, match="activation checkpointing"):
        out.sum().backward()


def test_the_weights_of_a_conditioned_layer_cannot_be_read_past_it() -> None:
    layer = new(nn.Linear(5, 4), torch.zeros(2, 5)).trunk
    assert layer.in_features == 5
    for name in ("weight", "bias"):
        with pytest.raises(UnsupportedError, match=f"'{name}' of a conditioned Linear"):
            getattr(layer, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        layer.nonsense  # noqa: B018
    lora = new(nn.Linear(5, 4), torch.zeros(2, 5), by=LoRA()).trunk
    assert lora.bias is lora.base.bias
    with pytest.raises(UnsupportedError, match="'weight' of a conditioned Linear"):
        lora.weight  # noqa: B018


class MaskedTokens(nn.Module):
    """A transformer with all its short cuts for evaluation."""

    channel_dim = -1

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 2)
        self.masked = True

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        padded = None if mask is None else ~mask
        return self.body(tokens, src_key_padding_mask=padded)


@pytest.mark.parametrize("options", NEUTRAL[:-1], ids=IDS[:-1])
def test_the_short_cuts_of_transformers_do_not_pass_the_units_by(options: dict[str, Any]) -> None:
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    inputs = Masked(torch.randn(2, 5, 8), mask)
    sharing = new(
        as_staged(MaskedTokens().body, [""]) if False else MaskedTokens(), inputs, **options
    )
    stir(sharing)
    sharing.eval()
    slow = sharing(inputs)
    with torch.no_grad():
        fast = sharing(inputs)
    for task in TASKS:
        one, two = slow[task].levels[-1][mask], fast[task].levels[-1][mask]
        torch.testing.assert_close(one, two)
    assert not torch.allclose(slow["a"].levels[-1][mask], slow["b.c"].levels[-1][mask])


@pytest.mark.parametrize("by", [Film(), LoRA()])
def test_compiles(by: Conditioner) -> None:
    images = torch.randn(4, 2, 6, 8)
    sharing = new(conv(), images, by=by)
    stir(sharing)
    torch._dynamo.reset()  # what other instances have compiled counts against a limit
    compiled = torch.compile(sharing, backend="eager", fullgraph=True)
    for tasks in (None, ["b.c"]):
        found, expected = compiled(images, tasks), sharing(images, tasks)
        assert list(found) == list(expected)
        for task in found:
            torch.testing.assert_close(found[task].levels[-1], expected[task].levels[-1])


# --- options ----------------------------------------------------------------------------------


def test_a_name_is_no_conditioning() -> None:
    with pytest.raises(
        ConfigError, match=r"`by` of Conditioned must be a conditioning, .*; found 'film'"
    ):
        Conditioned(mlp(), by="film")  # type: ignore[arg-type]


def test_film_is_the_default() -> None:
    assert Conditioned(mlp()).by == Film()


@pytest.mark.parametrize("by", [each["by"] for each in NEUTRAL])
def test_a_configuration_builds_it_and_describes_it(by: Conditioner) -> None:
    """The options of the object are those of the command line and of the model folder."""
    options = {"class": type(by).__name__, **asdict(by)}
    built = build(Conditioned, {"by": options}, kind="sharing", encoder=mlp())
    assert built.by == by
    described = describe(built, leave_out=("encoder",))
    assert described is not None
    assert described["by"] == options
    assert rebuild(described, "sharing", encoder=mlp()).by == by


def test_options_of_another_conditioning_are_refused() -> None:
    with pytest.raises(ConfigError, match="conditioning Film has no option 'rank'"):
        build(Conditioned, {"by": {"class": "Film", "rank": 2}}, kind="sharing", encoder=mlp())
    with pytest.raises(ConfigError, match=r"unknown conditioning 'Lora'.*Did you mean 'LoRA'\?"):
        build(Conditioned, {"by": "Lora"}, kind="sharing", encoder=mlp())


def test_is_set_up_for_one_model() -> None:
    sharing = new(mlp(), torch.zeros(2, 5))
    with pytest.raises(ConfigError, match="Make a new Conditioned"):
        sharing.setup(["a"], torch.zeros(2, 5))
