from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from plait import Batch, MultiTaskModel, backward
from plait.balancing import UPGrad
from plait.core.errors import ConfigError
from plait.encoders import TimmEncoder
from plait.networks import encode, infer_shape
from plait.sharing import Hard
from plait.tasks import Classification, Segmentation

timm = pytest.importorskip("timm", reason="needs timm and torchvision", exc_type=ImportError)

RESNET: dict[str, Any] = {"layers": (1, 1, 1, 1), "channels": (4, 4, 8, 8)}
VIT: dict[str, Any] = {
    "img_size": 32,
    "patch_size": 8,
    "embed_dim": 16,
    "depth": 2,
    "num_heads": 2,
    "class_token": True,
}
SWIN: dict[str, Any] = {
    "img_size": 32,
    "patch_size": 4,
    "embed_dim": 16,
    "depths": (1, 2),
    "num_heads": (1, 2),
    "window_size": 4,
    "drop_path_rate": 0.2,
}
SMALL: dict[str, tuple[dict[str, Any], list[tuple[int, ...]]]] = {
    "resnet18": (RESNET, [(64, 16, 16), (4, 8, 8), (4, 4, 4), (8, 2, 2), (8, 1, 1)]),
    "convnext_atto": (
        {"dims": (4, 8, 8, 16), "depths": (1, 1, 1, 1)},
        [(4, 8, 8), (8, 4, 4), (8, 2, 2), (16, 1, 1)],
    ),
    "mambaout_femto": ({"dims": (8, 16), "depths": (1, 1)}, [(8, 8, 8), (16, 4, 4)]),
    "swin_tiny_patch4_window7_224": (SWIN, [(16, 8, 8), (32, 4, 4)]),
    "vit_tiny_patch16_224": (VIT, [(16, 4, 4)]),
}
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def pair(name: str) -> tuple[TimmEncoder, Any]:
    """An encoder, and timm's own model with the same weights."""
    options = SMALL[name][0]
    torch.manual_seed(1)
    encoder = TimmEncoder(name, options=options).eval()
    torch.manual_seed(1)
    return encoder, timm.create_model(name, num_classes=0, **options).eval()


@pytest.mark.parametrize("name", SMALL)
def test_its_levels_are_maps_and_the_last_is_what_the_network_gives(name: str) -> None:
    encoder, model = pair(name)
    pixels = torch.rand(2, 3, 32, 32)
    mean, std = (MEAN, STD) if not name.startswith("vit") else (torch.full((3,), 0.5),) * 2
    own = model.forward_features((pixels - mean[:, None, None]) / std[:, None, None])
    levels = encode(encoder, (pixels - 0.5) / 0.25).levels
    assert [tuple(level.shape[1:]) for level in levels] == SMALL[name][1]
    if own.dim() == 3:
        own = own[:, 1:].mT.reshape(levels[-1].shape)
    elif name.startswith(("mamba", "swin")):
        own = own.movedim(-1, 1)
    torch.testing.assert_close(levels[-1], own, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["resnet18", "mambaout_femto"])
def test_its_levels_are_timms_own(name: str) -> None:
    encoder, model = pair(name)
    pixels = torch.rand(2, 3, 32, 32)
    own = model.forward_intermediates((pixels - MEAN[:, None, None]) / STD[:, None, None])[1]
    for mine, timms in zip(encode(encoder, (pixels - 0.5) / 0.25).levels, own, strict=True):
        torch.testing.assert_close(mine, timms, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", SMALL)
def test_it_serves_heads_of_both_kinds_and_comes_back_from_its_folder(
    name: str, tmp_path: Path
) -> None:
    images = torch.randn(2, 3, 32, 32)
    tasks = [Classification("kind", classes=3), Segmentation("mask", classes=2)]
    encoder = TimmEncoder(name, options=SMALL[name][0])
    model = MultiTaskModel(Hard(encoder), tasks, example=images).eval()
    model.save_pretrained(tmp_path)
    again = MultiTaskModel.from_pretrained(tmp_path).eval()
    for task, prediction in model(images).items():
        assert torch.equal(prediction, again(images)[task])
    assert model(images)["mask"].shape == (2, 2, 32, 32)


def test_a_folder_asks_for_no_other_weights(tmp_path: Path) -> None:
    one = timm.create_model("resnet18", num_classes=5, **RESNET)
    save_file(one.state_dict(), tmp_path / "weights.safetensors")
    encoder = TimmEncoder("resnet18", weights=str(tmp_path / "weights.safetensors"), options=RESNET)
    (tmp_path / "weights.safetensors").unlink()
    images = torch.randn(2, 3, 32, 32)
    tasks = [Classification("kind", classes=3)]
    model = MultiTaskModel(Hard(encoder), tasks, example=images).eval()
    model.save_pretrained(tmp_path / "model")
    again = MultiTaskModel.from_pretrained(tmp_path / "model").eval()
    assert torch.equal(model(images)["kind"], again(images)["kind"])
    assert (encoder.pretrained, encoder.weights) == (False, None)


def test_a_model_of_timm_itself() -> None:
    model = timm.create_model("resnet18", num_classes=0, **RESNET).eval()
    encoder = TimmEncoder(model).eval()
    assert set(encoder.parameters()) == set(model.parameters())
    images = torch.randn(2, 3, 32, 32)
    shift = (images * 0.25 + 0.5 - MEAN[:, None, None]) / STD[:, None, None]
    torch.testing.assert_close(encoder(images), model.forward_features(shift))


@pytest.mark.parametrize(
    ("name", "targets"), [("resnet18", ["conv1", "conv2"]), ("vit_tiny_patch16_224", ["qkv"])]
)
def test_adapters_learn_alone_and_come_back(name: str, targets: list[str], tmp_path: Path) -> None:
    pytest.importorskip("peft")
    adapter = {"r": 2, "target_modules": targets}
    images = torch.randn(4, 3, 32, 32)
    tasks = [Classification("kind", classes=3), Segmentation("mask", classes=2)]
    encoder = TimmEncoder(name, options=SMALL[name][0], adapter=adapter)
    model = MultiTaskModel(Hard(encoder), tasks, example=images)
    learning = {key for key, each in encoder.named_parameters() if each.requires_grad}
    assert learning and all("lora_" in key for key in learning)
    targets_of = {"kind": torch.tensor([0, 1, 2, 0]), "mask": torch.randint(2, (4, 32, 32))}
    outputs = model(images)
    backward(model.losses([outputs], Batch.of(images, targets_of, model.tasks.values())), UPGrad())
    reached = {key for key, each in encoder.named_parameters() if each.grad is not None}
    assert reached == learning
    model.eval().save_pretrained(tmp_path)
    again = MultiTaskModel.from_pretrained(tmp_path).eval()
    assert torch.equal(model(images)["mask"], again(images)["mask"])
    kept = {key for key, each in again.sharing.encoder.named_parameters() if each.requires_grad}
    assert kept == learning


def test_shapes_are_found_without_running_it() -> None:
    shape = infer_shape(TimmEncoder("resnet18", options=RESNET), torch.randn(2, 3, 64, 96))
    assert shape.levels[-1] == (8, 2, 3) and shape.channel_dim == 1


def test_a_name_that_timm_does_not_have() -> None:
    with pytest.raises(ConfigError, match="Did you mean"):
        TimmEncoder("resnet_18")
