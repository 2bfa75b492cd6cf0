import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from plait.core.errors import ConfigError
from plait.encoders.backbones.transformers_models import (
    described,
    encoder_of,
    made,
    preprocessing,
)
from tests.encoders.backbones.small import SOUNDS, TEXT, config

transformers = pytest.importorskip("transformers")


@pytest.mark.parametrize("kind", ["bert", "t5", "vit", "wav2vec2"])
def test_the_configuration_of_a_network_makes_the_same_network(kind: str) -> None:
    torch.manual_seed(1)
    one = made(config(kind), False)
    plain = described(one)
    assert json.loads(json.dumps(plain)) == plain and plain["model_type"] == kind
    torch.manual_seed(1)
    two = made(plain, False)
    assert described(two) == plain
    assert [*one.state_dict()] == [*two.state_dict()]
    assert all(map(torch.equal, one.state_dict().values(), two.state_dict().values()))


def test_of_an_encoder_and_a_decoder_it_is_the_encoder() -> None:
    whole = transformers.T5Model(transformers.T5Config(**TEXT["t5"]))
    assert encoder_of(whole) is whole.encoder
    alone = transformers.T5EncoderModel(transformers.T5Config(**TEXT["t5"]))
    assert encoder_of(alone) is alone.encoder


def test_what_only_its_training_needs_is_left_out() -> None:
    headed = transformers.BertForMaskedLM(transformers.BertConfig(**TEXT["bert"]))
    model = encoder_of(headed)
    assert model is headed.bert and model.pooler is None and not model.config.use_cache
    sound = made({"model_type": "wav2vec2", **SOUNDS["wav2vec2"]}, False)
    assert not sound.config.apply_spec_augment


def test_weights_come_from_a_folder_in_single_precision(tmp_path: Path) -> None:
    model = made(config("bert"), False).to(torch.bfloat16)
    model.save_pretrained(tmp_path)
    again = made(str(tmp_path), False)
    for name, value in again.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, model.state_dict()[name].float()), name


def test_weights_that_can_hold_code_are_refused(tmp_path: Path) -> None:
    model = made(config("bert"), False)
    model.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="there is no model"):
        made(str(tmp_path), False)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The hosts that were looked up, while the hub's cache is a folder of the test."""
    hosts: list[str] = []

    def lookup(host: str, *rest: Any, **options: Any) -> None:
        hosts.append(host)
        raise OSError("there is no network")

    monkeypatch.setattr("socket.getaddrinfo", lookup)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return hosts


def test_a_name_that_is_not_in_the_cache_is_not_looked_up(asked: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"`download=True` asks.*nothing of that name"):
        made("nobody/model", False)
    assert not asked


def keep(model: Any, cache: Path, name: str, **options: Any) -> None:
    """Saves a model as what was downloaded lies in the hub's cache."""
    cached = cache / f"models--nobody--{name}"
    model.save_pretrained(cached / "snapshots" / ("0" * 40), **options)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0" * 40)


def test_a_name_that_is_in_the_cache_is_read_without_the_network(
    asked: list[str], tmp_path: Path
) -> None:
    """Whether or not peft is installed, for which transformers would look for an adapter."""
    model = made(config("bert"), False)
    keep(model, tmp_path, "model")
    again = made("nobody/model", False)
    assert all(map(torch.equal, again.state_dict().values(), model.state_dict().values()))
    assert not asked


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft asks for it
def test_so_is_an_adapter(asked: list[str], tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    model = made(config("bert"), False)
    keep(model, tmp_path, "model")
    model.name_or_path = "nobody/model"
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=["query"]))
    keep(adapted, tmp_path, "adapter", save_embedding_layers=False)  # peft would look for the base
    again = made("nobody/adapter", False)
    assert any("lora" in name for name in again.state_dict())
    assert not asked


def test_a_module_of_ones_own_needs_no_encoder() -> None:
    with pytest.raises(ConfigError, match="any module that gives one tensor is an encoder"):
        made(nn.Linear(2, 3), False)


@pytest.mark.parametrize(
    ("text", "wanted"), [(None, {}), ('{"image_mean": [0.5]}', {"image_mean": [0.5]}), ("[]", {})]
)
def test_how_a_folder_wants_its_pictures(text: str | None, wanted: Any, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "preprocessor_config.json").write_text(text)
    assert preprocessing(str(tmp_path)) == wanted
    assert preprocessing({"model_type": "vit"}) == {}


def test_a_damaged_description_is_refused(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(ConfigError, match="is no JSON"):
        preprocessing(str(tmp_path))


def test_weights_that_lack_some_of_the_network_are_refused(tmp_path: Path) -> None:
    model = made(config("bert"), False)
    model.save_pretrained(tmp_path)
    assert made(str(tmp_path), False).pooler is None  # which nothing reads
    weights = load_file(tmp_path / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ConfigError, match=r"lack 1 of the network, such as encoder\.layer\.1"):
        made(str(tmp_path), False)


def test_reading_a_folder_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made(config("bert"), False).save_pretrained(tmp_path)
    messages = transformers.utils.logging
    before = messages.get_verbosity(), messages.is_progress_bar_enabled()
    capfd.readouterr()
    made(str(tmp_path), False)
    assert capfd.readouterr() == ("", "")
    assert (messages.get_verbosity(), messages.is_progress_bar_enabled()) == before
