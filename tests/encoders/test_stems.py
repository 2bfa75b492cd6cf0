"""Stems: each source by its own network, a trunk in common, checked when a model is made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait import MultiTaskModel, Trainer
from plait.connections import CrossStitch
from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.structure import Masked
from plait.data import InMemory, Mixture, Source
from plait.data.mixing import AllSources, EqualShares
from plait.encoders import ConvEncoder, MLPEncoder, Stems
from plait.networks import encode, infer_shape
from plait.sharing import Hard, MMoE, Separate
from plait.tasks import BaseTask, Classification, Regression, Segmentation
from tests.training.problem import assert_same_model

EXAMPLE = {"photos": torch.rand(2, 3, 16, 16), "rows": torch.rand(2, 5)}


def stems(**options: Any) -> Stems:
    torch.manual_seed(0)
    photos = ConvEncoder(widths=(4, 8))
    rows = MLPEncoder(in_features=5, widths=(8,))
    trunk = MLPEncoder(in_features=8, widths=(6,))
    return Stems({"photos": photos, "rows": rows}, trunk, pooled=True, **options)


def tasks() -> list[BaseTask]:
    return [Classification("kind", classes=3), Regression("size", mean=0.0, scale=1.0)]


def test_each_source_is_read_by_its_stem_and_the_trunk() -> None:
    encoder = stems()
    photos, rows = (encoder.stems[name] for name in ("photos", "rows"))
    assert isinstance(encoder.trunk, MLPEncoder)
    x = EXAMPLE["rows"]
    assert torch.equal(encoder({"rows": x}), encoder.trunk(rows(x)))
    x = EXAMPLE["photos"]
    assert torch.equal(encoder({"photos": x}), encoder.trunk(photos(x).mean((2, 3))))
    shape = infer_shape(encoder, EXAMPLE)
    assert shape.levels == ((8,), (6,))


def test_parameters_are_there_once() -> None:
    encoder = stems()
    expected = [*encoder.stems["photos"].parameters(), *encoder.stems["rows"].parameters()]
    assert isinstance(encoder.trunk, nn.Module)
    expected += encoder.trunk.parameters()
    assert {id(p) for p in encoder.parameters()} == {id(p) for p in expected}


@pytest.mark.parametrize("sharing", [Hard, MMoE, Separate])
def test_a_mixture_trains_it_and_a_source_moves_its_stem_alone(sharing: Any) -> None:
    labels = {"kind": torch.arange(8) % 3, "size": torch.rand(8, 1)}
    data = {
        "photos": InMemory(torch.rand(8, 3, 16, 16), {"kind": labels["kind"]}),
        "rows": InMemory(torch.rand(8, 5), labels),
    }
    model = MultiTaskModel(sharing(stems()), tasks(), example=EXAMPLE)
    given = {name: Source(each, batch_size=4) for name, each in data.items()}
    mixture = Mixture(given, EqualShares(), tasks=model.tasks.values(), stems=True)
    Trainer(model, epochs=1, device="cpu", progress=False).fit(mixture, mixture)
    for batch in mixture:
        model.zero_grad()
        outputs = [model(part.inputs, tasks=part.tasks) for part in batch.parts]
        sum(model.losses(outputs, batch).values()).backward()  # type: ignore[union-attr]
        (source,) = {part.source for part in batch.parts}
        for name, parameter in model.named_parameters():
            other = next((each for each in EXAMPLE if each != source and each in name), None)
            if other is not None:
                assert parameter.grad is None, f"{name} on {source}"


def test_all_sources_in_a_step_and_maps_without_a_trunk() -> None:
    """Dense heads read the maps of each stem; sizes of images may differ by source."""
    maps = {
        "small": ConvEncoder(in_channels=1, widths=(4, 8)),
        "large": ConvEncoder(in_channels=3, widths=(8,)),
    }
    example = {"small": torch.rand(2, 1, 8, 8), "large": torch.rand(2, 3, 12, 12)}
    model = MultiTaskModel(Hard(Stems(maps)), [Segmentation("mask", classes=2)], example=example)
    assert model({"small": example["small"]})["mask"].shape == (2, 2, 8, 8)
    assert model({"large": example["large"]})["mask"].shape == (2, 2, 12, 12)
    data = {
        name: InMemory(each, {"mask": torch.zeros(2, *each.shape[2:], dtype=torch.long)})
        for name, each in example.items()
    }
    given = {name: Source(each, batch_size=2) for name, each in data.items()}
    mixture = Mixture(given, AllSources(), tasks=model.tasks.values(), stems=True)
    Trainer(model, epochs=1, device="cpu", progress=False).fit(mixture)


def test_a_model_folder_holds_it(tmp_path: Path) -> None:
    model = MultiTaskModel(Hard(stems()), tasks(), example=EXAMPLE)
    model.save_pretrained(tmp_path)
    read = MultiTaskModel.from_pretrained(tmp_path)
    assert_same_model(model, read)
    for name, inputs in EXAMPLE.items():
        found = read.predict({name: inputs})
        expected = model.predict({name: inputs})
        assert torch.equal(found["size"].value, expected["size"].value)


class Tokens(nn.Module):
    """A table of vectors for codes; the positions stay."""

    channel_dim = -1

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.table = nn.Embedding(10, width)

    def forward(self, codes: Tensor) -> Tensor:
        found: Tensor = self.table(codes)
        return found


class Halved(Tokens):
    """Keeps every second position."""

    def forward(self, codes: Tensor) -> Tensor:
        return super().forward(codes)[:, ::2]

    def reduce_mask(self, mask: Tensor) -> Tensor:
        return mask[:, ::2]


def sentences(length: int = 6) -> Masked:
    mask = torch.arange(length)[None] < torch.tensor([[length], [2]])
    return Masked(torch.randint(0, 10, (2, length)), mask)


class Trunk(nn.Module):
    """One layer for each token."""

    channel_dim = -1

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        found: Tensor = self.layer(tokens)
        return found


def test_padding_is_that_of_the_stem() -> None:
    """Sentences of two sources, one of which leaves half of the positions."""
    encoder = Stems({"a": Tokens(), "b": Halved()}, Trunk())
    inputs = {"a": sentences(), "b": sentences()}
    infer_shape(encoder, inputs)
    for name, stem in encoder.stems.items():
        found = encode(encoder, {name: inputs[name]})
        assert found.mask is not None
        assert found.mask.shape == found.levels[-1].shape[:2]
        assert torch.equal(found.mask, encode(stem, inputs[name]).mask)


def test_padding_is_left_out_where_stems_are_pooled() -> None:
    encoder = Stems({"a": Tokens()}, pooled=True)
    x = sentences()
    padded = Masked(torch.cat([x.values, torch.ones(2, 3, dtype=torch.long)], 1), None)
    mask = torch.cat([x.mask, torch.zeros(2, 3, dtype=torch.bool)], 1)
    first, second = encoder({"a": x}), encoder({"a": padded._replace(mask=mask)})
    assert torch.allclose(first, second)


def model_of(*encoders: nn.Module, example: Mapping[str, Any], **options: Any) -> MultiTaskModel:
    made = Stems(dict(zip(example, encoders, strict=True)), **options)
    return MultiTaskModel(Hard(made), tasks(), example=example)


def test_stems_of_other_shapes_are_refused_when_the_model_is_made() -> None:
    rows = {"a": torch.rand(2, 5), "b": torch.rand(2, 5)}
    narrow, wide = (MLPEncoder(in_features=5, widths=(width,)) for width in (4, 8))
    message = r"as many axes and channels; found \[B, 4\] of 'a' and \[B, 8\] of 'b'.* `necks`\."
    with pytest.raises(ShapeError, match=message):
        model_of(narrow, wide, example=rows)
    mixed = {"a": rows["a"], "b": torch.rand(2, 3, 8, 8)}
    with pytest.raises(ShapeError, match=r"\[B, 4\] of 'a' and \[B, 4, .*or pool them"):
        model_of(narrow, ConvEncoder(widths=(4,)), example=mixed)
    images = {"a": torch.rand(2, 3, 8, 8), "b": sentences()}
    with pytest.raises((ConfigError, ShapeError), match="pool"):
        model_of(ConvEncoder(widths=(4,)), Tokens(), example=images)


def test_positions_that_the_trunk_cannot_read_are_refused_when_the_model_is_made() -> None:
    images = {"a": torch.rand(2, 3, 8, 8), "b": torch.rand(2, 3, 16, 16)}
    pair = [ConvEncoder(widths=(4,)) for _ in range(2)]
    flat = nn.Sequential(nn.Flatten(), nn.Linear(4 * 4 * 4, 6))
    with pytest.raises(ShapeError, match=r"the trunk cannot read what the stem of 'b' gives"):
        model_of(*pair, example=images, trunk=flat)
    model_of(*pair, example=images, trunk=ConvEncoder(in_channels=4, widths=(6,)))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (torch.rand(2, 5), r"must be a dict \{source: inputs\}; found Tensor.*stems=True"),
        ({}, "must be a dict"),
        ({"row": torch.rand(2, 5)}, "unknown source of Stems 'row'.*Did you mean 'rows'"),
    ],
)
def test_inputs_of_no_source_are_refused(inputs: Any, message: str) -> None:
    model = MultiTaskModel(Hard(stems()), tasks(), example=EXAMPLE)
    with pytest.raises(DataError, match=message):
        model(inputs)


def test_necks_bring_stems_of_different_widths_to_one(tmp_path: Path) -> None:
    rows = {"a": torch.rand(2, 5), "b": torch.rand(2, 7)}
    pair = {name: MLPEncoder(in_features=x.shape[1]) for name, x in rows.items()}
    necks = {"b": MLPEncoder(in_features=7, widths=(5,))}
    trunk = MLPEncoder(in_features=5, widths=(3,))
    encoder = Stems(pair, trunk, necks=necks)
    assert infer_shape(encoder, rows).levels == ((5,), (3,))
    assert torch.equal(encoder({"b": rows["b"]}), trunk(necks["b"](rows["b"])))
    assert torch.equal(encoder({"a": rows["a"]}), trunk(rows["a"]))
    model = MultiTaskModel(Hard(encoder), tasks(), example=rows)
    model.save_pretrained(tmp_path)
    assert_same_model(model, MultiTaskModel.from_pretrained(tmp_path))
    with pytest.raises(ConfigError, match=r"unknown source of `necks` 'c'"):
        Stems(pair, necks={"c": trunk})


def test_no_stem_is_refused() -> None:
    with pytest.raises(ConfigError, match="Stems needs a stem for each source"):
        Stems({})


def test_separate_networks_are_connected_behind_their_stems() -> None:
    model = MultiTaskModel(Separate(stems()), tasks(), example=EXAMPLE, connections=[CrossStitch()])
    assert model({"rows": EXAMPLE["rows"]})["size"].shape == (2, 1)
