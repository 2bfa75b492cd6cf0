"""Nothing that a layer does in place reaches a value that others read."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait import MultiTaskModel
from plait.connections import CrossStitch, Lateral, Sluice
from plait.core.errors import UnsupportedError
from plait.encoders import as_staged
from plait.networks import encode, infer_shape, run_all, run_stage
from plait.networks.untouched import untouched
from plait.sharing import (
    CGC,
    MTAN,
    PLE,
    AdaShare,
    AdaTT,
    Conditioned,
    DSelectK,
    Hard,
    LearningToBranch,
    MMoE,
    Separate,
    SharedPrivate,
)
from plait.tasks import Classification, Regression, Segmentation


class AddsInPlace(nn.Module):
    """Writes into its input without a layer that says so."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        x += self.shift
        return x * 2


class AddsWithValues(AddsInPlace):
    """The same, but it reads values, so that it does not run without memory."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if float(x.detach().sum()) > -1e9 else x


WRITERS: dict[str, list[Any]] = {
    "a layer": [nn.ReLU(inplace=True)],
    "a sequence": [nn.Sequential(nn.Identity(), nn.SiLU(inplace=True))],
    "through a view": [nn.Flatten(), nn.ReLU(inplace=True)],
    "no layer": [AddsInPlace()],
    "reads values": [AddsWithValues()],
    "a function": [torch.relu_],
    "dropout in training": [nn.Dropout(0.5, inplace=True)],
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("learns", [True, False])
def test_what_a_reader_is_given_stays_as_it_is(name: str, learns: bool) -> None:
    readers = WRITERS[name]
    for _ in range(2):
        value = torch.randn(3, 4, requires_grad=learns)
        before = value.detach().clone()
        torch.manual_seed(0)
        found = run_all(readers, value, None)
        torch.manual_seed(0)
        written = before.clone()
        for reader in readers:
            written = reader(written)
        assert torch.equal(found, written)
        assert torch.equal(value, before)


def test_dropout_writes_in_training_alone() -> None:
    layer, value = nn.Dropout(0.5, inplace=True).eval(), torch.randn(3, 4)
    assert run_stage(layer, value, None) is value
    layer.train()
    assert run_stage(layer, value, None) is not value


def test_a_reader_that_does_not_write_is_given_the_value_itself() -> None:
    seen: list[Tensor] = []

    def look(x: Tensor) -> Tensor:
        seen.append(x)
        return x + 1

    value = torch.randn(3, 4)
    run_stage(look, value, None)
    assert seen[-1] is value
    block = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
    block[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    run_stage(block, value, None)
    assert seen[-1] is value


def test_without_memory_there_is_no_trial_and_no_copy() -> None:
    calls: list[Tensor] = []

    def writes(x: Tensor) -> Tensor:
        calls.append(x)
        return x.relu_() + 1

    value = torch.empty(3, 4, device="meta")
    assert run_stage(writes, value, None).shape == (3, 4)
    assert len(calls) == 1
    assert calls[0] is value


class Unsqueezes(nn.Module):
    """Gives its input another axis, in place."""

    channel_dim = 1

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze_(1) * 2


def test_a_shape_that_is_changed_in_place_is_seen_without_memory() -> None:
    with pytest.raises(UnsupportedError, match="Unsqueezes has changed the shape of its input"):
        run_stage(Unsqueezes(), torch.empty(3, 4, device="meta"), None)
    encoder = nn.Sequential(nn.Linear(2, 4), Unsqueezes())
    encoder.channel_dim = 1
    shape = infer_shape(encoder, torch.randn(3, 2))
    assert shape.levels == ((4,), (1, 4))  # found on values, of which the stage is given a copy


def test_nested_values_stay_too_and_other_objects_are_handed_on() -> None:
    def writes(value: Any) -> Tensor:
        return value["a"][0].relu_()

    inputs = {"a": [torch.randn(3)], "b": "text"}
    before = inputs["a"][0].clone()
    untouched([writes], lambda readers, value: readers[0](value), inputs)
    assert torch.equal(inputs["a"][0], before)
    thing = object()
    assert untouched([str], lambda readers, value: value, thing) is thing


def test_the_trial_runs_no_hook_and_changes_nothing() -> None:
    calls: list[int] = []

    class Counts(nn.BatchNorm1d):
        """A class of one's own, which is tried."""

    block = nn.Sequential(Counts(4), nn.ReLU(inplace=True), nn.Dropout(0.5))
    block[0].register_forward_hook(lambda *_: calls.append(1))
    state = copy.deepcopy(block.state_dict())
    twin = copy.deepcopy(block)
    value = torch.randn(6, 4)
    torch.manual_seed(3)
    found = run_stage(block, value, None)
    assert calls == [1]
    torch.manual_seed(3)
    assert torch.equal(found, twin(value))
    assert not torch.equal(block[0].running_mean, state["0.running_mean"])
    assert torch.equal(block[0].running_mean, twin[0].running_mean)


