import copy
import threading
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from plait import MultiTaskModel
from plait.core.errors import ConfigError
from plait.core.seeding import seeded
from plait.encoders import ConvEncoder
from plait.networks import copy_of, infer_shape, instance
from plait.networks.copies import handed_over
from plait.sharing import CGC, AdaShare, Conditioned, Hard, LearningToBranch, MMoE, Separate
from plait.sharing.conditioning import LoRA
from plait.tasks import Regression
from tests.encoders.nets import Tied, Tokens, assert_unchanged, conv, images, snapshot


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


class Stubborn(nn.Module):
    """Owns a parameter that nothing can draw anew."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.gain = nn.Parameter(torch.randn(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.gain * self.linear(x)


def test_an_instance_is_itself_and_a_factory_is_called() -> None:
    module = nn.Linear(2, 2)
    assert instance(module) is module
    made = [instance(lambda: nn.Linear(2, 3)) for _ in range(2)]
    assert made[0] is not made[1]
    assert isinstance(made[0], nn.Linear)


# --- clone ----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [conv, Tokens, Stubborn, Tied])
def test_clones_of_an_instance_start_where_it_is(make) -> None:
    module = make()
    before = snapshot(module)
    clones = [copy_of(module, "clone", 0, task) for task in ("a", "b")]
    assert_unchanged(before, snapshot(module))
    for clone in clones:
        assert same(clone, module)
        mine, theirs = ({id(p) for p in net.parameters()} for net in (module, clone))
        assert not mine & theirs


def test_clones_from_a_factory_have_one_start_for_all_tasks_of_a_seed() -> None:
    def factory() -> nn.Module:
        return nn.Linear(3, 3)

    state = torch.get_rng_state()
    one, other = (copy_of(factory, "clone", 0, task) for task in ("a", "b"))
    assert torch.equal(torch.get_rng_state(), state)
    assert one is not other
    assert same(one, other)
    assert same(one, copy_of(factory, "clone", 0, "a"))
    assert not same(one, copy_of(factory, "clone", 1, "a"))


# --- reset ----------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [conv, Tokens, lambda: ConvEncoder(widths=(4, 6), norm=True)])
@pytest.mark.parametrize("kind", ["instance", "factory"])
def test_a_reset_copy_depends_on_its_seed_alone(source, kind: str) -> None:
    given = source() if kind == "instance" else source
    state = torch.get_rng_state()
    one, other = (copy_of(given, "reset", 0, task) for task in ("a", "b"))
    again = copy_of(given, "reset", 0, "a")
    assert torch.equal(torch.get_rng_state(), state)
    assert same(one, again)
    weights = [p for p in one.parameters() if p.dim() > 1]
    others = [p for p in other.parameters() if p.dim() > 1]
    assert not any(torch.equal(a, b) for a, b in zip(weights, others, strict=True))
    assert len({id(p) for net in (one, other, again) for p in net.parameters()}) == 3 * len(
        list(one.parameters())
    )


def test_a_reset_copy_leaves_its_source_alone() -> None:
    module = conv()
    before = snapshot(module)
    assert not same(copy_of(module, "reset", 0, "a"), module)
    assert_unchanged(before, snapshot(module))


def test_a_reset_layer_is_the_one_that_torch_would_make() -> None:
    for make in (lambda: nn.Linear(3, 4), lambda: nn.Conv2d(3, 4, 3), lambda: nn.LSTM(3, 4)):
        trained = make()
        with torch.no_grad():
            for parameter in trained.parameters():
                parameter.fill_(7.0)
        with seeded(0, "a"):
            fresh = make()
        assert same(copy_of(trained, "reset", 0, "a"), fresh)


def test_attention_starts_as_torch_starts_it() -> None:
    """Its own rule sets the biases to 0, also that of a child whose own rule would draw it."""
    trained = nn.MultiheadAttention(4, 2)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.fill_(7.0)
    fresh = copy_of(trained, "reset", 0, "a")
    assert bool((fresh.in_proj_weight != 7.0).all())
    assert bool((fresh.out_proj.weight != 7.0).all())
    assert fresh.in_proj_bias.tolist() == nn.MultiheadAttention(4, 2).in_proj_bias.tolist()
    assert fresh.out_proj.bias.tolist() == nn.MultiheadAttention(4, 2).out_proj.bias.tolist()


def test_a_modules_own_start_comes_after_that_of_its_parts() -> None:
    class Starts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 2)
            self.gain = nn.Parameter(torch.randn(2))

        def reset_parameters(self) -> None:
            nn.init.zeros_(self.linear.bias)
            nn.init.ones_(self.gain)

    fresh = copy_of(Starts(), "reset", 0, "a")
    assert fresh.gain.tolist() == [1, 1]
    assert fresh.linear.bias.tolist() == [0, 0]
    assert not torch.equal(fresh.linear.weight, copy_of(Starts(), "reset", 0, "b").linear.weight)


@pytest.mark.parametrize("affine", [True, False])
def test_running_statistics_start_anew(affine: bool) -> None:
    norm = nn.BatchNorm1d(3, affine=affine)
    norm(torch.randn(8, 3) * 5 + 2)
    net = nn.Sequential(nn.Linear(3, 3), norm)
    assert same(copy_of(net, "reset", 0, "a")[1], nn.BatchNorm1d(3, affine=affine))
    assert same(copy_of(net, "clone", 0, "a")[1], norm)


def test_tied_weights_stay_tied() -> None:
    for copies in ("clone", "reset"):
        first, second = copy_of(Tied(), copies, 0, "a").stages
        assert first.weight is second.weight


def test_a_module_that_cannot_be_drawn_anew_asks_for_a_factory() -> None:
    with pytest.raises(ConfigError, match=r"the encoder \(Stubborn\): it owns .* Give a factory"):
        copy_of(Stubborn(), "reset", 0, "a")
    with pytest.raises(ConfigError, match=r"cannot re-initialise 1 \(Stubborn\)"):
        copy_of(nn.Sequential(nn.Linear(2, 2), Stubborn()), "reset", 0, "a")
    assert not same(copy_of(Stubborn, "reset", 0, "a"), copy_of(Stubborn, "reset", 0, "b"))


def test_copies_have_one_of_two_ways() -> None:
    with pytest.raises(ConfigError, match="`copies` must be 'clone' or 'reset'; found 'deep'"):
        copy_of(nn.Linear(2, 2), "deep", 0)


def test_a_copy_runs_as_its_source() -> None:
    module = ConvEncoder(widths=(4, 6))
    x = images()
    assert torch.equal(copy_of(module, "clone")(x), module(x))
    assert torch.equal(copy.deepcopy(module)(x), module(x))


# --- modules that cannot be copied ----------------------------------------------------------


class KeepsOutput(nn.Module):
    """Keeps its last output, with its graph."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.last: list[Tensor] = [self.linear(torch.zeros(1, 4))]

    def forward(self, x: Tensor) -> Tensor:
        self.last = [self.norm(self.linear(x))]
        return self.last[0].relu()


