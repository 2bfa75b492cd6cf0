from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from plait.core.errors import ConfigError, ShapeError
from plait.encoders.backbones.timm_models import (
    Whole,
    channels_last,
    made,
    normalisation,
    reductions,
    tiny,
)

timm = pytest.importorskip("timm", reason="needs timm and torchvision", exc_type=ImportError)

RESNET: dict[str, Any] = {"layers": (1, 1, 1, 1), "channels": (4, 4, 8, 8)}
VIT: dict[str, Any] = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2}


def test_a_model_without_its_classifier() -> None:
    model = made("resnet18", 3, False, None, RESNET)
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 8)
    assert made("resnet18", 1, False, None, RESNET).conv1.in_channels == 1


def test_weights_from_a_file(tmp_path: Path) -> None:
    """A classifier in the file is left out, and a first layer for colours is fitted to grey."""
    one = timm.create_model("resnet18", num_classes=5, **RESNET)
    path = tmp_path / "weights.safetensors"
    save_file(one.state_dict(), path)
    two = made("resnet18", 3, False, str(path), RESNET)
    for name, value in two.state_dict().items():
        assert torch.equal(value, one.state_dict()[name]), name
    grey = made("resnet18", 1, False, str(path), RESNET)
    torch.testing.assert_close(grey.conv1.weight, one.conv1.weight.sum(dim=1, keepdim=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnet81", 3, False, None, {}), r"no model 'resnet81'\. Did you mean 'resnet18'\?"),
        (("resnet18", 3, False, None, {"depth": 3}), "cannot make resnet18 with {'depth': 3}"),
        (("resnet18", 3, False, "a.pth", {}), "must be a file of the format safetensors"),
        (("resnet18", 3, False, "a.safetensors", {}), "there is no file of weights"),
    ],
)
def test_what_timm_cannot_make_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        made(*arguments)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"other": torch.ones(2)}, path)
    with pytest.raises(ConfigError, match=r"conv1\.weight of resnet18 is missing in"):
        made("resnet18", 3, False, str(path), RESNET)


def test_the_normalisation_is_that_of_its_weights() -> None:
    resnet, vit = (
        made("resnet18", 3, False, None, RESNET),
        made("vit_tiny_patch16_224", 3, False, None, VIT),
    )
    assert normalisation(resnet, 3) == ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert normalisation(vit, 3) == ([0.5] * 3, [0.5] * 3)
    mean, std = normalisation(resnet, 1)
    assert mean == pytest.approx([0.449]) and std == pytest.approx([0.226])
    assert normalisation(nn.Identity(), 3) == ([0.5], [0.25])


def test_what_a_model_says_of_its_maps() -> None:
    resnet = made("resnet18", 3, False, None, RESNET)
    assert reductions(resnet) == [2, 4, 8, 16, 32] and not channels_last(resnet)
    mamba = made("mambaout_femto", 3, False, None, {"dims": (16, 16), "depths": (1, 1)})
    assert reductions(mamba) == [4, 8] and channels_last(mamba)
    assert reductions(nn.Identity()) == []


def test_images_as_small_as_a_model_takes_them() -> None:
    assert tiny(made("resnet18", 1, False, None, RESNET), 1).shape == (2, 1, 64, 64)
    vit = made("vit_tiny_patch16_224", 3, False, None, VIT)
    assert tiny(vit, 3).shape == (2, 3, 32, 32) and vit.training
    with pytest.raises(ConfigError, match="ResNet cannot read images of any of the sizes"):
        tiny(made("resnet18", 1, False, None, RESNET), 2)


def test_a_whole_model_lays_its_tokens_on_their_grid() -> None:
    vit = made("vit_tiny_patch16_224", 3, False, None, VIT).eval()
    images = torch.randn(2, 3, 32, 32)
    tokens = vit.forward_features(images)
    maps = Whole(vit, False)(images)
    assert tokens.shape == (2, 17, 16) and maps.shape == (2, 16, 4, 4)
    assert torch.equal(maps.flatten(2).mT, tokens[:, 1:])


def test_a_model_that_gives_several_tensors_is_refused() -> None:
    class Two(nn.Module):
        def forward_features(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return images, images

    with pytest.raises(ShapeError, match="Two of timm must give one tensor of features"):
        Whole(Two(), False)(torch.randn(2, 3, 4, 4))
