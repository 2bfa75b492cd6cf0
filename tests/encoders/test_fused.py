import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from plait import MultiTaskModel
from plait.connections import CrossStitch
from plait.core import Masked
from plait.core.columns import Column
from plait.core.errors import ConfigError, ShapeError
from plait.encoders import ConvEncoder, Fused, TextEncoder, TransformersEncoder, as_staged
from plait.encoders.backbones.transformers_models import made
from plait.model.describe import describe, rebuild
from plait.networks import copy_of, encode, infer_shape, reads_codes, stages_of
from plait.sharing import Hard, MMoE, Separate
from plait.tasks import Classification, Regression, Segmentation, Tagging
from tests.encoders.backbones.small import config
from tests.encoders.inputs.columns import AGE, EVERY, KIND, PHOTO, SPEECH, TITLE, batch, small

EACH = {"row": [AGE, KIND], "photo": [PHOTO], "title": [TITLE], "speech": [SPEECH]}


def fused(*columns: Column, **options: Any) -> Fused:
    torch.manual_seed(0)
    names = Fused(columns).inputs
    return Fused(columns, small(*names), **options).eval()


@pytest.mark.parametrize("name", EACH)
def test_of_one_input_it_is_that_inputs_encoder(name: str) -> None:
    encoder, inputs = fused(*EACH[name]), batch(name)[name]
    torch.manual_seed(0)
    Fused(EACH[name])
    alone: Any = rebuild(describe(encoder)["encoders"][name] | _facts(name), "encoders")  # type: ignore[index]
    alone.load_state_dict(encoder.state_dict())
    own, other = encode(encoder, inputs), encode(alone.eval(), inputs)
    assert len(own.levels) == len(other.levels)
    assert all(map(torch.equal, own.levels, other.levels))
    assert (own.channel_dim, own.grid) == (other.channel_dim, other.grid)
    assert own.mask is other.mask
    assert torch.equal(encoder(inputs), own.levels[-1])


def _facts(name: str) -> dict[str, Any]:
    if name == "row":
        return {"columns": [AGE.plain(), KIND.plain()]}
    return EACH[name][0].known


def test_several_inputs_become_one_vector_and_a_trunk() -> None:
    encoder, inputs = fused(*EVERY, widths=(7, 3)), batch(*EACH)
    assert encoder.inputs == ("row", "photo", "title", "speech")
    features = encode(encoder, inputs)
    total = 6 + 4 + 4 + 6 + 5  # units and linear inputs, maps, tokens, features
    assert features.levels[0].shape == (3, total)
    assert [tuple(level.shape) for level in features.levels[1:]] == [(3, 7), (3, 3)]
    assert features.mask is None and features.grid is None and features.channel_dim == 1
    assert all(level.isfinite().all() for level in features.levels)
    assert torch.equal(encoder(inputs), features.levels[-1])
    assert len(stages_of(fused(*EVERY))) == 2 and fused(*EVERY)(inputs).shape == (3, 128)
    assert len(stages_of(fused(*EVERY, widths=()))) == 1


def test_padding_of_any_input_changes_nothing() -> None:
    encoder, inputs = fused(*EVERY), batch(*EACH)
    found = encoder(inputs)
    for example, (words, samples) in enumerate([(5, 500), (2, 90), (0, 0)]):
        alone = {
            "row": inputs["row"][example : example + 1],
            "photo": inputs["photo"][example : example + 1],
            "title": _cut(inputs["title"], example, words),
            "speech": _cut(inputs["speech"], example, samples),
        }
        torch.testing.assert_close(
            encoder(alone), found[example : example + 1], rtol=1e-3, atol=1e-4
        )


def _cut(padded: Masked, example: int, length: int) -> Masked:
    return Masked(*(each[example : example + 1, :length] for each in padded))