class HoldsLock(nn.Module):
    """Holds a lock, also in a list of its parts."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.linear = nn.Linear(4, 4)
        self.linear.lock = self.lock
        self.order = [self.linear]

    def forward(self, x: Tensor) -> Tensor:
        with self.lock:
            for part in self.order:
                x = part(x)
        return x + 1


def old_weight_norm() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        first = nn.utils.weight_norm(nn.Linear(4, 4))
    return nn.Sequential(first, nn.ReLU(), nn.Linear(4, 4))


BOUND: list[Callable[[], nn.Module]] = [KeepsOutput, HoldsLock, old_weight_norm]


@pytest.mark.parametrize("make", BOUND)
def test_shapes_are_inferred_without_a_copy_where_there_can_be_none(make) -> None:
    module, x = make(), torch.randn(5, 4)
    before = snapshot(module)
    assert infer_shape(module, x).levels[-1] == (4,)
    assert_unchanged(before, snapshot(module))


@pytest.mark.parametrize("copies", ["clone", "reset"])
@pytest.mark.parametrize("make", BOUND)
def test_an_instance_that_cannot_be_copied_asks_for_a_factory(make, copies) -> None:
    with pytest.raises(ConfigError, match=r"has to be copied here, and cannot be.*a factory"):
        copy_of(make(), copies, 0)
    assert isinstance(copy_of(make, copies, 0), nn.Module)


def test_the_advice_names_the_weight_norm_that_can_be_copied() -> None:
    with pytest.raises(ConfigError, match=r"or use `torch\.nn\.utils\.parametrizations"):
        copy_of(old_weight_norm(), "clone")


@pytest.mark.parametrize(
    "sharing",
    [
        Hard,
        Separate,
        lambda e: MMoE(e, experts=2),
        CGC,
        Conditioned,
        lambda e: Conditioned(e, by=LoRA(rank=2)),
        lambda e: LearningToBranch(e, branches=2),
        AdaShare,
        lambda e: Hard(e, groups=[["a"], ["b"]]),
    ],
)
@pytest.mark.parametrize("make", BOUND)
def test_a_factory_of_them_always_works(make, sharing) -> None:
    x = torch.randn(6, 4)
    model = MultiTaskModel(sharing(make), [Regression("a"), Regression("b")], example=x[:2])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        outputs = model(x)
        optimizer.zero_grad()
        sum((out.square().mean() for out in outputs.values()), torch.zeros(())).backward()
        optimizer.step()
    own = {id(module) for module in model.modules()}
    kept = {id(part) for each in model.modules() for part in getattr(each, "order", ())}
    assert kept <= own


@pytest.mark.parametrize("make", BOUND)
def test_what_cannot_be_copied_is_handed_over_and_nothing_else(make) -> None:
    module = make()
    copied = copy.deepcopy(module, handed_over(module))
    x = torch.randn(3, 4)
    torch.testing.assert_close(copied.eval()(x), module.eval()(x))
    assert not {id(p) for p in copied.parameters()} & {id(p) for p in module.parameters()}
    assert handed_over(nn.Linear(2, 2)) == {}


def test_a_reset_that_draws_not_every_parameter_is_refused() -> None:
    """The rule of a linear layer draws its weight, and here that is computed from two others."""

    class Own(nn.Linear):
        def __init__(self) -> None:
            super().__init__(3, 3)
            self.gain = nn.Parameter(torch.randn(3))

    with pytest.raises(ConfigError, match="`reset_parameters` does not draw 'gain'"):
        copy_of(Own(), "reset", 0)

    class Scale(Own):
        def reset_parameters(self) -> None:
            super().reset_parameters()
            if hasattr(self, "gain"):
                self.gain.data.fill_(1.0)

    fresh = copy_of(Scale(), "reset", 0)
    assert fresh.gain.tolist() == [1, 1, 1]
    assert copy_of(fresh, "reset", 0).gain.tolist() == [1, 1, 1]
