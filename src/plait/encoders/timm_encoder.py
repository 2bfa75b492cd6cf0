"""Any network for images of the library timm, as a staged encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from plait.core.arguments import checked
from plait.core.options import Count
from plait.encoders.backbones import Renormalise, Whole, adapted, chain_of, cut_at_grids
from plait.encoders.backbones.timm_models import (
    channels_last,
    features,
    made,
    normalisation,
    reductions,
    tiny,
)


class TimmEncoder(nn.Module):
    """Reads images through a network of timm: ResNet, EfficientNet, ConvNeXt, Swin, ViT and others.

        levels[-1] = model.forward_features((x - mean) / std),    x = 0.5 + 0.25 images

    Images come as plait gives them, and are brought into the normalisation of the network. Where
    its parts run one after the other, as in most networks whose maps become coarser, there is a
    stage for each grid; else, as in ViT, the network is one stage. Which it is, is found by running
    the parts against the network itself, on noise. All levels are maps, channels first; tokens of
    a picture are laid on their grid, without the one of the class.

    Args:
        name: of a model in ``timm.list_models()``, or a model of timm itself, which is used and not
            copied; a model folder can rebuild one that was named.
        pretrained: download weights of images, unless timm has them in its cache.
        weights: a file of weights to start from, in the format safetensors.
        in_channels: channels of the images; timm fits the first layer of weights for 3 to others.
        options: what else the model takes, such as ``{"img_size": 64}`` or
            ``{"drop_path_rate": 0.1}``.
        adapter: options of an adapter of peft as plain values, such as
            ``{"r": 8, "target_modules": ["qkv"]}``: it is put in, and the network itself is frozen.

    Shapes:
        images `[B, in_channels, H, W]` to maps `[B, C, H / r, W / r]`, with r the reduction of the
        stage. Some models, such as most ViT, take one size of images, ``options["img_size"]``.

    Raises:
        ConfigError: timm has no such model, or the model no such option.
        MissingExtraError: timm is not installed.

    Cost: two runs of the network on two small images when it is made.

    Example:
        >>> from plait import Hard, MultiTaskModel  # doctest: +SKIP
        >>> encoder = TimmEncoder("resnet18", pretrained=True)  # doctest: +SKIP
        >>> model = MultiTaskModel(Hard(encoder), tasks, example=images)  # doctest: +SKIP

    Reference: Wightman, "PyTorch Image Models", 2019, doi:10.5281/zenodo.4414861.
    """

    channel_dim = 1

    @checked
    def __init__(
        self,
        name: str | nn.Module,
        *,
        pretrained: bool = False,
        weights: str | None = None,
        in_channels: Count = 3,
        options: Mapping[str, Any] | None = None,
        adapter: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.options = dict(options or {})
        self.adapter = None if adapter is None else dict(adapter)
        # a model folder has the weights: what is rebuilt from it neither downloads nor reads others
        self.pretrained, self.weights = False, None
        if isinstance(name, str):
            self.name = name
            model = made(name, in_channels, pretrained, weights, self.options)
        else:
            model = name
        adapted(model, self.adapter)
        enter = Renormalise(*normalisation(model, in_channels))
        images = tiny(model, in_channels)
        parts = chain_of(model, images, features)
        if parts is None:
            stages = [nn.Sequential(Whole(model, channels_last(model)))]
        else:
            stages = cut_at_grids(parts, images, reductions(model), last=channels_last(model))
        self.stages = nn.ModuleList([nn.Sequential(enter, *stages[0]), *stages[1:]])

    def forward(self, images: Tensor) -> Tensor:
        """Returns the last stage's maps."""
        for stage in self.stages:
            images = stage(images)
        return images
