"""Any network of the library transformers that encodes text, pictures or sounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.arguments import checked
from plait.core.errors import ConfigError
from plait.core.structure import Masked
from plait.encoders.backbones import Renormalise, adapted, adapter_of, chain_of, cut_at_grids
from plait.encoders.backbones.blocks import blocks_of_text
from plait.encoders.backbones.hidden_states import (
    PictureModel,
    SoundModel,
    TextModel,
    last_hidden_state,
    prefix_of,
)
from plait.encoders.backbones.transformers_models import Model, described, made, preprocessing
from plait.networks import encode
from plait.networks.modes import evaluating

REDUCTIONS = (1, 2, 4, 8, 16, 32)  # of the grids of a network for pictures


class TransformersEncoder(nn.Module):
    """Reads text, pictures or sounds through a network of transformers: BERT, GPT-2, ViT, Wav2Vec2.

        levels[-1] = model(inputs, attention_mask=mask).last_hidden_state

    The last hidden state comes after the final norm; the last of `hidden_states` does not in ViT,
    DINOv2 and Swin. What the network reads tells the kind:

    - text: codes of words to tokens `[B, L, C]`, with a stage for the embeddings and for each
      block, the last with the final norm. Of an encoder and a decoder, such as T5, it is the
      encoder. The codes are those of the tokenizer that the network was trained with.
    - pictures: maps `[B, C, H, W]`, channels first; tokens are laid on their grid, without the one
      of the class. Networks whose parts run one after the other, such as ConvNeXt and ResNet, have
      a stage for each grid.
    - sounds: samples to frames `[B, M, C]`, with the mask of the frames.

    Stages are tried against the network's own forward, in evaluation and in training. Others are
    one stage: their blocks read more than the hidden state, such as the positions that the first
    block of T5 makes for all.

    Args:
        source: a folder of a model; its name, from the cache; a configuration as plain values with
            ``"model_type"``, whose weights are drawn; or a model, which is used and not copied.
        download: look a name up on the hub. Weights have to be of the format safetensors, and no
            code is loaded.
        adapter: options of an adapter of peft as plain values, such as
            ``{"r": 8, "target_modules": ["query", "value"]}``: it is put in, and the network itself
            is frozen. A model that has an adapter keeps it.
        mean: of the pictures that the network was trained with, one number or one for each channel;
            by default what ``preprocessor_config.json`` in the folder says, else as plait's, 0.5.
        std: likewise, 0.25.
        normalize: bring each sound to mean 0 and variance 1; by default what that file says, else
            no.

    Shapes:
        text: ``Masked([B, L] or [B, L, 1 + P], [B, L])`` to `[B, L, C]`.
        pictures: `[B, 3, H, W]` to maps; most networks take pictures of one size.
        sounds: ``Masked([B, N], [B, N])`` to `[B, M, C]`.

    Raises:
        ConfigError: there is no such model, it reads something else, or an option does not fit.
        MissingExtraError: transformers is not installed.

    Differs: the masking of spectra that some networks for sounds do in training is off.

    Cost: a few runs of a copy of the network on a small input when it is made.

    Example:
        >>> sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
        >>> config = {"model_type": "bert", "vocab_size": 50, **sizes}
        >>> encoder = TransformersEncoder(config)  # doctest: +SKIP
        >>> encoder(torch.tensor([[7, 3, 9]])).shape  # doctest: +SKIP
        torch.Size([1, 3, 16])

    Reference: Wolf et al., "Transformers: State-of-the-Art Natural Language Processing", EMNLP
        2020. Adapters: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
    """

    masked = True

    @checked
    def __init__(
        self,
        source: str | Mapping[str, Any] | nn.Module,
        *,
        download: bool = False,
        adapter: Mapping[str, Any] | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        normalize: bool | None = None,
    ) -> None:
        super().__init__()
        told = preprocessing(source)
        model = made(source, download)
        # a model folder has the weights, and rebuilds the network by its configuration alone
        self.source = described(model)
        self.download = False
        adapted(model, adapter)
        self.adapter = adapter_of(source) if adapter is None else dict(adapter)
        self.mean = list(told.get("image_mean", [0.5]) if mean is None else mean)
        self.std = list(told.get("image_std", [0.25]) if std is None else std)
        self.normalize = bool(told.get("do_normalize") if normalize is None else normalize)
        kind = model.main_input_name
        if kind not in STAGES:
            raise ConfigError(
                f"{type(model).__name__} reads {kind!r}; a `TransformersEncoder` reads "
                f"{', '.join(map(repr, STAGES))}."
            )
        self.channel_dim = 1 if kind == "pixel_values" else -1
        self.stages = nn.ModuleList(STAGES[kind](self, model))

    def reduce_mask(self, mask: Tensor) -> Tensor:
        """Returns the padding mask of the features `[B, M]`, by that of the inputs `[B, N]`."""
        first = self.stages[0]
        return first.frames(mask) if isinstance(first, SoundModel) else mask

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the last hidden state: tokens, maps or frames."""
        return encode(self, inputs if mask is None else Masked(inputs, mask)).levels[-1]


def _of_text(encoder: TransformersEncoder, model: Model) -> list[nn.Module]:
    return blocks_of_text(model) or [TextModel(model)]


def _of_sounds(encoder: TransformersEncoder, model: Model) -> list[nn.Module]:
    if not hasattr(model, "_get_feature_vector_attention_mask"):
        raise ConfigError(
            f"{type(model).__name__} does not say which of its frames are real, so sounds of "
            "different length cannot be told from their padding. Write a module around it."
        )
    return [SoundModel(model, encoder.normalize)]


def _of_pictures(encoder: TransformersEncoder, model: Model) -> list[nn.Module]:
    size = getattr(model.config, "image_size", None)
    side = size if isinstance(size, int) else max(size) if size else 64
    channels = int(getattr(model.config, "num_channels", 3))
    images = torch.randn(2, channels, side, side, generator=torch.Generator().manual_seed(0))
    with evaluating(model), torch.no_grad():
        found = last_hidden_state(model, images)
    enter = Renormalise(encoder.mean, encoder.std)
    if found.dim() == 3:
        patch = getattr(model.config, "patch_size", 1)
        prefix = prefix_of(found.shape[1], side, patch if isinstance(patch, int) else max(patch))
        return [nn.Sequential(enter, PictureModel(model, prefix))]
    parts = chain_of(model, images, last_hidden_state)
    if parts is None:
        return [nn.Sequential(enter, PictureModel(model, 0))]
    first, *others = cut_at_grids(parts, images, REDUCTIONS)
    return [nn.Sequential(enter, *first), *others]


STAGES = {"input_ids": _of_text, "pixel_values": _of_pictures, "input_values": _of_sounds}
