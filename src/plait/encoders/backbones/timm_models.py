"""Models of timm by name, with the weights that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from plait.core.errors import ConfigError, ShapeError, suggest
from plait.core.extras import need
from plait.encoders.backbones.layouts import on_grid
from plait.networks.modes import evaluating

Model = Any  # timm has no annotations
PURPOSE = "`TimmEncoder`"


def made(
    name: str,
    in_channels: int,
    pretrained: bool,
    weights: str | None,
    options: Mapping[str, Any],
) -> Model:
    """Returns a model of timm without its classifier.

    Args:
        name: in timm's list of models, with a tag of weights behind a dot, or without.
        in_channels: channels of the images.
        pretrained: download weights, unless timm has them in its cache.
        weights: a file of weights, in the format safetensors.
        options: what else the model takes.

    Raises:
        ConfigError: timm has no such model, an option is unknown, or the file is none of it.
    """
    timm = need("timm", extra="hf", purpose=PURPOSE)
    if not timm.is_model(name):
        raise ConfigError(f"timm has no model {name!r}.{suggest(name, timm.list_models())}")
    loading: dict[str, Any] = {"pretrained": pretrained or weights is not None}
    if weights is not None:
        loading["pretrained_cfg_overlay"] = {"file": str(_file(weights)), "custom_load": False}
    try:
        model = timm.create_model(
            name, **{"num_classes": 0, "in_chans": in_channels, **options, **loading}
        )
    except (TypeError, RuntimeError, ValueError, AssertionError) as error:
        what = f"with {dict(options)}" if options else "with its defaults"
        raise ConfigError(f"timm cannot make {name} {what}: {error}") from error
    if weights is not None:
        _check_complete(model, name, weights)
    return model


def _check_complete(model: Model, name: str, weights: str) -> None:
    """Raises `ConfigError` for weights that the file lacks, which timm leaves as drawn."""
    with safe_open(weights, framework="pt") as file:
        known = set(file.keys())
    for key, _ in model.named_parameters():
        if key not in known:
            raise ConfigError(
                f"{key} of {name} is missing in {weights}. Give weights of this model, by the "
                "names that timm gives them: `save_file(model.state_dict(), path)`."
            )


class Whole(nn.Module):
    """A model of timm as one stage, up to its pooling and classifier.

    Args:
        model: is used, not copied.
        channels_last: its maps have the channels last.
    """

    def __init__(self, model: Model, channels_last: bool) -> None:
        super().__init__()
        self.model = model
        self.channels_last = channels_last

    def forward(self, images: Tensor) -> Tensor:
        """Returns maps `[B, C, H, W]`, or a vector `[B, C]`."""
        found = features(self.model, images)
        if not isinstance(found, Tensor):
            raise ShapeError(
                f"{type(self.model).__name__} of timm must give one tensor of features; found "
                f"{type(found).__name__}. Take a part of it with `as_staged`."
            )
        if found.dim() == 3:
            prefix = int(getattr(self.model, "num_prefix_tokens", 0))
            return on_grid(found[:, prefix:], images.shape[2] / images.shape[3])
        return found.movedim(-1, 1) if found.dim() == 4 and self.channels_last else found


def features(model: Model, images: Any) -> Any:
    """Returns the features of a model of timm, before its pooling and classifier."""
    return model.forward_features(images)


def normalisation(model: Model, in_channels: int) -> tuple[list[float], list[float]]:
    """Returns mean and standard deviation of the images that the model was trained with.

    For another number of channels than theirs, the mean over the channels is taken.
    """
    told = dict(getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None) or {})
    mean, std = (list(told.get(key, [default])) for key, default in (("mean", 0.5), ("std", 0.25)))
    if len(mean) != in_channels:
        mean, std = ([sum(each) / len(each)] for each in (mean, std))
    return mean, std


def channels_last(model: Model) -> bool:
    """Tells whether the maps of a model are `[B, H, W, C]`."""
    return str(getattr(model, "output_fmt", "NCHW")).endswith("NHWC")


def reductions(model: Model) -> list[int]:
    """Returns by how much the grids of a model are coarser than its images; empty if it is mute."""
    told = getattr(model, "feature_info", None) or []
    rows = told if isinstance(told, list) else told.get_dicts()
    return sorted({int(row["reduction"]) for row in rows if "reduction" in row})


def tiny(model: Model, in_channels: int) -> Tensor:
    """Returns two images of noise, as small as the model takes them.

    Raises:
        ConfigError: it takes none of the sizes that it names.
    """
    told = dict(getattr(model, "pretrained_cfg", None) or {})
    size = getattr(getattr(model, "patch_embed", None), "img_size", None)
    named = tuple(size) if size else tuple(told.get("input_size", (3, 224, 224))[1:])
    sizes = [named] if told.get("fixed_input_size") or size else [(64, 64), named]
    failure: Exception | None = None
    for height, width in sizes:
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(2, in_channels, height, width, generator=generator)
        try:
            with torch.no_grad(), evaluating(model):
                features(model, images)
        except Exception as error:
            failure = error
        else:
            return images
    raise ConfigError(
        f"{type(model).__name__} cannot read images of any of the sizes {sizes}: {failure}"
    ) from failure


def _file(weights: str) -> Path:
    path = Path(weights)
    if path.suffix != ".safetensors":
        raise ConfigError(
            f"`weights` must be a file of the format safetensors; found {weights!r}. Others can "
            "hold code; timm and safetensors can convert them."
        )
    if not path.is_file():
        raise ConfigError(f"there is no file of weights {weights!r}.")
    return path