def test_a_write_that_the_trial_did_not_show_is_refused() -> None:
    class Sometimes(nn.Module):
        on = False

        def forward(self, x: Tensor) -> Tensor:
            return x.relu_() if self.on else x + 1

    layer = Sometimes()
    run_stage(layer, torch.randn(2, 3), None)
    layer.on = True
    with pytest.raises(UnsupportedError, match="Sometimes has written into its input"):
        run_stage(layer, torch.randn(2, 3), None)


def test_under_inference_mode_too() -> None:
    layer = nn.ReLU(inplace=True)
    with torch.inference_mode():
        value = torch.randn(3, 4)
        before = value.clone()
        run_stage(layer, value, None)
    assert torch.equal(value, before)


# --- every sharing and connection -----------------------------------------------------------


def net(inplace: bool, starts: bool) -> nn.Module:
    """Blocks that begin with an activation; the first may write into the input itself."""
    torch.manual_seed(1)
    first: list[nn.Module] = [nn.ReLU(inplace=inplace)] if starts else []
    layers = [
        *first,
        nn.Conv2d(3, 8, 3, 1, 1),
        nn.Sequential(nn.ReLU(inplace=inplace), nn.Conv2d(8, 8, 3, 1, 1)),
        nn.Sequential(nn.LeakyReLU(0.2, inplace=inplace), nn.Conv2d(8, 8, 3, 1, 1)),
        nn.SiLU(inplace=inplace),
    ]
    return nn.Sequential(*layers)


MODELS: dict[str, Any] = {
    "Hard": (Hard, list),
    "Hard attached": (lambda e: Hard(e, attach={"kind": 1}), list),
    "Separate": (Separate, list),
    "MTAN": (MTAN, list),
    "MMoE": (lambda e: MMoE(e, experts=2, gate_input="input"), list),
    "CGC": (CGC, list),
    "PLE": (PLE, list),
    "AdaTT": (AdaTT, list),
    "DSelectK": (lambda e: DSelectK(e, experts=2), list),
    "AdaShare": (lambda e: AdaShare(e, warmup=0, curriculum=0), list),
    "LearningToBranch": (LearningToBranch, list),
    "SharedPrivate": (SharedPrivate, list),
    "Conditioned": (Conditioned, list),
    "CrossStitch": (Separate, lambda: [CrossStitch()]),
    "Lateral": (Separate, lambda: [Lateral()]),
    "Sluice": (Separate, lambda: [Sluice()]),
}


def run(name: str, inplace: bool, starts: bool) -> dict[str, Tensor]:
    sharing, connections = MODELS[name]
    x = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(5))
    inputs = x.clone()
    tasks = [Classification("kind", classes=3), Segmentation("mask", classes=2)]
    model = MultiTaskModel(
        sharing(net(inplace, starts)), tasks, example=x[:2], connections=connections()
    )
    found: dict[str, Tensor] = {}
    for step in range(2):
        torch.manual_seed(2)
        outputs = model(inputs)
        found |= {f"{task} {step}": outputs[task] for task in outputs}
        found |= {
            f"level {task} {step} {n}": level
            for task in outputs
            for n, level in enumerate(outputs.features[task].levels)
        }
        sum((outputs[task].square().sum() for task in outputs), torch.zeros(())).backward()
    found |= {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert torch.equal(inputs, x)
    return found


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_in_place_layers_is_that_of_plain_ones(name: str, starts: bool) -> None:
    right, found = run(name, False, starts), run(name, True, starts)
    assert right.keys() == found.keys()
    for key, value in right.items():
        torch.testing.assert_close(found[key], value, rtol=1e-5, atol=1e-6, msg=key)


def test_groups_of_stages_are_plain_too() -> None:
    x = torch.randn(4, 3, 6, 6)
    grouped, plain = (as_staged(net(inplace, True), cuts=[1, 3]) for inplace in (True, False))
    levels = encode(grouped, x).levels
    for level, right in zip(levels, encode(plain, x).levels, strict=True):
        assert torch.equal(level, right)


def test_a_head_that_works_in_place_changes_no_other_prediction() -> None:
    class InPlace(Regression):
        def build_head(self, shape: Any) -> nn.Module:
            head = super().build_head(shape)

            class Head(nn.Module):
                def __init__(self) -> None:
                    super().__init__()
                    self.head = head

                def forward(self, features: Any) -> Tensor:
                    features.levels[-1].mul_(3.0)
                    out: Tensor = self.head(features)
                    return out

            return Head()

    x = torch.randn(4, 5)
    for first in ("a", "b"):
        names = [first, "ab".replace(first, "")]
        made = {"a": InPlace("a"), "b": Regression("b")}
        model = MultiTaskModel(Hard(nn.Linear(5, 4)), [made[n] for n in names], example=x)
        assert torch.equal(model(x, tasks=["b"])["b"], model(x)["b"])
        assert torch.equal(model(x)["a"], model(x, tasks=["a"])["a"])
