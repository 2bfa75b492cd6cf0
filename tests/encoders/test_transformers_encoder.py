import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from plait import Batch, MultiTaskModel, backward
from plait.balancing import IMTLG, MGDA, AlignedMTL, CAGrad, NashMTL, PCGrad, UPGrad
from plait.connections import CrossStitch
from plait.core import Masked
from plait.core.errors import ConfigError
from plait.core.structure import map_tensors
from plait.encoders import TransformersEncoder
from plait.encoders.backbones.transformers_models import made
from plait.networks import encode, infer_shape
from plait.sharing import MTAN, Hard, MMoE, Separate
from plait.tasks import Classification, Regression, Segmentation, Tagging
from tests.encoders.backbones.small import PICTURES, SOUNDS, TEXT, config

transformers = pytest.importorskip("transformers")

LENGTHS = torch.tensor([[7], [4]])
SENTENCES = Masked(torch.randint(3, 50, (2, 7, 1)), torch.arange(7) < LENGTHS)
SAMPLES = Masked(torch.randn(2, 2000), torch.arange(2000) < torch.tensor([[2000], [1200]]))


def pair(kind: str, **options: Any) -> tuple[TransformersEncoder, Any]:
    """An encoder, and a model of transformers with the same weights."""
    torch.manual_seed(1)
    encoder = TransformersEncoder(config(kind), **options).eval()
    torch.manual_seed(1)
    return encoder, made(config(kind), False).eval()


@pytest.mark.parametrize("kind", TEXT)
def test_tokens_are_the_last_hidden_state(kind: str) -> None:
    encoder, model = pair(kind)
    codes, mask = SENTENCES
    features = encode(encoder, SENTENCES)
    own = model(input_ids=codes[..., 0], attention_mask=mask.long()).last_hidden_state
    assert features.channel_dim == -1 and features.mask is mask
    torch.testing.assert_close(features.levels[-1][mask], own[mask])
    assert torch.equal(encoder(codes, mask), features.levels[-1])
    whole = model(input_ids=codes[..., 0]).last_hidden_state
    torch.testing.assert_close(encoder(codes[..., 0]), whole)


@pytest.mark.parametrize("kind", ["bert", "roberta", "gpt2", "llama"])
def test_embeddings_and_blocks_are_stages(kind: str) -> None:
    encoder, model = pair(kind)
    codes, mask = SENTENCES
    own = model(codes[..., 0], attention_mask=mask.long(), output_hidden_states=True)
    levels = encode(encoder, SENTENCES).levels
    assert len(levels) == 3
    for level, state in zip(levels, [*own.hidden_states[:-1], own.last_hidden_state], strict=True):
        torch.testing.assert_close(level[mask], state[mask])


def test_methods_between_stages_find_them() -> None:
    tasks = [Regression("a"), Tagging("b", classes=3)]
    encoder = TransformersEncoder(config("bert"))
    for model in (
        MultiTaskModel(Hard(encoder, attach={"a": 1}), tasks, example=SENTENCES),
        MultiTaskModel(MTAN(copy.deepcopy(encoder)), tasks, example=SENTENCES),
        MultiTaskModel(
            Separate(encoder, copies="clone"), tasks, connections=[CrossStitch()], example=SENTENCES
        ),
    ):
        assert model(SENTENCES)["b"].shape == (2, 7, 3)


def test_the_network_is_the_one_of_the_configuration() -> None:
    torch.manual_seed(1)
    encoder = TransformersEncoder(config("bert"))
    torch.manual_seed(1)
    own = transformers.BertModel(transformers.BertConfig(**TEXT["bert"]))
    embeddings, *blocks = encoder.stages
    parts = {"embeddings": embeddings, "encoder.layer.0": blocks[0], "encoder.layer.1": blocks[1]}
    mine = encoder.state_dict()
    for name, stage in parts.items():
        for key, value in own.get_submodule(name).state_dict().items():
            where = name.replace(".1", ".0")
            assert torch.equal(stage.model.get_submodule(where).state_dict()[key], value)
            del mine[f"stages.{list(parts).index(name)}.model.{where}.{key}"]
    assert not mine  # the pooler is left out