@pytest.mark.parametrize("dense", ["photo", "title"])
def test_one_input_keeps_its_positions(dense: str) -> None:
    encoder, inputs = fused(*EVERY, dense=dense, beside=2, widths=(7,)), batch(*EACH)
    alone = fused(*EACH[dense])
    features, own = encode(encoder, inputs), encode(alone, inputs[dense])
    assert len(features.levels) == len(own.levels) + 1
    axis = features.channel_dim
    assert axis == own.channel_dim
    assert (features.grid, features.mask) == (own.grid, own.mask)
    for level, other in zip(features.levels, own.levels, strict=False):
        assert level.shape[axis] == other.shape[axis] + 2
        rows = level.movedim(axis, 1).flatten(2)[:, -2:]
        assert torch.equal(rows, rows[..., :1].expand_as(rows))
    assert features.levels[-1].shape[axis] == 7
    changed = {**inputs, "speech": Masked(inputs["speech"].values * 3 + 0.1, inputs["speech"].mask)}
    assert not torch.allclose(encoder(changed), encoder(inputs))


def test_gates_cannot_read_several_inputs() -> None:
    assert reads_codes(fused(PHOTO, AGE)) and reads_codes(fused(TITLE))
    assert not reads_codes(fused(PHOTO))


def test_shapes_are_found_on_the_example() -> None:
    inputs = batch(*EACH)
    assert infer_shape(fused(*EVERY, widths=(7,)), inputs).levels == ((25,), (7,))
    shape = infer_shape(fused(*EVERY, dense="title", beside=2, widths=()), inputs)
    assert shape.levels == ((5, 8), (5, 8)) and shape.channel_dim == -1


def test_every_weight_gets_a_finite_gradient_and_follows_from_the_seed() -> None:
    encoder, inputs = fused(*EVERY), batch(*EACH)
    encoder.train()
    gradients = torch.autograd.grad(encoder(inputs).square().sum(), list(encoder.parameters()))
    assert all(each.isfinite().all() for each in gradients)
    one, same, other = (copy_of(encoder, "reset", seed) for seed in (1, 1, 2))
    states = [list(each.state_dict().values()) for each in (one, same, other)]
    assert all(map(torch.equal, states[0], states[1]))
    assert not all(map(torch.equal, states[0], states[2]))
    names = [name for name, _ in encoder.named_parameters(remove_duplicate=False)]
    assert len(names) == len(set(map(id, encoder.parameters())))


@pytest.mark.parametrize("dense", [None, "photo", "title"])
def test_a_file_describes_it(dense: str | None) -> None:
    encoder = Fused(EVERY, small("photo", "title", "speech"), dense=dense, beside=3)
    described = describe(encoder)
    assert described is not None
    again: Any = rebuild(described, "encoders")
    again.load_state_dict(encoder.state_dict())
    assert describe(again) == described
    inputs = batch(*EACH)
    assert torch.equal(again.eval()(inputs), encoder.eval()(inputs))


def test_modules_are_described_too_unless_they_are_the_users_own() -> None:
    text = TextEncoder(codes=5, pieces=20, width=6)
    described = describe(Fused([TITLE, AGE], {"title": text}))
    assert described is not None
    assert described["encoders"]["title"]["codes"] == 5
    rebuild(described, "encoders")
    assert describe(Fused([PHOTO], {"photo": nn.Conv2d(3, 4, 3)})) is None


def test_a_view_of_functions_can_be_one_of_its_encoders() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    with pytest.raises(ShapeError, match="stage"):
        Fused([PHOTO], {"photo": as_staged(net, ["0", lambda x: [x]], channel_dim=1)})
    view = as_staged(net, ["0", torch.relu], channel_dim=1)
    inputs = batch("photo")["photo"]
    assert torch.equal(Fused([PHOTO], {"photo": view})(inputs), net(inputs))


SHARING = {
    "hard": lambda encoder: Hard(encoder),
    "mmoe": lambda encoder: MMoE(encoder, experts=2),
    "separate": lambda encoder: Separate(encoder),
}


