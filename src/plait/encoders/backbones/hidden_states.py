"""The last hidden state of a model of transformers as a stage, for each kind of input."""

from __future__ import annotations

from itertools import count
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ConfigError
from plait.encoders.backbones.layouts import on_grid

Model = Any


def last_hidden_state(model: Model, inputs: Tensor, **options: Any) -> Tensor:
    """Returns the last hidden state that a model gives, after its final norm.

    Raises:
        ConfigError: it gives none, as a model of two kinds of inputs.
    """
    output = model(**{model.main_input_name: inputs}, return_dict=True, **options)
    found = getattr(output, "last_hidden_state", None)
    if not isinstance(found, Tensor):
        given = ", ".join(output) if hasattr(output, "keys") else type(output).__name__
        raise ConfigError(
            f"{type(model).__name__} gives no last hidden state; it gives {given}. Take a part of "
            "it, such as `model.vision_model`."
        )
    return found


class TextModel(nn.Module):
    """A model of words, which reads their codes: `[B, L]` or `[B, L, 1 + P]` to `[B, L, C]`.

    Of several codes for a word, the first is read.

    Args:
        model: of transformers; is used, not copied.
    """

    masked = True

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, codes: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the last hidden state; `mask` is True where a position is real."""
        codes = codes[..., 0] if codes.dim() == 3 else codes
        if mask is None:
            return last_hidden_state(self.model, codes)
        padding = getattr(self.model.config, "pad_token_id", None)
        codes = codes.masked_fill(~mask, 0 if padding is None else padding)
        return last_hidden_state(self.model, codes, attention_mask=attended(mask).long())


class SoundModel(nn.Module):
    """A model of samples: `[B, N]` to frames `[B, M, C]`.

    A sound with fewer samples than the first frame reads goes on with silence, and has this frame.

    Args:
        model: of transformers; is used, not copied.
        normalize: bring the real samples of each sound to mean 0 and variance 1, as the model was
            trained with.
    """

    masked = True

    def __init__(self, model: Model, normalize: bool) -> None:
        super().__init__()
        self.model = model
        self.normalize = normalize
        self.shortest = next(n for n in count(1) if self._frames(n) >= 1)

    def forward(self, samples: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the last hidden state of the frames; `mask` is that of the samples."""
        real = torch.ones_like(samples, dtype=torch.bool) if mask is None else mask
        samples = samples.masked_fill(~real, 0)
        if self.normalize:
            samples = _normalized(samples, real)
        samples = F.pad(samples, (0, max(0, self.shortest - samples.shape[1])))
        given = None if mask is None else self._heard(mask).long()
        return last_hidden_state(self.model, samples, attention_mask=given)

    def frames(self, mask: Tensor) -> Tensor:
        """Returns the mask of the frames `[B, M]` by that of the samples `[B, N]`."""
        heard = self._heard(mask)
        length = self._frames(heard.shape[1])
        found: Tensor = self.model._get_feature_vector_attention_mask(length, heard.long()).bool()
        return found & mask.any(dim=1, keepdim=True)

    def _heard(self, mask: Tensor) -> Tensor:
        """Returns the samples of frames: the real ones, and at least those of the first frame."""
        wide = F.pad(mask, (0, max(0, self.shortest - mask.shape[1])))
        return wide | (torch.arange(wide.shape[1], device=mask.device) < self.shortest)

    def _frames(self, samples: int) -> int:
        return int(self.model._get_feat_extract_output_lengths(samples))


class PictureModel(nn.Module):
    """A model of pictures, which gives maps: `[B, C, H, W]` to `[B, D, H / r, W / r]`.

    Args:
        model: of transformers; is used, not copied.
        prefix: how many of its tokens stand before those of places.
    """

    def __init__(self, model: Model, prefix: int) -> None:
        super().__init__()
        self.model = model
        self.prefix = prefix

    def forward(self, images: Tensor) -> Tensor:
        """Returns the last hidden state on the grid of the pictures."""
        found = last_hidden_state(self.model, images)
        if found.dim() != 3:
            return found
        return on_grid(found[:, self.prefix :], images.shape[2] / images.shape[3])


def prefix_of(tokens: int, size: int, patch: int) -> int:
    """Returns the number of tokens before those of places.

    Args:
        tokens: of a square picture, all of them.
        size: its side.
        patch: the side of the first patches; later ones may be two, four, ... times as large.

    Example:
        >>> prefix_of(17, 32, 8), prefix_of(16, 32, 4), prefix_of(9, 32, 16)
        (1, 0, 5)
    """
    places = (size // patch) ** 2
    while places > tokens and patch < size:
        patch *= 2
        places = (size // patch) ** 2
    return tokens - places


def attended(mask: Tensor) -> Tensor:
    """Returns the mask with one position at least in each row: attention to none is no number."""
    first = torch.arange(mask.shape[1], device=mask.device) == 0
    return mask | (first & ~mask.any(dim=1, keepdim=True))


def _normalized(samples: Tensor, real: Tensor) -> Tensor:
    """Returns sounds whose real samples have mean 0 and variance 1, and 0 elsewhere."""
    length = real.sum(dim=1, keepdim=True).clamp(min=1)
    centered = (samples - samples.sum(dim=1, keepdim=True) / length).masked_fill(~real, 0)
    variance = centered.square().sum(dim=1, keepdim=True) / length
    return centered / (variance + 1e-7).sqrt()