@pytest.mark.parametrize("kind", ["vit", "dinov2", "dinov2_with_registers", "swin"])
def test_tokens_of_a_picture_are_maps(kind: str) -> None:
    encoder, model = pair(kind, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    pixels = torch.rand(2, 3, 32, 32)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    own = model((pixels - mean[:, None, None]) / std[:, None, None])
    features = encode(encoder, (pixels - 0.5) / 0.25)
    side = 4
    tokens = own.last_hidden_state[:, -side * side :]
    assert features.grid == (32, 32) and features.channel_dim == 1
    torch.testing.assert_close(features.levels[-1].flatten(2).mT, tokens, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["convnext", "resnet"])
def test_networks_of_maps_have_a_stage_for_each_grid(kind: str) -> None:
    images = torch.randn(2, 3, 64, 32)
    torch.manual_seed(1)
    encoder = TransformersEncoder(config(kind)).eval()
    torch.manual_seed(1)
    kinds = {"convnext": transformers.ConvNextModel, "resnet": transformers.ResNetModel}
    settings = {"convnext": transformers.ConvNextConfig, "resnet": transformers.ResNetConfig}
    model = kinds[kind](settings[kind](**PICTURES[kind])).eval()
    own = model(images, output_hidden_states=True)
    levels = encode(encoder, images).levels
    assert len(levels) == 2
    torch.testing.assert_close(levels[-1], own.last_hidden_state)
    for level in levels[1:]:
        assert any(
            level.shape == state.shape and torch.allclose(level, state, atol=1e-6)
            for state in own.hidden_states
        )


@pytest.mark.parametrize("kind", SOUNDS)
def test_frames_of_sounds_have_the_mask_of_the_network(kind: str) -> None:
    encoder, model = pair(kind)
    features = encode(encoder, SAMPLES)
    silent = SAMPLES.values.masked_fill(~SAMPLES.mask, 0)
    own = model(silent, attention_mask=SAMPLES.mask.long()).last_hidden_state
    torch.testing.assert_close(features.levels[-1], own)
    frames = torch.tensor([[6], [3]])  # 2000 and 1200 samples
    assert features.mask is not None
    assert torch.equal(features.mask, torch.arange(6) < frames)


def test_sounds_are_normalised_by_their_own_samples() -> None:
    plain, _ = pair("wav2vec2")
    normal, _ = pair("wav2vec2", normalize=True)
    values = SAMPLES.values.clone()
    for row, mask in zip(values, SAMPLES.mask, strict=True):
        row[mask] = (row[mask] - row[mask].mean()) / (row[mask].var(unbiased=False) + 1e-7).sqrt()
    wanted = encode(plain, Masked(values, SAMPLES.mask)).levels[-1]
    louder = Masked(SAMPLES.values * 3 + 1, SAMPLES.mask)
    torch.testing.assert_close(encode(normal, louder).levels[-1], wanted, atol=1e-4, rtol=1e-4)


def test_an_example_without_a_real_position_gives_numbers() -> None:
    empty = Masked(SENTENCES.values, torch.zeros_like(SENTENCES.mask))
    assert bool(encode(pair("llama")[0], empty).levels[-1].isfinite().all())
    silent = Masked(SAMPLES.values, torch.zeros_like(SAMPLES.mask))
    features = encode(pair("wav2vec2", normalize=True)[0], silent)
    assert bool(features.levels[-1].isfinite().all())
    assert features.mask is not None and not bool(features.mask.any())


EXAMPLES: dict[str, Any] = {
    **dict.fromkeys(TEXT, SENTENCES),
    **dict.fromkeys(PICTURES, torch.randn(2, 3, 32, 32)),
    **dict.fromkeys(SOUNDS, SAMPLES),
}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_it_comes_back_from_its_folder(kind: str, tmp_path: Path) -> None:
    """`MultiTaskModel` tries on the example that padding changes nothing."""
    tasks: list[Any] = [Classification("kind", classes=3), Regression("size")]
    tasks += [Tagging("tags", classes=4)] if kind in TEXT else []
    tasks += [Segmentation("mask", classes=2)] if kind in PICTURES else []
    example = EXAMPLES[kind]
    model = MultiTaskModel(Hard(TransformersEncoder(config(kind))), tasks, example=example).eval()
    model.save_pretrained(tmp_path)
    assert "model_type" in (tmp_path / "config.json").read_text()
    again = MultiTaskModel.from_pretrained(tmp_path).eval()
    for task, prediction in model(example).items():
        assert torch.equal(prediction, again(example)[task])


def flat(weights: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> Tensor:
    pairs = zip(weights, gradients, strict=True)
    return torch.cat([(torch.zeros_like(w) if g is None else g).flatten() for w, g in pairs])


@pytest.mark.parametrize("kind", ["bert", "gpt2", "t5", "vit", "wav2vec2"])
def test_each_task_has_its_own_gradient(kind: str) -> None:
    """Rows of per-task gradients are those of losses that are differentiated one by one."""
    encoder, example = TransformersEncoder(config(kind)), EXAMPLES[kind]
    model = MultiTaskModel(Hard(encoder), [Regression("a"), Regression("b")], example=example)
    model.eval()
    targets = {"a": torch.tensor([0.3, -1.0]), "b": torch.tensor([2.0, 0.1])}
    batch = Batch.of(example, targets, model.tasks.values())
    losses = model.losses([model(example)], batch)
    shared = [each for each in encoder.parameters() if each.requires_grad]
    rows = []
    for loss in losses.values():
        found = torch.autograd.grad(loss, shared, retain_graph=True, allow_unused=True)
        rows.append(
            [torch.zeros_like(p) if g is None else g for p, g in zip(shared, found, strict=True)]
        )
    jacobian = torch.stack([torch.cat([each.flatten() for each in row]) for row in rows])
    weights = UPGrad().weights(jacobian @ jacobian.T)
    backward(losses, UPGrad(), scale="paper")
    written = flat(shared, [each.grad for each in shared])
    torch.testing.assert_close(written, weights.to(jacobian) @ jacobian, atol=1e-5, rtol=1e-3)


def folder_of(kind: str, folder: Path, **told: Any) -> Path:
    pair(kind)[1].save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    return folder


def test_a_folder_of_a_pretrained_model(tmp_path: Path) -> None:
    path = folder_of("vit", tmp_path / "vit", image_mean=[0.1, 0.2, 0.3], image_std=[1, 2, 3])
    encoder, (_, model) = TransformersEncoder(str(path)).eval(), pair("vit")
    images = torch.randn(2, 3, 32, 32)
    shift, scale = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([1.0, 2.0, 3.0])
    own = model((images * 0.25 + 0.5 - shift[:, None, None]) / scale[:, None, None])
    torch.testing.assert_close(encoder(images).flatten(2).mT, own.last_hidden_state[:, 1:])
    model = MultiTaskModel(Hard(encoder), [Regression("a")], example=images).eval()
    model.save_pretrained(tmp_path / "model")
    for file in path.iterdir():
        file.unlink()
    again = MultiTaskModel.from_pretrained(tmp_path / "model").eval()
    assert torch.equal(model(images)["a"], again(images)["a"])
    assert again.sharing.encoder.mean == [0.1, 0.2, 0.3]


def test_a_folder_of_a_model_of_sounds_says_whether_it_is_normalised(tmp_path: Path) -> None:
    path = folder_of("wav2vec2", tmp_path, do_normalize=True)
    assert TransformersEncoder(str(path)).normalize
    assert not TransformersEncoder(str(path), normalize=False).normalize


@pytest.mark.parametrize("name", ["BertForSequenceClassification", "BertModel"])
def test_a_model_itself(name: str) -> None:
    model = getattr(transformers, name)(transformers.BertConfig(**TEXT["bert"])).eval()
    encoder = TransformersEncoder(model).eval()
    codes, mask = SENTENCES
    base = model.base_model
    own = base(input_ids=codes[..., 0], attention_mask=mask.long()).last_hidden_state
    torch.testing.assert_close(encoder(codes, mask)[mask], own[mask])
    assert encoder.source["model_type"] == "bert" and encoder.source["hidden_size"] == 16


def test_copies_of_it() -> None:
    encoder = TransformersEncoder(config("bert"))
    tasks = [Regression("a"), Tagging("b", classes=3)]
    for sharing in (Separate(encoder, copies="clone"), MMoE(encoder, experts=2, copies="clone")):
        model = MultiTaskModel(sharing, tasks, example=SENTENCES)
        assert model(SENTENCES)["b"].shape == (2, 7, 3)


def test_short_sounds_train() -> None:
    """The masking of spectra refuses sounds of fewer frames than it masks."""
    encoder = TransformersEncoder(config("wav2vec2")).train()
    assert encode(encoder, SAMPLES).levels[-1].requires_grad


# --- adapters -------------------------------------------------------------------------------

LORA: dict[str, Any] = {"r": 2, "target_modules": ["query", "value"]}


def adapted_model(**options: Any) -> tuple[MultiTaskModel, Batch]:
    encoder = TransformersEncoder(config("bert"), adapter=LORA)
    tasks = [Classification("kind", classes=3), Tagging("tags", classes=4)]
    model = MultiTaskModel(Hard(encoder), tasks, example=SENTENCES)
    tags = torch.randint(4, (2, 7)).masked_fill(~SENTENCES.mask, -100)
    targets = {"kind": torch.tensor([0, 2]), "tags": tags}
    return model, Batch.of(SENTENCES, targets, model.tasks.values())


def gradients(model: MultiTaskModel, batch: Batch) -> dict[str, list[Tensor | None]]:
    losses = model.losses([model(SENTENCES)], batch)
    weights = [p for n, p in model.named_parameters() if ".lora_A." in n]
    return {
        name: list(torch.autograd.grad(loss, weights, retain_graph=True))
        for name, loss in losses.items()
    }


def test_adapters_learn_alone() -> None:
    model, batch = adapted_model()
    names = {n for n, p in model.sharing.named_parameters() if p.requires_grad}
    assert len(names) == 8 and all("lora_" in name for name in names)
    base = {n: p.clone() for n, p in model.sharing.named_parameters() if n not in names}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        backward(model.losses([model(SENTENCES)], batch), UPGrad())
        optimizer.step()
    after = dict(model.sharing.named_parameters())
    assert all(torch.equal(after[name], value) for name, value in base.items())
    assert all(bool(after[name].grad.abs().sum() > 0) for name in names)  # type: ignore[union-attr]


def test_at_the_first_step_the_first_factor_has_no_gradient() -> None:
    """B is 0, so that of A is exactly 0 for every task; after a step it is not."""
    model, batch = adapted_model()
    for rows in gradients(model, batch).values():
        assert all(float(row.abs().max()) == 0 for row in rows if row is not None)
    for name, parameter in model.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter)
    for rows in gradients(model, batch).values():
        assert any(float(row.abs().max()) > 0 for row in rows if row is not None)


@pytest.mark.parametrize("balancer", [UPGrad, PCGrad, MGDA, CAGrad, AlignedMTL, IMTLG, NashMTL])
@pytest.mark.parametrize("first_alone", [True, False])
def test_balancers_begin_where_every_gradient_is_zero(balancer: Any, first_alone: bool) -> None:
    """A Gramian of zeros, or one to which the first factor adds nothing, gives finite steps."""
    model, batch = adapted_model()
    second = [p for n, p in model.named_parameters() if ".lora_B." in n]
    for parameter in second:
        parameter.requires_grad_(not first_alone)
    backward(model.losses([model(SENTENCES)], batch), balancer())
    for name, parameter in model.named_parameters():
        if ".lora_A." in name:
            assert parameter.grad is not None and float(parameter.grad.abs().max()) == 0
        elif parameter.grad is not None:
            assert bool(parameter.grad.isfinite().all()), name
    assert first_alone or all(float(p.grad.abs().max()) > 0 for p in second)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_a_model_that_has_adapters_keeps_them(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    model = transformers.BertModel(transformers.BertConfig(**TEXT["bert"]))
    wrapped = peft.get_peft_model(model, peft.LoraConfig(**LORA))
    for name, parameter in wrapped.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter)
    encoder = TransformersEncoder(wrapped)
    assert {n for n, p in encoder.named_parameters() if p.requires_grad} == {
        name for name, _ in encoder.named_parameters() if "lora_" in name
    }
    tasks = [Regression("a")]
    saved = MultiTaskModel(Hard(encoder), tasks, example=SENTENCES).eval()
    saved.save_pretrained(tmp_path)
    again = MultiTaskModel.from_pretrained(tmp_path).eval()
    assert torch.equal(saved(SENTENCES)["a"], again(SENTENCES)["a"])
    assert sum(p.requires_grad for p in again.sharing.parameters()) == 8


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"model_type": "bret"}, r"found 'bret'\. Did you mean"),
        ({"hidden_size": 16}, "`model_type` of a configuration must be one of"),
        ({**config("bert"), "num_attention_heads": 3}, "transformers cannot make a bert of this"),
        ("/nowhere/at/all", "there is no model '/nowhere/at/all' in a folder or the cache"),
        (torch.nn.Linear(2, 3), "must be a model of transformers; found Linear"),
        ({"model_type": "whisper", "vocab_size": 60, "pad_token_id": 0}, "reads 'input_features'"),
    ],
)
def test_what_is_no_model(source: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TransformersEncoder(source)


def test_a_configuration_asks_for_no_code_and_no_other_weights() -> None:
    hostile = {
        "auto_map": {"AutoModel": "stranger/code--modeling.Evil"},
        "_attn_implementation": "stranger/kernel",
        "quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True},
        "dtype": "float16",
    }
    encoder = TransformersEncoder({**config("bert"), **hostile})
    assert next(encoder.parameters()).dtype == torch.float32
    assert not hostile.keys() & encoder.source.keys()


def test_shapes_are_found() -> None:
    assert infer_shape(TransformersEncoder(config("bert")), SENTENCES).levels == ((7, 16),) * 3
    doubled = map_tensors(lambda x: torch.cat([x, x]), SAMPLES)
    assert infer_shape(TransformersEncoder(config("wav2vec2")), doubled).levels == ((6, 16),)


def test_sounds_shorter_than_a_frame_go_on_with_silence() -> None:
    encoder, model = pair("wav2vec2")
    short = Masked(torch.randn(2, 30), torch.arange(30) < torch.tensor([[30], [0]]))
    features = encode(encoder, short)
    assert features.mask is not None and features.mask.tolist() == [[True], [False]]
    silent = torch.zeros(2, 400)
    silent[0, :30] = short.values[0]
    torch.testing.assert_close(features.levels[-1], model(silent).last_hidden_state)
    beside = Masked(torch.zeros(2, 2000), torch.arange(2000) < torch.tensor([[30], [2000]]))
    beside.values[0, :30] = short.values[0]
    longer = encode(encoder, beside)
    assert longer.mask is not None and longer.mask.sum(dim=1).tolist() == [1, 6]
    torch.testing.assert_close(longer.levels[-1][0, 0], features.levels[-1][0, 0])