@pytest.mark.parametrize("sharing", SHARING)
@pytest.mark.parametrize("dense", [None, "photo", "title"])
def test_sharing_works_on_several_inputs(sharing: str, dense: str | None, tmp_path: Path) -> None:
    inputs = batch(*EACH)
    tasks: list[Any] = [Classification("kind", classes=3), Regression("price")]
    tasks += [Segmentation("mask", classes=2)] if dense == "photo" else []
    tasks += [Tagging("tags", classes=4)] if dense == "title" else []
    model = MultiTaskModel(SHARING[sharing](fused(*EVERY, dense=dense)), tasks, example=inputs)
    outputs = model(inputs)
    assert outputs["kind"].shape == (3, 3)
    if dense == "photo":
        assert outputs["mask"].shape == (3, 2, 16, 12)
    if dense == "title":
        assert outputs["tags"].shape == (3, 5, 4)
    assert all(each.isfinite().all() for each in outputs.values())
    model.save_pretrained(tmp_path / "model")
    again = MultiTaskModel.from_pretrained(tmp_path / "model")
    for name, prediction in model.eval()(inputs).items():
        assert torch.equal(again.eval()(inputs)[name], prediction)


@pytest.mark.parametrize("dense", [None, "photo", "title"])
def test_stages_of_two_networks_are_stitched(dense: str | None) -> None:
    inputs = batch(*EACH)
    model = MultiTaskModel(
        Separate(fused(*EVERY, dense=dense)),
        [Classification("kind", classes=3), Regression("price")],
        example=inputs,
        connections=[CrossStitch()],
    )
    outputs = model(inputs)
    assert all(each.isfinite().all() for each in outputs.values())


def test_a_deep_copy_is_independent() -> None:
    encoder, inputs = fused(*EVERY), batch(*EACH)
    clone = copy.deepcopy(encoder)
    before = encoder(inputs)
    with torch.no_grad():
        for parameter in clone.parameters():
            parameter.add_(1)
    assert torch.equal(encoder(inputs), before)
    assert not torch.equal(clone(inputs), before)


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ([], {}, "at least one column"),
        ([PHOTO, AGE], {"dense": "phto"}, "`dense` 'phto'; known: photo, row.*'photo'"),
        ([SPEECH, AGE], {"dense": "speech"}, "must name an input whose encoder keeps"),
        ([PHOTO], {"encoders": {"foto": "ConvEncoder"}}, "'foto'.*Did you mean 'photo'"),
        ([PHOTO], {"encoders": {"photo": "ConvEncodr"}}, "Did you mean 'ConvEncoder'"),
        (
            [PHOTO],
            {"encoders": {"photo": {"class": "ConvEncoder", "width": 3}}},
            "no option 'width'",
        ),
    ],
)
def test_wrong_options_are_explained(
    columns: list[Column], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        Fused(columns, **options)


def test_an_encoder_that_cannot_read_its_column_is_refused() -> None:
    with pytest.raises(ShapeError, match="cannot read inputs of shape"):
        Fused([PHOTO], {"photo": ConvEncoder(in_channels=1, widths=(3,))})


# --- networks of other libraries ------------------------------------------------------------


def test_the_source_of_weights_is_needed_once(tmp_path: Path) -> None:
    """A file describes what an encoder has become, and not where its weights came from."""
    pytest.importorskip("transformers")
    made(config("bert"), False).save_pretrained(tmp_path)
    given = {TITLE.name: {"class": "TransformersEncoder", "source": str(tmp_path)}}
    encoder = Fused([TITLE, PHOTO], given).eval()
    described = describe(encoder)
    assert described is not None and str(tmp_path) not in str(described)
    for file in tmp_path.iterdir():
        file.unlink()
    again = rebuild(described, "encoders").eval()
    again.load_state_dict(encoder.state_dict())
    inputs = batch("photo", "title")
    assert torch.equal(encoder(inputs), again(inputs))


def test_frames_of_sounds_have_their_own_mask() -> None:
    pytest.importorskip("transformers")
    encoder = Fused([SPEECH], {SPEECH.name: TransformersEncoder(config("wav2vec2"))}).eval()
    sounds = Masked(torch.randn(2, 2000), torch.arange(2000) < torch.tensor([[2000], [1200]]))
    for each in (encoder, copy.deepcopy(encoder)):
        mask = encode(each, sounds).mask
        assert mask is not None and mask.tolist() == [[True] * 6, [True] * 3 + [False] * 3]
    words = Masked(torch.ones(2, 3, 9, dtype=torch.long), torch.ones(2, 3, dtype=torch.bool))
    assert encode(Fused([TITLE]).eval(), words).mask is words.mask
